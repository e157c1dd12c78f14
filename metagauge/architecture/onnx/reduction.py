"""Means and maxima over positions or tokens."""

from dataclasses import replace

from metagauge.architecture.attributes import integer
from metagauge.architecture.layers import GlobalPool, Reduction, SetPool
from metagauge.architecture.onnx.arrange import on_tokens
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.movement import Inputs, axes_of, position, reshaped, unmovable
from metagauge.architecture.onnx.states import Numbers, State
from metagauge.architecture.onnx.view import Run, View, rebased
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError


def reduce(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """ReduceMean and ReduceMax over named axes."""
    state = inputs[0]
    if isinstance(state, Numbers):
        raise StructureNotInferableError("of a constant")
    if not isinstance(state, View):
        raise unmovable(state)
    axes = axes_of(lifting, node, inputs)
    if not axes:
        raise StructureNotInferableError("over all axes")
    reduction: Reduction = "max" if node.operator == "ReduceMax" else "mean"
    gone = {position(axis, len(state.runs)) for axis in axes}
    return _reduced(lifting, state, gone, reduction, keep=bool(integer(node, "keepdims", 1)))


def global_pool(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """GlobalAveragePool and GlobalMaxPool: over all axes behind the channels."""
    if not isinstance(inputs[0], View):
        raise unmovable(inputs[0])
    reduction: Reduction = "max" if node.operator == "GlobalMaxPool" else "mean"
    return _reduced(lifting, inputs[0], set(range(2, len(inputs[0].runs))), reduction, keep=True)


def product(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """ReduceProd, of sizes."""
    if not isinstance(inputs[0], Numbers):
        raise unmovable(inputs[0])
    array = inputs[0].array
    return Numbers(array=array.prod(axis=axes_of(lifting, node, inputs), keepdims=bool(integer(node, "keepdims", 1))))


def _reduced(lifting: Lifting, view: View, gone: set[int], reduction: Reduction, *, keep: bool) -> State:
    view = lifting.settled(view)
    sizes = tuple(1 if axis in gone else n for axis, n in enumerate(view.shape) if keep or axis not in gone)
    if all(not view.runs[axis] for axis in gone):
        return reshaped(view, sizes)
    value = lifting.draft.value(view.source)
    channel_axis = 0 if value.layout == "map" else 1
    if value.layout == "vector" or not _is_all_positions(view, gone, channel_axis, value.shape):
        raise StructureNotInferableError(f"reduces something other than all positions or tokens of a {value}")
    kept = [axis for axis in range(len(view.runs)) if keep or axis not in gone]
    channels_last = any(step.axis == channel_axis for step in view.runs[-1])
    if keep and channels_last:
        view = on_tokens(lifting, view) if value.layout == "map" else view
        source = lifting.draft.add(SetPool(reduction=reduction), view.source)
        return View(source=source, runs=_without(view, gone, kept), offsets=(0, 0))
    source = lifting.draft.add(GlobalPool(reduction=reduction), view.source)
    rest = replace(view, runs=_without(view, gone, kept))
    axes = {axis: (0, 1 if axis == channel_axis else 0) for axis in range(len(value.shape))}
    return rebased(rest, source, axes, 1)


def _without(view: View, gone: set[int], kept: list[int]) -> tuple[Run, ...]:
    return tuple(() if axis in gone else view.runs[axis] for axis in kept)


def _is_all_positions(view: View, gone: set[int], channel_axis: int, shape: tuple[int, ...]) -> bool:
    steps = {(step.axis, step.size) for axis in gone for step in view.runs[axis]}
    positions = {(axis, size) for axis, size in enumerate(shape) if axis != channel_axis and size != 1}
    return steps == positions
