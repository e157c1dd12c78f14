"""Brings a view into the order in which a layer reads it: Tokens, Raster, Flatten and SelectToken rearrange."""

from dataclasses import replace
from math import prod

from metagauge.architecture.layers import (
    Activation,
    Flatten,
    GlobalPool,
    LayerNorm,
    Linear,
    Raster,
    SelectToken,
    SetPool,
    Tokens,
)
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.view import Run, View, full, rebased, run, shown
from metagauge.architecture.onnx.weight import rows
from metagauge.architecture.values import Value
from metagauge.errors import StructureNotInferableError

_CHAIN_LIMIT = 32
"""Most layers between a pool and the place that tells whether its result is a vector or a token."""


def features(lifting: Lifting, view: View, axis: int) -> View:
    """The view on a sequence or vector, all features of which are its axis `axis`.

    Raises:
        StructureNotInferableError: that axis holds something else.
    """
    view = _token_selected(lifting, view)
    value = lifting.draft.value(view.source)
    wanted = view.runs[axis]
    if value.layout == "map":
        return _map_features(lifting, view, value, axis)
    last = len(value.shape) - 1
    if wanted == full(last, value.features):
        if value.layout == "sequence" and value.positions == 1 and len(view.runs) == 2:
            return lifting.whole(pooled(lifting, view.source, keep=False))
        return view
    if value.layout == "sequence" and wanted == run(*full(0, value.positions), *full(1, value.features)):
        return _flat(lifting, view, value)
    if wanted and all(step.axis == last for step in wanted):
        return _part(lifting, view, axis, last)
    raise StructureNotInferableError(f"reads an axis that is not the features of a {value}")


def as_map(lifting: Lifting, view: View) -> View:
    """The view as all of a map in its own order; positions that were merged become a raster.

    Raises:
        StructureNotInferableError: the value is no map, or its axes are in another order.
    """
    value = lifting.draft.value(view.source)
    if value.layout == "map":
        whole = lifting.whole(view.source)
        if view.runs == whole.runs:
            return view
        positions = run(*(step for axis, size in enumerate(value.shape) if axis for step in full(axis, size)))
        if view.runs == (*whole.runs[:2], positions):
            return lifting.whole(lifting.draft.add(Raster(), view.source))
    raise StructureNotInferableError(f"reads a {value} in an order that no map has")


def on_tokens(lifting: Lifting, view: View) -> View:
    """The view on the tokens of a map."""
    value = lifting.draft.value(view.source)
    axes = {0: (1, 1)} | {axis: (0, prod(value.shape[axis + 1 :])) for axis in range(1, len(value.shape))}
    return rebased(view, lifting.draft.add(Tokens(), view.source), axes, 2)


def aligned(lifting: Lifting, left: View, right: View) -> tuple[View, View]:
    """Both views over the same layout, so that their sources can be added.

    Raises:
        StructureNotInferableError: they hold the elements in different orders.
    """
    left, right = (_token_selected(lifting, view) for view in (left, right))
    layouts = {lifting.draft.value(view.source).layout for view in (left, right)}
    if layouts == {"map", "sequence"}:
        left, right = (_unmapped(lifting, view) for view in (left, right))
    if left.runs == right.runs and left.offsets == right.offsets and len(layouts) == 1:
        return left, right
    small, big = sorted((left, right), key=lambda view: prod(view.shape))
    big = _unmapped(lifting, big)
    if lifting.draft.value(big.source).layout == "sequence" and lifting.draft.value(small.source).layout != "map":
        small = _one_token(lifting, small)
        without_tokens = tuple(tuple(step for step in old if step.axis != 0) for old in big.runs)
        if small.runs in (without_tokens, big.runs) and not any((*small.offsets, *big.offsets)):
            return (small, big) if right is not small else (big, small)
    raise StructureNotInferableError(f"adds {shown(left.shape)} and {shown(right.shape)} in different orders")


def pooled(lifting: Lifting, name: str, *, keep: bool, depth: int = 0) -> str:
    """The same pooled features as a token that is kept (`keep`), or as a vector.

    Programs tell the two apart only where the result is used, some layers after the pool.
    """
    value, operation = lifting.draft.value(name), lifting.draft.operation(name)
    if value.layout == ("sequence" if keep else "vector"):
        return name
    if operation is not None and depth < _CHAIN_LIMIT:
        (source, *_) = operation.inputs
        match operation.layer:
            case SetPool() | GlobalPool() as layer:
                if not keep:
                    return lifting.draft.add(GlobalPool(reduction=layer.reduction), source)
                if lifting.draft.value(source).layout == "map":
                    source = lifting.draft.add(Tokens(), source)
                return lifting.draft.add(SetPool(reduction=layer.reduction), source)
            case Linear() | Activation() | LayerNorm() as layer:
                return lifting.draft.add(layer, pooled(lifting, source, keep=keep, depth=depth + 1))
            case _:
                pass
    if keep:
        raise StructureNotInferableError(f"gives a {value} to every token")
    return lifting.draft.add(SelectToken(index=0), name)


def _map_features(lifting: Lifting, view: View, value: Value, axis: int) -> View:
    wanted, channels = view.runs[axis], full(0, value.features)
    positions = run(*(step for axis, size in enumerate(value.shape) if axis for step in full(axis, size)))
    if wanted == channels and value.positions > 1:
        return features(lifting, on_tokens(lifting, view), axis)
    if wanted == run(*channels, *positions):
        axes = {axis: (0, prod(value.shape[axis + 1 :])) for axis in range(len(value.shape))}
        return rebased(view, lifting.draft.add(Flatten(), view.source), axes, 1)
    if wanted == run(*positions, *channels):
        view = on_tokens(lifting, view)
        return _flat(lifting, view, lifting.draft.value(view.source))
    raise StructureNotInferableError(f"reads an axis that is not the features of a {value}")


def _flat(lifting: Lifting, view: View, value: Value) -> View:
    return rebased(view, lifting.draft.add(Flatten(), view.source), {0: (0, value.features), 1: (0, 1)}, 1)


def _part(lifting: Lifting, view: View, axis: int, last: int) -> View:
    linear = linear_part(lifting, view.source, view.runs[axis], view.offsets[last])
    operation = lifting.draft.operation(view.source)
    if operation is None or sum(step.axis == last for step in view.steps) != len(view.runs[axis]):
        raise StructureNotInferableError("reads a part of the features")
    source = lifting.draft.add(linear, *operation.inputs)
    runs = list(view.runs)
    runs[axis] = full(last, lifting.draft.value(source).features)
    return replace(view, source=source, runs=tuple(runs), offsets=(0,) * len(view.offsets))


def linear_part(lifting: Lifting, source: str, steps: Run, offset: int) -> Linear:
    """The linear layer that computes only those of `source`'s features which the steps visit.

    Raises:
        StructureNotInferableError: the source is no linear layer.
    """
    operation = lifting.draft.operation(source)
    if operation is None or not isinstance(operation.layer, Linear):
        raise StructureNotInferableError(f"reads a part of the features of a {lifting.draft.value(source)}")
    layer = operation.layer
    weight = rows(lifting.weight(layer.weight), steps, offset).parameter
    bias = None if layer.bias is None else rows(lifting.weight(layer.bias), steps, offset).parameter
    return Linear(weight=weight, bias=bias)


def _token_selected(lifting: Lifting, view: View) -> View:
    value = lifting.draft.value(view.source)
    if value.layout != "sequence" or value.positions == 1 or any(step.axis == 0 for step in view.steps):
        return view
    selected = lifting.draft.add(SelectToken(index=view.offsets[0]), view.source)
    at_start = replace(view, offsets=(0, view.offsets[1]))
    return rebased(at_start, selected, {0: (0, 0), 1: (0, 1)}, 1)


def _unmapped(lifting: Lifting, view: View) -> View:
    return on_tokens(lifting, view) if lifting.draft.value(view.source).layout == "map" else view


def _one_token(lifting: Lifting, view: View) -> View:
    if lifting.draft.value(view.source).layout == "sequence":
        return view
    return rebased(view, pooled(lifting, view.source, keep=True), {0: (1, 1)}, 2)
