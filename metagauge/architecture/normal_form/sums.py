"""Reductions keep their axes, and each has one spelling."""

from math import isclose, prod

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.normal_form.look import reduced_of, square_of
from metagauge.architecture.operators.elementwise import Unary
from metagauge.architecture.operators.movement import Reshape
from metagauge.architecture.operators.reduction import Reduce

_NESTED = frozenset({"sum", "mean", "max", "min", "product"})


def respell_reduction(draft: Draft, call: Call) -> Call | str | None:
    """Axes in order and kept; sums of squares and of absolute values as sums of functions."""
    match call:
        case Call(operator=Reduce() as operator, inputs=(x,)):
            shape = draft.shape(x)
            return None if shape is None else _respell(draft, operator, x, shape)
        case _:
            return None


def _respell(draft: Draft, operator: Reduce, x: str, shape: tuple[int, ...]) -> Call | None:
    function, axes = operator.function, tuple(sorted(operator.axes))
    if not operator.keep:
        kept = draft.make(Reduce(function=function, axes=axes), x)
        left = tuple(size for axis, size in enumerate(shape) if axis not in axes)
        return Call(operator=Reshape(shape=left), inputs=(kept,))
    if function == "sum_square":
        return Call(operator=Reduce(function="sum", axes=axes), inputs=(draft.make(_SQUARE, x),))
    if function == "l1":
        return Call(operator=Reduce(function="sum", axes=axes), inputs=(draft.make(Unary(function="absolute"), x),))
    inner = reduced_of(draft, x, function) if function in _NESTED else None
    if inner is not None and not set(inner[1]) & set(axes):
        both = Reduce(function=function, axes=tuple(sorted((*axes, *inner[1]))))
        return Call(operator=both, inputs=(inner[0],))
    return None if axes == operator.axes else Call(operator=Reduce(function=function, axes=axes), inputs=(x,))


_SQUARE = Unary(function="power", alpha=2.0)


def divide_sum(draft: Draft, call: Call) -> Call | str | None:
    """A sum divided by the number of its terms is a mean; the root of a sum of squares is a length."""
    match call:
        case Call(operator=Unary(function="affine", alpha=factor, beta=shift), inputs=(name,)):
            moved = draft.call(name)
            is_moved = moved is not None and isinstance(moved.operator, Reshape)
            found = reduced_of(draft, moved.inputs[0] if moved is not None and is_moved else name, "sum")
            shape = None if found is None else draft.shape(found[0])
            if found is None or shape is None:
                return None
            if not isclose(factor * prod(shape[axis] for axis in found[1]), 1.0, rel_tol=1e-6):
                return None
            mean = draft.make(Reduce(function="mean", axes=found[1]), found[0])
            mean = draft.make(moved.operator, mean) if moved is not None and is_moved else mean
            return mean if shift == 0.0 else _shifted(mean, shift)
        case Call(operator=Unary(function="sqrt"), inputs=(name,)):
            found = reduced_of(draft, name, "sum")
            x = None if found is None else square_of(draft, found[0])
            return None if found is None or x is None else Call(operator=_length(found[1]), inputs=(x,))
        case _:
            return None


def _shifted(name: str, shift: float) -> Call:
    return Call(operator=Unary(function="affine", alpha=1.0, beta=shift), inputs=(name,))


def _length(axes: tuple[int, ...]) -> Reduce:
    return Reduce(function="l2", axes=axes)
