"""Convolutions, pools and the padding before them."""

from metagauge.architecture.attributes import integer, integers, text
from metagauge.architecture.layers import Conv, Pool, Reduction
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.affine import bias_of
from metagauge.architecture.onnx.arrange import as_map
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.movement import Inputs, position, unmovable
from metagauge.architecture.onnx.states import Padded, State, Weight
from metagauge.architecture.onnx.view import View
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

Padding = tuple[tuple[int, int], ...]


def conv(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Conv, in any number of position axes."""
    state, weight, *bias = inputs
    if not isinstance(weight, Weight):
        raise StructureNotInferableError("the kernel is not a weight")
    view, before = _unpadded(state)
    factor, view = lifting.scaling(view)
    view = as_map(lifting, view)
    kernel = weight.shape[2:]
    stride = integers(node, "strides") or (1,) * len(kernel)
    dilation = integers(node, "dilations") or (1,) * len(kernel)
    padding = _padding(node, view.shape[2:], kernel, stride, dilation)
    layer = Conv(
        weight=weights.scaled(weight, factor).parameter,
        bias=bias_of(lifting, bias[0] if bias else None, weight.shape[0]),
        stride=stride,
        padding=_sum(padding, before),
        dilation=dilation,
        groups=integer(node, "group", 1),
    )
    return lifting.whole(lifting.draft.add(layer, view.source))


def pool(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """MaxPool and AveragePool."""
    view, before = _unpadded(inputs[0])
    view = as_map(lifting, lifting.settled(view))
    kernel = integers(node, "kernel_shape") or ()
    ones = (1,) * len(kernel)
    stride = integers(node, "strides") or ones
    if (integers(node, "dilations") or ones) != ones:
        raise StructureNotInferableError("the window is dilated")
    padding = _padding(node, view.shape[2:], kernel, stride, ones)
    reduction: Reduction = "max" if node.operator == "MaxPool" else "mean"
    counts = bool(integer(node, "count_include_pad", 0)) or not any(sum(pair) for pair in padding)
    if before and (reduction == "max" or any(sum(pair) for pair in padding)):
        raise StructureNotInferableError("the zeros around its input are no padding of this pool")
    padding = _sum(padding, before)
    if integer(node, "ceil_mode", 0) and any(
        (size + sum(pair) - width) % step
        for size, pair, width, step in zip(view.shape[2:], padding, kernel, stride, strict=True)
    ):
        raise StructureNotInferableError("its last window is cut off (ceil_mode)")
    layer = Pool(reduction=reduction, kernel=kernel, stride=stride, padding=padding, count_padding=counts)
    return lifting.whole(lifting.draft.add(layer, view.source))


def pad(lifting: Lifting, node: Node, inputs: Inputs) -> State:
    """Pad with zeros around the positions of a map."""
    state = inputs[0]
    if not isinstance(state, View):
        raise unmovable(state)
    rank = len(state.runs)
    sizes = lifting.integers(inputs[1]) if len(inputs) > 1 else integers(node, "pads") or ()
    axes = tuple(range(rank))
    if len(inputs) > 3 and inputs[3] is not None:
        axes = tuple(position(axis, rank) for axis in lifting.integers(inputs[3]))
    pairs = [(0, 0)] * rank
    for number, axis in enumerate(axes):
        pairs[axis] = (sizes[number], sizes[number + len(axes)])
    zero = len(inputs) < 3 or inputs[2] is None or lifting.is_all(inputs[2], 0)
    if not any(any(pair) for pair in pairs):
        return state
    if text(node, "mode", "constant") != "constant" or not zero or node.attributes.get("value", 0.0) != 0.0:
        raise StructureNotInferableError("pads with something other than zeros")
    if any(any(pair) for pair in pairs[:2]) or min(min(pair) for pair in pairs) < 0:
        raise StructureNotInferableError(f"pads by {pairs}")
    return Padded(view=state, padding=tuple(pairs[2:]))


def _unpadded(state: State | None) -> tuple[View, Padding]:
    match state:
        case View():
            return state, ()
        case Padded():
            return state.view, state.padding
        case _:
            raise unmovable(state)


def _sum(padding: Padding, before: Padding) -> Padding:
    if not before:
        return padding
    return tuple((a + c, b + d) for (a, b), (c, d) in zip(padding, before, strict=True))


def _padding(
    node: Node, sizes: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Padding:
    """Padding (before, after) per axis, from `pads` or `auto_pad`."""
    axes = len(kernel)
    if not axes == len(sizes) == len(stride) == len(dilation):
        raise StructureNotInferableError(f"a window of {axes} axes over {len(sizes)}")
    match text(node, "auto_pad", "NOTSET"):
        case "NOTSET":
            pads = integers(node, "pads") or (0,) * (2 * axes)
            if len(pads) != 2 * axes:
                raise StructureNotInferableError(f"pads {list(pads)} for {axes} axes")
            if min(pads, default=0) < 0:
                raise StructureNotInferableError(f"pads {list(pads)}: a window cannot begin inside its input")
            return tuple(zip(pads[:axes], pads[axes:], strict=True))
        case "VALID":
            return ((0, 0),) * axes
        case "SAME_UPPER" | "SAME_LOWER" as mode:
            totals = [
                max((-(-size // step) - 1) * step + (width - 1) * spread + 1 - size, 0)
                for size, width, step, spread in zip(sizes, kernel, stride, dilation, strict=True)
            ]
            halves = [(total // 2, total - total // 2) for total in totals]
            return tuple(halves if mode == "SAME_UPPER" else [(after, before) for before, after in halves])
        case mode:
            raise StructureNotInferableError(f"auto_pad {mode!r}")
