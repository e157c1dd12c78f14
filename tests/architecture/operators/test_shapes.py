"""Shapes of what operators give, and the check of dataflows that nobody vouches for."""

from collections.abc import Mapping

import pytest

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.indexing import Gather, GatherND
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import Reduce, TopK, WindowPool
from metagauge.architecture.operators.shapes import output_shapes, shapes
from metagauge.architecture.operators.source import Constant, Given, Weight
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, TensorMissingError

Shape = tuple[int, ...]
_PLAIN = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,)}


@pytest.mark.parametrize(
    ("operator", "inputs", "expected"),
    [
        (Binary(function="add"), ((3, 1), (2, 1, 4)), (2, 3, 4)),
        (Contract(equation="bqd,bkd->bqk"), ((1, 2, 3), (1, 5, 3)), (1, 2, 5)),
        (Convolve(stride=(2,), padding=((1, 1),), dilation=(1,)), ((1, 4, 9), (6, 4, 3)), (1, 6, 5)),
        (Convolve(**_PLAIN, groups=2, transposed=True, extra=(1,)), ((1, 4, 5), (4, 3, 3), (6,)), (1, 6, 8)),
        (WindowPool(reduction="max", kernel=(3,), **_PLAIN | {"stride": (2,)}, ceil=True), ((1, 2, 6),), (1, 2, 3)),
        (Reduce(function="mean", axes=(1,), keep=False), ((2, 3, 4),), (2, 4)),
        (Reshape(shape=(6, 2)), ((3, 4),), (6, 2)),
        (Transpose(axes=(2, 0, 1)), ((2, 3, 4),), (4, 2, 3)),
        (Slice(axis=1, start=4, count=3, step=-2), ((2, 5),), (2, 3)),
        (Expand(shape=(4, 3)), ((3,),), (4, 3)),
        (Concat(axis=1), ((2, 3), (2, 5)), (2, 8)),
        (Pad(widths=((0, 0), (-1, 3))), ((2, 5),), (2, 7)),
        (Gather(axis=1), ((2, 9, 4), (3, 5)), (2, 3, 5, 4)),
        (GatherND(batch_axes=1), ((2, 5, 4), (2, 3, 1)), (2, 3, 4)),
    ],
)
def test_the_shape_of_an_output(operator: Operator, inputs: tuple[Shape, ...], expected: Shape) -> None:
    assert output_shapes(operator, inputs) == (expected,)


def test_operators_with_several_outputs() -> None:
    assert output_shapes(TopK(axis=1, count=2), [(3, 5)]) == ((3, 2), (3, 2))
    lstm = Recurrent(cell="lstm", direction="bidirectional", hidden=4)
    given = [(7, 1, 3), (2, 16, 3), (2, 16, 4), (2, 32), None, None, None]
    assert output_shapes(lstm, given) == ((7, 2, 1, 4), (2, 1, 4), (2, 1, 4))
    assert output_shapes(Choose(shown=False), [(), (2,), (3,)]) == ((3,),)


def test_an_unknown_shape_stays_unknown_and_a_known_one_is_known_again() -> None:
    assert output_shapes(Unary(function="relu"), [None]) == (None,)
    assert output_shapes(Reshape(shape=(2, 3)), [None]) == ((2, 3),)


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        (Binary(function="add"), ((3,), (4,))),
        (Binary(function="add"), ((3,),)),
        (Contract(equation="ab,bc->ac"), ((2, 3), (1, 4))),
        (Contract(equation="aa->a"), ((2, 2),)),
        (Contract(equation="ab->c"), ((2, 2),)),
        (Contract(equation="...a->a"), ((2, 2),)),
        (Convolve(**_PLAIN), ((1, 3, 9), (6, 4, 3))),
        (Convolve(**_PLAIN), ((1, 4, 2), (6, 4, 3))),
        (Convolve(**_PLAIN | {"stride": (0,)}), ((1, 4, 9), (6, 4, 3))),
        (Convolve(**_PLAIN, groups=0), ((1, 4, 9), (6, 4, 3))),
        (Reshape(shape=(5,)), ((2, 3),)),
        (Reshape(shape=(-2, -3)), ((2, 3),)),
        (Transpose(axes=(0, 0)), ((2, 3),)),
        (Slice(axis=0, start=1, count=2), ((2,),)),
        (Slice(axis=0, start=0, count=2, step=0), ((2,),)),
        (Slice(axis=-1, start=0, count=1), ((2,),)),
        (Pad(widths=((-2, -1),)), ((2,),)),
        (Reduce(function="max", axes=(0, 0)), ((2,),)),
        (TopK(axis=0, count=3), ((2,),)),
        (Recurrent(cell="gru", direction="forward", hidden=4), ((7, 1, 3), (1, 16, 3), (1, 12, 4))),
        (Choose(), ((), (2,))),
    ],
)
def test_what_does_not_fit_is_refused(operator: Operator, inputs: tuple[Shape, ...]) -> None:
    with pytest.raises(ArchitectureMismatchError):
        output_shapes(operator, inputs)


def test_values_too_large_are_refused_before_they_are_made() -> None:
    for operator, given in (
        (Expand(shape=(1 << 16, 1 << 16)), [(1,)]),
        (Contract(equation="a,b->ab"), [(1 << 16,), (1 << 16,)]),
        (Pad(widths=((0, 1 << 40),)), [(1,)]),
        (Given(shape=(1 << 32,)), []),
        (Reshape(shape=(1,) * 17), [(1,)]),
    ):
        with pytest.raises(LimitExceededError):
            output_shapes(operator, given)


def _step(name: str, operator: Operator, *inputs: str) -> Step:
    return Step(outputs=(name,), operator=operator, inputs=inputs)


_RELU = Unary(function="relu")
_X = _step("x", Given(shape=(1, 2)))


def _checked(*steps: Step, outputs: tuple[str, ...] = ("y",)) -> Mapping[str, Shape | None]:
    def shape_of_tensor(name: str) -> Shape:
        if name != "w":
            raise TensorMissingError(name)
        return (2, 3)

    return shapes(Dataflow(steps=steps, outputs=outputs), shape_of_tensor)


def test_every_value_of_a_dataflow_gets_its_shape() -> None:
    product = _step("y", Contract(equation="bi,io->bo"), "x", "w")
    assert _checked(_X, _step("w", Weight(tensor="w")), product) == {"x": (1, 2), "w": (2, 3), "y": (1, 3)}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((_step("y", _RELU, "z"),), "no earlier step"),
        ((_X, _step("y", _RELU, "y")), "no earlier step"),
        ((_X, _step("x", _RELU, "x")), "empty or taken"),
        ((_X, _step("", _RELU, "x")), "empty or taken"),
        ((_X, _step("y", _RELU, "")), "lacks input 0"),
        ((_X, Step(outputs=("y", "z"), operator=_RELU, inputs=("x",))), "names 2 outputs"),
        ((_X, Step(outputs=("y", "y"), operator=TopK(axis=1, count=1), inputs=("x",))), "same name"),
        ((_X, Step(outputs=(), operator=_RELU, inputs=("x",))), "names 0 outputs"),
        ((_X,), "returns 'y'"),
        ((_X, _step("y", Carry(loop="l"), "x", "later")), "carries 'later'"),
        ((_X, _step("y", Carry(loop="l"), "x", "z"), _step("z", Given(shape=(5,)))), "starts with"),
    ],
)
def test_dataflows_that_contradict_themselves_are_refused(steps: tuple[Step, ...], message: str) -> None:
    with pytest.raises(ArchitectureMismatchError, match=message):
        _checked(*steps)


def test_a_dataflow_without_outputs_is_refused() -> None:
    with pytest.raises(ArchitectureMismatchError, match="returns nothing"):
        _checked(_X, outputs=())


def test_a_loop_may_read_what_a_later_step_gives() -> None:
    loop = (_X, _step("state", Carry(loop="l"), "x", "y"), _step("y", _RELU, "state"))
    assert _checked(*loop)["y"] == (1, 2)


def test_a_missing_tensor_is_named() -> None:
    with pytest.raises(TensorMissingError, match="nowhere"):
        _checked(_step("y", Weight(tensor="nowhere")))


def test_constants_and_steps_are_counted_before_anything_is_unpacked() -> None:
    bomb = Constant(dtype="float32", shape=(1 << 40,), data="")
    with pytest.raises(LimitExceededError):
        _checked(_step("y", bomb))
    many = Opaque(operator="many", shapes=(None,) * 70_000)
    with pytest.raises(LimitExceededError):
        _checked(Step(outputs=tuple(f"y{i}" for i in range(70_000)), operator=many))
