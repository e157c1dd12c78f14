"""Random dataflows compute the same in normal form."""

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metagauge.architecture.normal_form.normalise import normalise
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Where
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce, Softmax
from metagauge.architecture.operators.shapes import shapes
from tests.architecture.normal_form.sketch import Sketch

UNARY = ("relu", "tanh", "sigmoid", "exp", "erf", "negate", "absolute", "silu", "gelu", "softplus", "sin")
NUMBERS = (0.5, -1.0, 2.0, 1.0, 0.0, 1e-5, 0.125, 1.702)
BINARY = ("add", "subtract", "multiply", "divide", "minimum", "maximum")


class Growing:
    """A sketch to which random steps are added; values stay bounded, so that sums of them can be compared."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.sketch = Sketch()
        self.shapes: dict[str, tuple[int, ...]] = {}
        for source in (self.sketch.given, self.sketch.given, self.sketch.weight):
            self.keep(source(2, 3, 4), (2, 3, 4))
        for array in (np.zeros((3, 4)), np.where(np.tril(np.ones((3, 4))), 0.0, -1e9), self.random.standard_normal(4)):
            self.keep(self.sketch.constant(array), array.shape)

    def keep(self, name: str, shape: tuple[int, ...]) -> None:
        self.shapes[name] = shape

    def pick(self, *choices):
        return choices[int(self.random.integers(len(choices)))]

    def grow(self) -> None:
        name = self.pick(*list(self.shapes)[-6:], *self.shapes)
        shape, s = self.shapes[name], self.sketch
        axis = int(self.random.integers(len(shape))) if shape else 0
        match int(self.random.integers(12)):
            case 0 | 1:
                self.keep(s.unary(self.pick(*UNARY), self.bounded(name)), shape)
            case 2 | 3:
                self.keep(s.affine(name, self.pick(*NUMBERS), self.pick(0.0, *NUMBERS)), shape)
            case 4 | 5 | 6:
                self.combine(name)
            case 7:
                self.move(name, axis)
            case 8 if shape:
                kept = tuple(1 if place == axis else size for place, size in enumerate(shape))
                function = self.pick("mean", "sum", "max")
                self.keep(s.do(Reduce(function=function, axes=(axis,)), name), kept)
            case 9 if shape:
                self.keep(s.do(Softmax(axis=axis), name), shape)
            case 10 if len(shape) == 3:
                other = self.pick(*(each for each, found in self.shapes.items() if len(found) == 3))
                if self.shapes[other][0] == shape[0] and self.shapes[other][2] == shape[2]:
                    product = s.do(Contract(equation="aik,ajk->aij", factor=self.pick(1.0, 0.5)), name, other)
                    self.keep(product, (shape[0], shape[1], self.shapes[other][1]))
            case 11:
                condition = s.binary("greater", name, s.constant(0.1))
                self.keep(s.do(Where(), condition, name, s.affine(name, 0.2)), shape)
            case _:
                self.keep(s.binary("multiply", self.bounded(name), self.bounded(name)), shape)

    def bounded(self, name: str) -> str:
        return self.sketch.unary("clip", name, -3.0, 3.0)

    def combine(self, name: str) -> None:
        other = self.pick(*self.shapes)
        try:
            shape = np.broadcast_shapes(self.shapes[name], self.shapes[other])
        except ValueError:
            return
        if prod(shape) > 500:
            return
        function = self.pick(*BINARY)
        if function == "divide":
            other = self.sketch.unary("sqrt", self.sketch.affine(self.sketch.unary("power", other, 2.0), 1.0, 0.1))
        if function == "multiply":
            other = self.bounded(other)
        self.keep(self.sketch.binary(function, name, other), shape)

    def move(self, name: str, axis: int) -> None:
        shape, s = self.shapes[name], self.sketch
        if not shape or prod(shape) > 200:
            return
        size = shape[axis]
        match int(self.random.integers(6)):
            case 0:
                self.keep(
                    s.do(Reshape(shape=(*shape[:axis], 1, *shape[axis:])), name), (*shape[:axis], 1, *shape[axis:])
                )
            case 1:
                axes = tuple(int(each) for each in self.random.permutation(len(shape)))
                self.keep(s.do(Transpose(axes=axes), name), tuple(shape[each] for each in axes))
            case 2:
                start = int(self.random.integers(size))
                self.keep(
                    s.do(Slice(axis=axis, start=start, count=size - start), name),
                    (*shape[:axis], size - start, *shape[axis + 1 :]),
                )
            case 3:
                part = s.affine(name, 0.5)
                self.keep(s.do(Concat(axis=axis), name, part), (*shape[:axis], 2 * size, *shape[axis + 1 :]))
            case 4:
                widths = tuple((1, 0) if place == axis else (0, 0) for place in range(len(shape)))
                self.keep(s.do(Pad(widths=widths), name), (*shape[:axis], size + 1, *shape[axis + 1 :]))
            case _:
                places = s.constant(np.array([0, size - 1]))
                self.keep(s.do(Gather(axis=axis), name, places), (*shape[:axis], 2, *shape[axis + 1 :]))
                self.keep(s.do(Expand(shape=(2, *shape)), name), (2, *shape))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(min_value=0, max_value=2**32))
def test_any_dataflow_computes_the_same(seed: int):
    growing = Growing(seed)
    for _ in range(25):
        growing.grow()
    flow = growing.sketch.flow(*list(growing.shapes)[-4:])
    known = shapes(flow, growing.sketch.weights.__getitem__)
    found = normalise(flow, known)
    after = shapes(found, growing.sketch.weights.__getitem__)
    assert all(after[name] == known[name] for name in after if name in known)
    for left, right in zip(growing.sketch.run(found), growing.sketch.run(flow), strict=True):
        assert left.shape == right.shape
        torch.testing.assert_close(left.float(), right.float(), rtol=2e-3, atol=2e-3, equal_nan=True)
