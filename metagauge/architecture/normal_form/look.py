"""What rules ask about the steps before: is this value such a function of another?"""

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.operators.elementwise import Binary, BinaryFunction, Unary, UnaryFunction
from metagauge.architecture.operators.reduction import Reduce, ReduceFunction


def unary_of(draft: Draft, name: str, function: UnaryFunction) -> str | None:
    """The x of `function(x)`, for a function without numbers."""
    match draft.call(name):
        case Call(operator=Unary(function=found), inputs=(x,)) if found == function:
            return x
        case _:
            return None


def affine_of(draft: Draft, name: str) -> tuple[str, float, float]:
    """The x, factor and shift of `factor x + shift`; the value itself times one otherwise."""
    match draft.call(name):
        case Call(operator=Unary(function="affine", alpha=factor, beta=shift), inputs=(x,)):
            return x, factor, shift
        case _:
            return name, 1.0, 0.0


def square_of(draft: Draft, name: str) -> str | None:
    """The x of `x ** 2`."""
    match draft.call(name):
        case Call(operator=Unary(function="power", alpha=2.0), inputs=(x,)):
            return x
        case _:
            return None


def binary_of(draft: Draft, name: str, function: BinaryFunction) -> tuple[str, str] | None:
    """The operands of `function(left, right)`."""
    match draft.call(name):
        case Call(operator=Binary(function=found), inputs=(left, right)) if found == function:
            return left, right
        case _:
            return None


def reduced_of(draft: Draft, name: str, function: ReduceFunction) -> tuple[str, tuple[int, ...]] | None:
    """What is reduced along which axes, which are kept."""
    match draft.call(name):
        case Call(operator=Reduce(function=found, axes=axes, keep=True), inputs=(x,)) if found == function:
            return x, axes
        case _:
            return None
