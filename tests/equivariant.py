"""Networks of group-equivariant linear layers, as dataflows whose weights are made of shared coefficients.

A linear layer that commutes with a group is a sum of coefficients times basis elements (Lim et al. 2024, app. B). Here
are three: linear layers on the regular representation of the cyclic group C4, with its four cyclic shifts as basis;
convolutions that commute with quarter turns, whose kernels are rotated copies of one kernel (Cohen and Welling 2016);
and layers that commute with all permutations of a set, with the identity and the matrix of ones as basis (Zaheer et al.
2017).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from metagauge.architecture.architecture import Provenance
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.lower_steps import Steps
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.movement import Concat, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce
from metagauge.architecture.operators.source import Given, Weight

TURNS = 4
POINTS = 3
IMAGE = 6
WIDTHS = (2, 3, 5)
"""Channels of the input, and of both hidden layers."""
CLASSES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivariant:
    """A network, its tensors, and the names of its values: what it is given, both hidden layers, and its output."""

    dataflow: Dataflow
    tensors: dict[str, np.ndarray]
    hidden: tuple[str, str]


def shifts() -> np.ndarray:
    """The basis of C4: (turns, turns, turns), element k puts position h at h + k."""
    return np.stack([np.roll(np.eye(TURNS, dtype=np.float32), turn, axis=0) for turn in range(TURNS)])


def deep_sets_basis() -> np.ndarray:
    """Identity and ones: (2, points, points)."""
    return np.stack([np.eye(POINTS, dtype=np.float32), np.ones((POINTS, POINTS), np.float32)])


def spanned(basis: np.ndarray, seed: int = 0) -> Equivariant:
    """Two layers on (channels, places) whose weights are coefficients (outputs, inputs, elements) times a basis."""
    elements, places, _ = basis.shape
    flow = _Flow(seed)
    value = flow.given(1, WIDTHS[0] * places)
    hidden = []
    for layer, (inputs, outputs) in enumerate(pairwise(WIDTHS)):
        coefficients = flow.weight(f"layer{layer}.coefficients", outputs, inputs, elements)
        constant = flow.steps.step(pack(basis), name=f"layer{layer}.basis")
        spread = flow.steps.step(Contract(equation="oik,kgh->ogih"), coefficients, constant, name="spread")
        shape = (outputs * places, inputs * places)
        weight = flow.steps.step(Reshape(shape=shape), spread, name=f"layer{layer}.weight")
        product = flow.steps.step(Contract(equation="bi,oi->bo"), value, weight, name="product")
        value = flow.activated(product, layer, outputs, places)
        hidden.append(value)
    grouped = flow.steps.step(Reshape(shape=(1, WIDTHS[-1], places)), value, name="grouped")
    pooled = flow.steps.step(Reduce(function="mean", axes=(2,), keep=False), grouped, name="pooled")
    return flow.finish(pooled, hidden)


def turning(seed: int = 0, *, rotated: bool = True) -> Equivariant:
    """A convolution of the plane that lifts to C4, and one on it; copies are not `rotated` in a broken one."""
    flow = _Flow(seed)
    value = flow.given(1, WIDTHS[0], IMAGE, IMAGE)
    hidden = []
    for layer, (inputs, outputs) in enumerate(pairwise(WIDTHS)):
        depth = 1 if layer == 0 else TURNS
        kernel = flow.weight(f"layer{layer}.kernel", outputs, inputs, depth, 3, 3)
        copies = []
        for _ in range(TURNS):
            copies.append(flow.steps.step(Reshape(shape=(outputs, 1, inputs, depth, 3, 3)), kernel, name="copy"))
            if rotated:
                kernel = flow.rotated(kernel, depth)
        weight = flow.steps.step(Concat(axis=1), *copies, name="copies")
        shape = (outputs * TURNS, inputs * depth, 3, 3)
        weight = flow.steps.step(Reshape(shape=shape), weight, name=f"layer{layer}.weight")
        convolve = Convolve(stride=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1))
        product = flow.steps.step(convolve, value, weight, name="product")
        value = flow.activated(product, layer, outputs, TURNS, 1, 1)
        hidden.append(value)
    grouped = flow.steps.step(Reshape(shape=(1, WIDTHS[-1], TURNS, IMAGE, IMAGE)), value, name="grouped")
    pooled = flow.steps.step(Reduce(function="mean", axes=(2, 3, 4), keep=False), grouped, name="pooled")
    return flow.finish(pooled, hidden)


class _Flow:
    """A dataflow in the making, and random tensors for it."""

    def __init__(self, seed: int) -> None:
        self.steps = Steps(reserved=())
        self._tensors: dict[str, np.ndarray] = {}
        self._rng = np.random.default_rng(seed)

    def given(self, *shape: int) -> str:
        return self.steps.step(Given(shape=shape), name="given")

    def weight(self, name: str, *shape: int) -> str:
        self._tensors[name] = self._rng.normal(0, 0.7, shape).astype(np.float32)
        return self.steps.step(Weight(tensor=name), name=name)

    def activated(self, product: str, layer: int, channels: int, *places: int) -> str:
        """With a bias for each channel, the same at all its places, and ReLU."""
        bias = self.weight(f"layer{layer}.bias", channels)
        column = self.steps.step(Reshape(shape=(channels, 1)), bias, name="column")
        ones = self.steps.step(pack(np.ones((1, places[0]), np.float32)), name="ones")
        spread = self.steps.step(Binary(function="multiply"), column, ones, name="everywhere")
        shape = (channels * places[0], *places[1:])
        everywhere = self.steps.step(Reshape(shape=shape), spread, name=f"layer{layer}.biases")
        total = self.steps.step(Binary(function="add"), product, everywhere, name="total")
        return self.steps.step(Unary(function="relu"), total, name=f"hidden{layer}")

    def rotated(self, kernel: str, depth: int) -> str:
        """A kernel (outputs, inputs, depth, rows, columns) after a quarter turn, which also shifts its own turns."""
        swapped = self.steps.step(Transpose(axes=(0, 1, 2, 4, 3)), kernel, name="swapped")
        turned = self.steps.step(Slice(axis=3, start=2, count=3, step=-1), swapped, name="turned")
        if depth == 1:
            return turned
        last = self.steps.step(Slice(axis=2, start=depth - 1, count=1), turned, name="last")
        others = self.steps.step(Slice(axis=2, start=0, count=depth - 1), turned, name="others")
        return self.steps.step(Concat(axis=2), last, others, name="shifted")

    def finish(self, pooled: str, hidden: list[str]) -> Equivariant:
        weight = self.weight("head.weight", CLASSES, WIDTHS[-1])
        output = self.steps.step(Contract(equation="bi,oi->bo"), pooled, weight, name="output")
        dataflow = Dataflow(steps=self.steps.all(), outputs=(output,), provenance=Provenance(rung="declared"))
        return Equivariant(dataflow=dataflow, tensors=self._tensors, hidden=(hidden[0], hidden[1]))
