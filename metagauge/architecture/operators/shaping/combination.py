"""The shapes of what combines elements of an axis, of recurrent networks and of packed numbers."""

from metagauge.architecture.operators.elementwise import Unpack
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import Extreme, Reduce, TopK
from metagauge.architecture.operators.shaping.rules import Shape, Shapes, axes_in, axis_in, broadcast
from metagauge.errors import ArchitectureMismatchError

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def reduce(operator: Reduce, shape: Shape | None) -> Shape | None:
    """Without the axes, or with sizes of one in their place.

    Raises:
        ArchitectureMismatchError: it has no such axes, or the largest of no elements is asked for.
    """
    if shape is None:
        return None
    axes = axes_in(operator.axes, shape)
    if operator.function in ("max", "min", "mean") and any(shape[axis] == 0 for axis in axes):
        raise ArchitectureMismatchError(f"the {operator.function} of no elements: shape {list(shape)}")
    return _without(shape, axes, keep=operator.keep)


def extreme(operator: Extreme, shape: Shape | None) -> Shape | None:
    """Without the axis, or with size one in its place.

    Raises:
        ArchitectureMismatchError: it has no such axis, or nothing along it.
    """
    if shape is None:
        return None
    axis = axis_in(operator.axis, shape)
    if shape[axis] == 0:
        raise ArchitectureMismatchError(f"the largest of no elements: shape {list(shape)}")
    return _without(shape, {axis}, keep=operator.keep)


def top_k(operator: TopK, shape: Shape | None) -> Shape | None:
    """`count` elements along the axis.

    Raises:
        ArchitectureMismatchError: there are fewer.
    """
    if shape is None:
        return None
    axis = axis_in(operator.axis, shape)
    if not 0 <= operator.count <= shape[axis]:
        raise ArchitectureMismatchError(f"the best {operator.count} along axis {axis} of {list(shape)}")
    return (*shape[:axis], operator.count, *shape[axis + 1 :])


def requantise(inputs: Shapes) -> Shape | None:
    """The first input's shape, over which scale and zero point are broadcast.

    Raises:
        ArchitectureMismatchError: they are larger.
    """
    if inputs[0] is not None and None not in inputs and broadcast(inputs) != inputs[0]:
        raise ArchitectureMismatchError(f"scale and zero point do not fit: shapes {inputs}")
    return inputs[0]


def unpack(operator: Unpack, shape: Shape | None) -> Shape | None:
    """Several numbers for each byte of the last axis.

    Raises:
        ArchitectureMismatchError: there is no last axis.
    """
    if shape is None:
        return None
    if not shape:
        raise ArchitectureMismatchError("bytes without an axis cannot be unpacked")
    return (*shape[:-1], shape[-1] * (8 // operator.bits))


def recurrent(operator: Recurrent, inputs: Shapes) -> tuple[Shape | None, ...]:
    """All states (steps, directions, batch, hidden), the last state, and an lstm's last cell.

    Raises:
        ArchitectureMismatchError: weights, biases or states do not fit.
    """
    x, hidden = inputs[0], operator.hidden
    directions = 2 if operator.direction == "bidirectional" else 1
    rows = _GATES[operator.cell] * hidden
    count = 3 if operator.cell == "lstm" else 2
    if hidden < 1 or len(operator.activations) not in (0, directions * {"rnn": 1, "gru": 2, "lstm": 3}[operator.cell]):
        raise ArchitectureMismatchError(f"{operator.cell} of {hidden} units, activations {list(operator.activations)}")
    if x is not None and len(x) != 3:
        raise ArchitectureMismatchError(f"{operator.cell} reads {list(x)}; (steps, batch, inputs) was expected")
    features, batch = (None, None) if x is None else (x[2], x[1])
    state = (directions, batch, hidden)
    expected = (
        (directions, rows, features),
        (directions, rows, hidden),
        (directions, 2 * rows),
        state,
        state,
        (directions, 3 * hidden),
    )
    for shape, wanted in zip(inputs[1:], expected, strict=False):
        if shape is not None and (
            len(shape) != len(wanted)
            or any(want is not None and size != want for size, want in zip(shape, wanted, strict=True))
        ):
            message = f"{operator.cell} of {hidden} units in {directions} directions has an input of {list(shape)}"
            raise ArchitectureMismatchError(f"{message} where {list(wanted)} was expected")
    if x is None:
        return (None,) * count
    return ((x[0], directions, x[1], hidden), *((directions, x[1], hidden),) * (count - 1))


def _without(shape: Shape, axes: set[int], *, keep: bool) -> Shape:
    if keep:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)
