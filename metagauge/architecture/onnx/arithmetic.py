"""Elementwise operators, on numbers, on features (as curves) and on attention scores."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from metagauge.architecture.attributes import real, text
from metagauge.architecture.layers import Add
from metagauge.architecture.onnx import affine, attention, constants, curve, seeing
from metagauge.architecture.onnx.arrange import aligned
from metagauge.architecture.onnx.curve import Elementwise, Pointwise
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.movement import Inputs, unmovable
from metagauge.architecture.onnx.repeated import of_one_sample
from metagauge.architecture.onnx.sight import Sight
from metagauge.architecture.onnx.states import Known, Numbers, Repeated, Scores, State, Weight
from metagauge.architecture.onnx.view import View, shown
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

Binary = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _quotient(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    both_whole = np.issubdtype(left.dtype, np.integer) and np.issubdtype(right.dtype, np.integer)
    return np.trunc(left / right).astype(np.int64) if both_whole else left / right


BINARY: dict[str, Binary] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _quotient,
    "Pow": np.power,
    "Mod": np.mod,
    "Min": np.minimum,
    "Max": np.maximum,
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
}

UNARY: dict[str, Pointwise] = {
    "Relu": curve.FUNCTIONS["relu"],
    "Sigmoid": curve.sigmoid,
    "Tanh": np.tanh,
    "HardSwish": curve.FUNCTIONS["hardswish"],
    "Mish": curve.FUNCTIONS["mish"],
    "Softplus": curve.softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Erf": curve.error_function,
    "Exp": np.exp,
    "Log": np.log,
    "Sqrt": np.sqrt,
    "Neg": np.negative,
    "Abs": np.abs,
    "Reciprocal": np.reciprocal,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Not": np.logical_not,
}

WITH_ATTRIBUTES = ("LeakyRelu", "Elu", "Celu", "Selu", "HardSigmoid", "ThresholdedRelu", "Swish", "Gelu")


def unary(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """An operator of one value, with its parameters in attributes."""
    function = UNARY.get(node.operator) or _with_attributes(node)
    return _pointwise(lifting, node, inputs[0], function, lambda before: seeing.of_unary(node.operator, before))


def clip(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Clip: bounds are attributes in older operator sets, inputs in newer."""
    low, high = real(node, "min", -np.inf), real(node, "max", np.inf)
    bounds = [*inputs[1:], None, None][:2]
    low = low if bounds[0] is None else _scalar(lifting, bounds[0])
    high = high if bounds[1] is None else _scalar(lifting, bounds[1])
    return _pointwise(
        lifting, node, inputs[0], lambda x: np.clip(x, low, high), lambda before: seeing.of_bounds(before, low, high)
    )


def binary(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """An operator of two values."""
    function = BINARY[node.operator]
    if "axis" in node.attributes:
        raise StructureNotInferableError("aligns its operands at an axis, as before operator set 7")
    match inputs:
        case (Numbers() as left, Numbers() as right):
            return _folded(function, left.array, right.array)
        case (Weight() | Numbers() as left, Weight() | Numbers() as right):
            return _folded(function, lifting.array(left), lifting.array(right))
        case (View() as view, Repeated() as copies) | (Repeated() as copies, View() as view):
            once = of_one_sample(lifting, copies, view)
            return binary(lifting, node, (view, once) if inputs[0] is view else (once, view))
        case (View() as left, View() as right):
            return _of_views(lifting, node, left, right)
        case (View() as view, Weight() | Numbers() as known):
            return _with_constant(lifting, node, view, known, function, swapped=False)
        case (Weight() | Numbers() as known, View() as view):
            other: Binary = lambda left, right: function(right, left)  # noqa: E731 - a partial with its operands swapped
            return _with_constant(lifting, node, view, known, other, swapped=True)
        case (Scores() as scores, Weight() | Numbers() as known) if node.operator in ("Mul", "Div", "Add"):
            return attention.with_constant(lifting, node.operator, scores, known)
        case (Weight() | Numbers() as known, Scores() as scores) if node.operator in ("Mul", "Add"):
            return attention.with_constant(lifting, node.operator, scores, known)
        case (left, right, *_):
            raise unmovable(right if isinstance(left, View) else left)
        case _:
            raise unmovable(None)


def sum_(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Sum of any number of values."""
    total, *others = inputs
    for other in others:
        total = binary(lifting, replace(node, operator="Add"), (total, other))
    if total is None:
        raise unmovable(None)
    return total


def where(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """A choice between numbers, or between functions of one value by that value: softplus above its threshold."""
    flag, _, otherwise = inputs
    if isinstance(otherwise, Scores) and isinstance(flag, Numbers) and flag.array.size == 1 and not flag.array.any():
        return otherwise
    views = [state for state in inputs if isinstance(state, View)]
    if not views:
        return constants.where(lifting, node, inputs)
    if any(view != views[0] for view in views):
        raise StructureNotInferableError("chooses between several of the network's values")
    condition, chosen, other = (
        state.function.curve if isinstance(state, View) else np.asarray(_scalar(lifting, state)) for state in inputs
    )
    sight = seeing.of_choice(
        [state.function if isinstance(state, View) else _scalar(lifting, state) for state in inputs]
    )
    return replace(
        views[0], function=Elementwise(curve=np.where(condition, chosen, other), end=_end(node), sight=sight)
    )


def _folded(function: Binary, left: np.ndarray, right: np.ndarray) -> Numbers:
    if np.prod(np.broadcast_shapes(left.shape, right.shape)) > READ_LIMIT:
        raise StructureNotInferableError(f"computes a constant from {shown(left.shape)} and {shown(right.shape)}")
    with np.errstate(all="ignore"):
        return Numbers(array=np.asarray(function(left, right)))


def _pointwise(
    lifting: Lifting, node: Node, state: State | None, function: Pointwise, sight: Callable[[Elementwise], Sight]
) -> State:
    with np.errstate(all="ignore"):
        match state:
            case View():
                return replace(state, function=state.function.then(function, _end(node), sight(state.function)))
            case Weight() | Numbers():
                return Numbers(array=np.asarray(function(lifting.array(state))))
            case _:
                raise unmovable(state)


def _of_views(lifting: Lifting, node: Node, left: View, right: View) -> State:
    if left == right and not (node.operator == "Add" and _is_layer(left) and _is_layer(right)):
        with np.errstate(all="ignore"):
            both = BINARY[node.operator](left.function.curve, right.function.curve)
            sight = seeing.of_both(node.operator, left.function, right.function)
            return replace(left, function=Elementwise(curve=both, end=_end(node), sight=sight))
    if node.operator != "Add":
        raise StructureNotInferableError("combines two values of the network other than by a sum")
    return added(lifting, left, right)


def _end(node: Node) -> str:
    return f"{node.operator} ({node.name or node.outputs[0]!r})"


def _is_layer(view: View) -> bool:
    return view.function.is_nothing or view.function.activation is not None


def added(lifting: Lifting, left: View, right: View) -> View:
    """The sum of two values: a residual connection."""
    left, right = aligned(lifting, lifting.settled(left), lifting.settled(right))
    total = max(left, right, key=lambda view: np.prod(view.shape))
    return replace(total, source=lifting.draft.add(Add(), left.source, right.source))


def _with_constant(lifting: Lifting, node: Node, view: View, known: Known, function: Binary, *, swapped: bool) -> State:
    if node.operator == "Add" and isinstance(known, Weight):
        shifted = affine.shifted(lifting, view, known)
        if shifted is not None:
            return shifted
    if node.operator == "Mul" and isinstance(known, Weight):
        multiplied = affine.multiplied(lifting, view, known)
        if multiplied is not None:
            return multiplied
    scalar = _scalar(lifting, known)
    sight = seeing.of_number(node.operator, view.function, scalar, swapped=swapped)
    with np.errstate(all="ignore"):
        return replace(view, function=view.function.then(lambda x: function(x, np.asarray(scalar)), _end(node), sight))


def _scalar(lifting: Lifting, state: State | None) -> float:
    if not isinstance(state, Weight | Numbers):
        raise unmovable(state)
    if np.prod(state.shape) != 1:
        raise StructureNotInferableError(f"a constant of shape {shown(state.shape)} has no layer that could take it")
    return curve.decimal(float(lifting.array(state).reshape(-1)[0]))


def _with_attributes(node: Node) -> Pointwise:
    match node.operator:
        case "LeakyRelu":
            slope = real(node, "alpha", 0.01)
            return lambda x: np.where(x > 0, x, slope * x)
        case "Elu":
            alpha = real(node, "alpha", 1.0)
            return lambda x: curve.elu(x, alpha)
        case "Celu":
            alpha = real(node, "alpha", 1.0)
            return lambda x: np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(x / alpha))
        case "Selu":
            alpha, gamma = (
                real(node, "alpha", 1.67326319217681884765625),
                real(node, "gamma", 1.05070102214813232421875),
            )
            return lambda x: curve.selu(x, alpha, gamma)
        case "HardSigmoid":
            slope, offset = real(node, "alpha", 0.2), real(node, "beta", 0.5)
            return lambda x: np.clip(slope * x + offset, 0, 1)
        case "ThresholdedRelu":
            alpha = real(node, "alpha", 1.0)
            return lambda x: np.where(x > alpha, x, 0)
        case "Swish":
            alpha = real(node, "alpha", 1.0)
            return lambda x: x * curve.sigmoid(alpha * x)
        case "Gelu":
            return curve.gelu if text(node, "approximate", "none") == "none" else curve.gelu_tanh
        case _:
            raise StructureNotInferableError("is not a known elementwise operator")
