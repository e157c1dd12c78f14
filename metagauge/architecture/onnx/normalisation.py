"""Norms, whole and written out in smaller operators."""

from collections.abc import Mapping
from dataclasses import replace

from metagauge.architecture.attributes import integer, integers, real
from metagauge.architecture.layers import BatchNorm, GroupNorm, LayerNorm
from metagauge.architecture.onnx.affine import vector
from metagauge.architecture.onnx.arrange import as_map, features
from metagauge.architecture.onnx.constants import casts_to_float
from metagauge.architecture.onnx.curve import decimal
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.movement import Inputs, position, unmovable
from metagauge.architecture.onnx.states import Numbers, State, Weight
from metagauge.architecture.onnx.view import View, full, run
from metagauge.architecture.parameter import Parameter
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError


def batch_norm(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """BatchNormalization, always with its running statistics."""
    view = _settled(lifting, inputs[0])
    value = lifting.draft.value(view.source)
    channel_axis = 0 if value.layout == "map" else len(value.shape) - 1
    if len(view.runs) < 2 or view.runs[1] != full(channel_axis, value.features):
        raise StructureNotInferableError(f"normalises an axis that is not the channels of a {value}")
    if integer(node, "training_mode", 0):
        lifting.assumed[f"{node.name or node.outputs[0]} uses its running statistics"] = None
    mean, variance = (_parameter(state, value.features) for state in inputs[3:5])
    scale, shift = (_optional(state, value.features) for state in inputs[1:3])
    layer = BatchNorm(mean=mean, variance=variance, scale=scale, shift=shift, epsilon=real(node, "epsilon", 1e-5))
    return replace(view, source=lifting.draft.add(layer, view.source))


def instance_norm(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """InstanceNormalization; of channels reshaped into groups it is group norm."""
    view = _settled(lifting, inputs[0])
    value = lifting.draft.value(view.source)
    whole = lifting.whole(view.source)
    if value.layout != "map" or run(*view.steps) != run(*whole.steps) or len(view.runs) < 3:
        raise StructureNotInferableError(f"normalises a {value} in an order that no group norm has")
    groups = view.shape[1]
    if view.runs[0] != whole.runs[0] or value.features % groups:
        raise StructureNotInferableError(f"normalises {value.features} channels in {groups} groups")
    scale, shift = _unless_all(lifting, inputs[1], 1.0), _unless_all(lifting, inputs[2], 0.0)
    if groups != value.features and (scale or shift):
        raise StructureNotInferableError("scales or shifts groups of channels")
    layer = GroupNorm(
        groups=groups,
        scale=None if scale is None else _parameter(scale, groups),
        shift=None if shift is None else _parameter(shift, groups),
        epsilon=real(node, "epsilon", 1e-5),
    )
    return replace(view, source=lifting.draft.add(layer, view.source))


def group_norm(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """GroupNormalization with parameters per channel, as from operator set 21."""
    view = as_map(lifting, _settled(lifting, inputs[0]))
    channels = view.shape[1]
    layer = GroupNorm(
        groups=integer(node, "num_groups", 1),
        scale=_optional(inputs[1], channels),
        shift=_optional(inputs[2], channels),
        epsilon=real(node, "epsilon", 1e-5),
    )
    return replace(view, source=lifting.draft.add(layer, view.source))


def layer_norm(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """LayerNormalization over the features."""
    view = _settled(lifting, inputs[0])
    rank = len(view.runs)
    if position(integer(node, "axis", -1), rank) != rank - 1:
        raise StructureNotInferableError("normalises over more than the last axis")
    return _over_features(lifting, view, real(node, "epsilon", 1e-5), *inputs[1:3])


def written_out(lifting: Lifting, node: Node, states: Mapping[str, State]) -> tuple[str, float] | None:
    """The value and epsilon that a division normalises, where it ends the operators of a layer norm.

    `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`, as exporters write it below operator set 17. All means are
    over the last axis and keep it: over any other, or over different ones, it is no layer norm.
    """
    if node.operator != "Div" or len(node.inputs) != 2:
        return None
    centred, root = _maker(lifting, node.inputs[0], "Sub"), _maker(lifting, node.inputs[1], "Sqrt")
    total = _maker(lifting, root.inputs[0], "Add") if root else None
    if centred is None or total is None:
        return None
    source, mean = centred.inputs
    for variance, constant in (total.inputs, total.inputs[::-1]):
        squared = _mean_of(lifting, states, variance, source)
        if constant not in lifting.checkpoint.tensors or squared is None:
            continue
        if _is_square(lifting, states, squared, source) and _mean_of(lifting, states, mean, source) == source:
            return source, constant_epsilon(lifting, constant)
    return None


def constant_epsilon(lifting: Lifting, name: str) -> float:
    """The one number that a tensor of the checkpoint holds."""
    tensor = lifting.checkpoint.tensor(name)
    if tensor.size != 1:
        raise StructureNotInferableError(f"tensor {name!r} is not the epsilon of a norm")
    lifting.read.add(name)
    return decimal(float(tensor.array().reshape(-1)[0]))


def normalised(lifting: Lifting, state: State | None, epsilon: float) -> State:
    """Layer norm without parameters; what is multiplied and added next becomes its scale and shift."""
    return _over_features(lifting, _settled(lifting, state), epsilon)


def _over_features(lifting: Lifting, view: View, epsilon: float, *affine: State | None) -> View:
    view = features(lifting, view, len(view.runs) - 1)
    size = lifting.draft.value(view.source).features
    scale, shift = ([_optional(state, size) for state in affine] + [None, None])[:2]
    layer = LayerNorm(scale=scale, shift=shift, epsilon=epsilon)
    return replace(view, source=lifting.draft.add(layer, view.source))


def _maker(lifting: Lifting, name: str, operator: str) -> Node | None:
    node = lifting.makers.get(name)
    while node is not None and not node.domain and (node.operator == "Identity" or _keeps_numbers(node)):
        node = lifting.makers.get(node.inputs[0])
    return node if node is not None and not node.domain and node.operator == operator else None


def _keeps_numbers(node: Node) -> bool:
    return node.operator == "Cast" and casts_to_float(node)


def _mean_of(lifting: Lifting, states: Mapping[str, State], name: str, like: str) -> str | None:
    """What is averaged over the last axis, which is kept; its rank is that of the value `like`."""
    node, value = _maker(lifting, name, "ReduceMean"), states.get(like)
    if node is None or not isinstance(value, View) or not integer(node, "keepdims", 1):
        return None
    source, *more = node.inputs
    axes = integers(node, "axes")
    if axes is None and more:
        given = states.get(more[0])
        axes = lifting.integers(given) if isinstance(given, Numbers) and given.array.size == 1 else None
    is_last = axes is not None and [position(axis, len(value.runs)) for axis in axes] == [len(value.runs) - 1]
    return source if is_last else None


def _is_square(lifting: Lifting, states: Mapping[str, State], name: str, source: str) -> bool:
    power, product = _maker(lifting, name, "Pow"), _maker(lifting, name, "Mul")
    if product is not None and product.inputs[0] == product.inputs[1]:
        centred = _maker(lifting, product.inputs[0], "Sub")
    elif power is not None and power.inputs[1] in lifting.checkpoint.tensors:
        exponent = lifting.checkpoint.tensor(power.inputs[1])
        if exponent.size != 1 or float(exponent.array().reshape(-1)[0]) != 2.0:
            return False
        lifting.read.add(power.inputs[1])
        centred = _maker(lifting, power.inputs[0], "Sub")
    else:
        return False
    if centred is None or centred.inputs[0] != source:
        return False
    return _mean_of(lifting, states, centred.inputs[1], source) == source


def _settled(lifting: Lifting, state: State | None) -> View:
    if not isinstance(state, View):
        raise unmovable(state)
    return lifting.settled(state)


def _parameter(state: State | None, size: int) -> Parameter:
    parameter = vector(state, size) if isinstance(state, Weight) else None
    if parameter is None:
        raise StructureNotInferableError(f"a parameter of the norm is not a tensor of {size} numbers")
    return parameter


def _optional(state: State | None, size: int) -> Parameter | None:
    return None if state is None else _parameter(state, size)


def _unless_all(lifting: Lifting, state: State | None, number: float) -> Weight | None:
    if isinstance(state, Numbers) and lifting.is_all(state, number):
        return None
    if not isinstance(state, Weight):
        raise unmovable(state)
    known = state.parameter.tensor in lifting.read
    if lifting.is_all(state, number):
        return None
    if not known:
        lifting.read.discard(state.parameter.tensor)
    return state
