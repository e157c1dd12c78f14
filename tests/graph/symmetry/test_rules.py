"""Each operator commutes with the permutations that its rule leaves free.

A weight goes through the operator and meets a second weight, elementwise; the sum of all is one number. Permuting
both weights by the symmetry may not change it.
"""

import numpy as np
import pytest
import torch

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Binary, Requantise, Unary, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import (
    Accumulate,
    Extreme,
    LocalNorm,
    Reduce,
    Softmax,
    Standardise,
    TopK,
    WindowPool,
)
from metagauge.architecture.operators.shapes import output_shapes, shapes
from metagauge.architecture.operators.source import Weight
from metagauge.graph.symmetry.inference import infer_symmetry
from metagauge.graph.symmetry.permutation import freedom, permutations
from models.interpreter.dataflow import run_dataflow

PAIR = ((1, 1), (1, 1))
CASES = {
    "unary": (Unary(function="gelu"), [(4, 5)], 2),
    "binary": (Binary(function="multiply"), [(4, 5), (5,)], 2),
    "where": (Where(), [(4, 5), (4, 5), (4, 1)], 2),
    "requantise": (Requantise(low=-8, high=7), [(4, 5), (4, 1), (4, 1)], 2),
    "matrix product": (Contract(equation="ab,cb->ac"), [(4, 5), (6, 5)], 3),
    "scores": (Contract(equation="hqd,hkd->hqk"), [(2, 3, 4), (2, 5, 4)], 4),
    "convolution": (Convolve(stride=(1, 1), padding=PAIR, dilation=(1, 1)), [(1, 4, 5, 5), (6, 4, 3, 3), (6,)], 2),
    "grouped": (Convolve(stride=(2, 1), padding=PAIR, dilation=(1, 1), groups=2), [(1, 4, 5, 5), (6, 2, 3, 3)], 3),
    "depthwise": (Convolve(stride=(1,), padding=((1, 1),), dilation=(1,), groups=4), [(1, 4, 5), (8, 1, 3)], 2),
    "pointwise": (Convolve(stride=(1, 1), padding=((0, 0),) * 2, dilation=(1, 1)), [(1, 4, 2, 3), (6, 4, 1, 1)], 4),
    "transposed": (
        Convolve(stride=(2,), padding=((0, 0),), dilation=(1,), groups=2, transposed=True, extra=(0,)),
        [(1, 4, 5), (4, 3, 2), (6,)],
        3,
    ),
    "mean": (Reduce(function="mean", axes=(1,)), [(4, 5)], 2),
    "reduction": (Reduce(function="l2", axes=(0,), keep=False), [(4, 5)], 2),
    "softmax": (Softmax(axis=-1 % 2), [(4, 5)], 2),
    "standardise": (Standardise(axes=(1,), epsilon=1e-5), [(4, 5)], 2),
    "group norm": (Standardise(axes=(2,), epsilon=1e-5), [(1, 2, 6)], 2),
    "response norm": (LocalNorm(size=3, alpha=0.1, beta=0.5, bias=1.0), [(1, 4, 5)], 1),
    "pool": (
        WindowPool(reduction="max", kernel=(2,), stride=(2,), padding=((0, 0),), dilation=(1,)),
        [(1, 4, 6)],
        1,
    ),
    "running sum": (Accumulate(axis=0), [(4, 5)], 1),
    "place of the largest": (Extreme(axis=1), [(4, 5)], 1),
    "largest": (TopK(axis=1, count=2), [(4, 5)], 0),
    "heads": (Reshape(shape=(3, 4, 2)), [(12, 2)], 3),
    "odd reshape": (Reshape(shape=(6, 4)), [(4, 6)], 0),
    "transpose": (Transpose(axes=(2, 0, 1)), [(2, 3, 4)], 3),
    "slice": (Slice(axis=0, start=1, count=2), [(4, 5)], 2),
    "every second": (Slice(axis=0, start=1, count=2, step=2), [(4, 5)], 2),
    "backwards": (Slice(axis=0, start=3, count=4, step=-1), [(4, 5)], 1),
    "expand": (Expand(shape=(3, 4, 5)), [(4, 1)], 1),
    "concat": (Concat(axis=0), [(4, 5), (2, 5)], 3),
    "padded channels": (Pad(widths=((1, 2), (0, 0))), [(4, 5)], 3),
    "reflected": (Pad(widths=((1, 2), (0, 0)), mode="reflect"), [(4, 5)], 1),
    "cropped": (Pad(widths=((-1, 0), (0, 0))), [(4, 5)], 2),
    "resize": (Resize(shape=(1, 4, 6), scales=(1.0, 1.0, 2.0)), [(1, 4, 3)], 1),
    "resize to the same size": (Resize(shape=(1, 4, 3), scales=(1.0, 1.0, 1.2), mode="linear"), [(1, 4, 3)], 1),
    "lower triangle": (Triangle(upper=False), [(2, 4, 4)], 1),
    "recurrent": (
        Recurrent(cell="lstm", direction="forward", hidden=3),
        [(5, 1, 4), (1, 12, 4), (1, 12, 3), (1, 24)],
        2,
    ),
    "both ways": (Recurrent(cell="gru", direction="bidirectional", hidden=3), [(5, 1, 4), (2, 9, 4), (2, 9, 3)], 2),
}
"""An operator, the shapes of its inputs, and at least how many sets of neurons are free."""


def sandwich(operator, given):
    """The operator between two weights, and the sum of all."""
    after = [shape or () for shape in output_shapes(operator, given)]
    names = tuple(f"w{number}" for number in range(len(given)))
    steps = [Step(outputs=(name,), operator=Weight(tensor=name)) for name in names]
    outputs = tuple(f"y{number}" for number in range(len(after)))
    steps.append(Step(outputs=outputs, operator=operator, inputs=names))
    steps.append(Step(outputs=("meets",), operator=Weight(tensor="meets")))
    steps.append(Step(outputs=("product",), operator=Binary(function="multiply"), inputs=("y0", "meets")))
    rank = len(after[0])
    total = Reduce(function="sum", axes=tuple(range(rank)), keep=False)
    steps.append(Step(outputs=("sum",), operator=total, inputs=("product",)))
    return Dataflow(steps=tuple(steps), outputs=("sum",)), {**dict(zip(names, given, strict=True)), "meets": after[0]}


def arrays_for(sizes, operator):
    random = np.random.default_rng(0)
    arrays = {name: random.standard_normal(shape) for name, shape in sizes.items()}
    if isinstance(operator, Requantise):
        arrays["w1"] = np.abs(arrays["w1"]) / 4
        arrays["w2"] = np.round(arrays["w2"])
    if isinstance(operator, Where):
        arrays["w0"] = arrays["w0"] > 0
    return arrays


def value(dataflow, arrays):
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    return float(run_dataflow(dataflow, tensors, ())[0])


def permuted(arrays, symmetry, seed):
    moved = permutations(symmetry, seed)
    return {name: array[np.ix_(*moved[name])] if name in moved else array for name, array in arrays.items()}


@pytest.mark.parametrize("case", CASES)
def test_an_operator_keeps_what_its_rule_promises(case):
    operator, given, least = CASES[case]
    dataflow, sizes = sandwich(operator, given)
    symmetry = infer_symmetry(dataflow, shapes(dataflow, sizes.__getitem__))
    assert freedom(symmetry) >= least, "a rule may not pin what is free"
    arrays = arrays_for(sizes, operator)
    before = value(dataflow, arrays)
    for seed in range(5):
        assert value(dataflow, permuted(arrays, symmetry, seed)) == pytest.approx(before, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("operator", "given", "numbers"),
    [
        (Gather(axis=0), (4, 5), np.array(2)),
        (Gather(axis=0), (4, 5), np.array([1])),
        (Gather(axis=1), (4, 5), np.array([3, 0, 0])),
        (GatherElements(axis=0), (4, 5), np.array([[0, 1, 2, 3, 0]])),
        (GatherElements(axis=0), (4, 5), np.array([[3] * 5, [0] * 5, [3] * 5])),
        (GatherND(), (4, 5), np.array([[3], [1], [1]])),
        (GatherND(batch_axes=1), (3, 4, 5), np.array([[3], [1], [1]])),
    ],
)
def test_picked_places_keep_their_order(operator, given, numbers):
    after = output_shapes(operator, [given, numbers.shape])[0]
    assert after is not None
    steps = (
        Step(outputs=("w",), operator=Weight(tensor="w")),
        Step(outputs=("places",), operator=pack(numbers)),
        Step(outputs=("y",), operator=operator, inputs=("w", "places")),
        Step(outputs=("meets",), operator=Weight(tensor="meets")),
        Step(outputs=("product",), operator=Binary(function="multiply"), inputs=("y", "meets")),
        Step(
            outputs=("sum",),
            operator=Reduce(function="sum", axes=tuple(range(len(after))), keep=False),
            inputs=("product",),
        ),
    )
    dataflow, sizes = Dataflow(steps=steps, outputs=("sum",)), {"w": given, "meets": after}
    symmetry = infer_symmetry(dataflow, shapes(dataflow, sizes.__getitem__))
    arrays = arrays_for(sizes, operator)
    before = value(dataflow, arrays)
    for seed in range(5):
        assert value(dataflow, permuted(arrays, symmetry, seed)) == pytest.approx(before)


@pytest.mark.parametrize("reduction", ["add", "replace", "maximum"])
@pytest.mark.parametrize(
    ("operator", "numbers"),
    [
        (ScatterElements, np.array([[3] * 5, [0] * 5, [3] * 5])),
        (ScatterND, np.array([[3], [1], [1]])),
    ],
)
def test_scattered_features_stay_free_and_places_keep_their_order(operator, numbers, reduction):
    made = operator(axis=0, reduction=reduction) if operator is ScatterElements else operator(reduction=reduction)
    total = Reduce(function="sum", axes=(0, 1), keep=False)
    steps = (
        *(Step(outputs=(name,), operator=Weight(tensor=name)) for name in ("data", "updates", "meets")),
        Step(outputs=("places",), operator=pack(numbers)),
        Step(outputs=("y",), operator=made, inputs=("data", "places", "updates")),
        Step(outputs=("product",), operator=Binary(function="multiply"), inputs=("y", "meets")),
        Step(outputs=("sum",), operator=total, inputs=("product",)),
    )
    dataflow, sizes = Dataflow(steps=steps, outputs=("sum",)), {"data": (4, 5), "updates": (3, 5), "meets": (4, 5)}
    symmetry = infer_symmetry(dataflow, shapes(dataflow, sizes.__getitem__))
    assert freedom(symmetry) >= 1
    arrays = arrays_for(sizes, made)
    before = value(dataflow, arrays)
    for seed in range(5):
        assert value(dataflow, permuted(arrays, symmetry, seed)) == pytest.approx(before)
