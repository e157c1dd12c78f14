"""Small networks of whole-tensor operators that no layer kind covers, to be changed in one place."""

from dataclasses import replace

import numpy as np

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.lower_steps import Steps
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.movement import Concat, Reshape, Slice, Transpose
from metagauge.architecture.operators.recurrent import Direction, Recurrent
from metagauge.architecture.operators.reduction import Reduce
from metagauge.architecture.operators.source import Given, Weight
from tests.blindness.network import Network

WIDTH, CLASSES, ROWS = 6, 10, 32


class _Flow:
    """A dataflow of an image in the making: its mean over the columns, and linear maps."""

    def __init__(self) -> None:
        self.steps = Steps(reserved=())
        self.tensors: dict[str, np.ndarray] = {}
        self._rng = np.random.default_rng(7)
        given = self.steps.step(Given(shape=(1, 3, ROWS, ROWS)), name="given")
        rows = self.steps.step(Reduce(function="mean", axes=(3,), keep=False), given, name="rows")
        self.columns = self.steps.step(Reshape(shape=(1, 3 * ROWS)), rows, name="columns")
        self.sequence = self.steps.step(Transpose(axes=(2, 0, 1)), rows, name="sequence")

    def weight(self, name: str, *shape: int) -> str:
        self.tensors[name] = self._rng.normal(0, 2 / shape[-1] ** 0.5, shape).astype(np.float32)
        return self.steps.step(Weight(tensor=name), name=name)

    def linear(self, name: str, source: str, inputs: int, outputs: int) -> str:
        weight, bias = self.weight(f"{name}.weight", outputs, inputs), self.weight(f"{name}.bias", outputs)
        product = self.steps.step(Contract(equation="bi,oi->bo"), source, weight, name=f"{name}.product")
        return self.steps.binary("add", product, bias, name)

    def finish(self, source: str, inputs: int) -> tuple[Dataflow, dict[str, np.ndarray]]:
        output = self.linear("head", source, inputs, CLASSES)
        return Dataflow(steps=self.steps.all(), outputs=(output,)), self.tensors


def concatenated(*, swapped: bool = False) -> Network:
    """Two branches with other activations, one behind the other."""
    flow = _Flow()
    one = flow.steps.step(Unary(function="relu"), flow.linear("one", flow.columns, 3 * ROWS, WIDTH), name="relu")
    other = flow.steps.step(Unary(function="tanh"), flow.linear("other", flow.columns, 3 * ROWS, WIDTH), name="tanh")
    parts = (other, one) if swapped else (one, other)
    return flow.finish(flow.steps.step(Concat(axis=1), *parts, name="both"), 2 * WIDTH)


def subtracted(*, swapped: bool = False) -> Network:
    """One branch from the other."""
    flow = _Flow()
    one = flow.steps.step(Unary(function="relu"), flow.linear("one", flow.columns, 3 * ROWS, WIDTH), name="relu")
    other = flow.steps.step(Unary(function="tanh"), flow.linear("other", flow.columns, 3 * ROWS, WIDTH), name="tanh")
    parts = (other, one) if swapped else (one, other)
    return flow.finish(flow.steps.step(Binary(function="subtract"), *parts, name="rest"), WIDTH)


def gated(*, swapped: bool = False) -> Network:
    """Half of a linear map's values times the sigmoid of the others."""
    flow = _Flow()
    wide = flow.linear("wide", flow.columns, 3 * ROWS, 2 * WIDTH)
    first = flow.steps.step(Slice(axis=1, start=0, count=WIDTH), wide, name="first")
    second = flow.steps.step(Slice(axis=1, start=WIDTH, count=WIDTH), wide, name="second")
    value, gate = (second, first) if swapped else (first, second)
    opened = flow.steps.step(Unary(function="sigmoid"), gate, name="gate")
    return flow.finish(flow.steps.binary("multiply", value, opened, "gated"), WIDTH)


def recurrent(*, direction: Direction = "forward", linear_before_reset: bool = False) -> Network:
    """A GRU over the rows of an image."""
    flow = _Flow()
    parameters = (
        flow.weight("gru.weight", 1, 3 * WIDTH, 3),
        flow.weight("gru.recurrence", 1, 3 * WIDTH, WIDTH),
        flow.weight("gru.bias", 1, 6 * WIDTH),
    )
    cell = Recurrent(cell="gru", direction=direction, hidden=WIDTH, linear_before_reset=linear_before_reset)
    states = flow.steps.step(cell, flow.sequence, *parameters, name="states")
    last = flow.steps.step(Reduce(function="mean", axes=(0, 1), keep=False), states, name="mean")
    dataflow, tensors = flow.finish(last, WIDTH)
    steps = (replace(step, outputs=(states, "last")) if step.operator == cell else step for step in dataflow.steps)
    return replace(dataflow, steps=tuple(steps)), tensors
