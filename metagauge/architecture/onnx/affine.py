"""Constants added to or multiplied onto features: biases, norm parameters and position tables."""

from dataclasses import replace

from metagauge.architecture.layers import (
    Attention,
    BatchNorm,
    Conv,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    PositionTable,
)
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.arrange import on_tokens
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.states import Numbers, State, Weight
from metagauge.architecture.onnx.view import View, full
from metagauge.architecture.parameter import Parameter
from metagauge.errors import StructureNotInferableError


def shifted(lifting: Lifting, view: View, known: Weight) -> View | None:
    """The sum with a constant per feature or per token and feature; None where no layer can take it."""
    if known.shape.count(1) == len(known.shape) and not view.function.is_nothing:
        return None
    per_feature = _per_feature(lifting, view, known)
    if per_feature is not None:
        view = lifting.settled(view)
        operation = lifting.draft.operation(view.source)
        layer = _with_bias(lifting, operation.layer, per_feature) if operation else None
        return replace(view, source=lifting.draft.add(layer, *operation.inputs)) if operation and layer else None
    return _with_positions(lifting, view, known)


def multiplied(lifting: Lifting, view: View, known: Weight) -> View | None:
    """The product with a constant per feature; None where no norm can take it."""
    if not view.function.is_nothing:
        return None
    per_feature = _per_feature(lifting, view, known)
    operation = lifting.draft.operation(view.source)
    if per_feature is None or operation is None:
        return None
    match operation.layer:
        case LayerNorm() | GroupNorm() | BatchNorm() as layer:
            if not (_is_all(lifting, layer.scale, 1.0) and _is_all(lifting, layer.shift, 0.0)):
                return None
            layer = replace(layer, scale=per_feature, shift=None)
            return replace(view, source=lifting.draft.add(layer, *operation.inputs))
        case _:
            return None


def vector(known: Weight, size: int) -> Parameter | None:
    """The constant as (size,), if it has so many elements along one axis."""
    if [n for n in known.shape if n != 1] != [n for n in (size,) if n != 1]:
        return None
    return weights.reshaped(known, (size,)).parameter


def bias_of(lifting: Lifting, state: State | None, size: int) -> Parameter | None:
    """The bias that a convolution or matrix product was given.

    Raises:
        StructureNotInferableError: it is not a constant of this size.
    """
    if state is None or (isinstance(state, Numbers) and lifting.is_all(state, 0)):
        return None
    bias = vector(state, size) if isinstance(state, Weight) else None
    if bias is None:
        raise StructureNotInferableError("what it adds is not a bias")
    return bias


def _with_bias(lifting: Lifting, layer: Layer, bias: Parameter) -> Layer | None:
    match layer:
        case Linear(bias=None) | Conv(bias=None):
            return replace(layer, bias=bias)
        case Attention(output=Linear(bias=None)):
            return replace(layer, output=replace(layer.output, bias=bias))
        case LayerNorm() | GroupNorm() | BatchNorm() if _is_all(lifting, layer.shift, 0.0):
            return replace(layer, shift=bias)
        case _:
            return None


def _is_all(lifting: Lifting, parameter: Parameter | None, number: float) -> bool:
    """Whether a parameter of a norm changes nothing: exporters write ones and zeros for those that a norm lacks."""
    return parameter is None or lifting.is_all(lifting.weight(parameter), number)


def _per_feature(lifting: Lifting, view: View, known: Weight) -> Parameter | None:
    value = lifting.draft.value(view.source)
    channel_axis = 0 if value.layout == "map" else len(value.shape) - 1
    features = full(channel_axis, value.features)
    sizes = _broadcast(known, view)
    if sizes is None:
        return None
    varying = [axis for axis, size in enumerate(sizes) if size != 1]
    if len(varying) > 1 or any(view.runs[axis] != features for axis in varying) or (features and not varying):
        return None
    return vector(known, value.features)


def _with_positions(lifting: Lifting, view: View, known: Weight) -> View | None:
    sizes = _broadcast(known, view)
    if sizes is None or len([size for size in sizes if size != 1]) < 2:
        return None
    view = lifting.settled(view)
    if lifting.draft.value(view.source).layout == "map":
        view = on_tokens(lifting, view)
    value = lifting.draft.value(view.source)
    if value.layout != "sequence":
        return None
    tokens, features = full(0, value.positions), full(1, value.features)
    runs = [run for run, size in zip(view.runs, sizes, strict=True) if size != 1]
    if runs == [tokens, features]:
        table = weights.reshaped(known, value.shape)
    elif runs == [features, tokens]:
        table = weights.transposed(weights.reshaped(known, (value.features, value.positions)), (1, 0))
    else:
        return None
    return replace(view, source=lifting.draft.add(PositionTable(table=table.parameter), view.source))


def _broadcast(known: Weight, view: View) -> tuple[int, ...] | None:
    if len(known.shape) > len(view.runs):
        return None
    sizes = (1,) * (len(view.runs) - len(known.shape)) + known.shape
    return sizes if all(size in (1, n) for size, n in zip(sizes, view.shape, strict=True)) else None
