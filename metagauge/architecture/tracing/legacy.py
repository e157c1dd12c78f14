"""Operators of the first converters that ONNX has dropped again, and some that merely rearrange images."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.attributes import integers, real, reals
from metagauge.architecture.tracing.arithmetic import affine, binary
from metagauge.architecture.tracing.movement import padded
from metagauge.architecture.tracing.reshaping import axis_of, sliced
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError


def _image_scaler(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """ImageScaler: one factor, and a shift for each channel."""
    x = affine(tracing, required(inputs, 0), real(node, "scale", 1.0))
    shift = np.array(reals(node, "bias") or (0.0,), dtype=np.float32).reshape(-1, 1, 1)
    return binary(tracing, "add", x, Numbers(array=shift))


def _crop(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Crop: a border (left, top, right, bottom), or a size from a corner on."""
    x = required(inputs, 0)
    *_, height, width = shape_of(x)
    left, top, right, bottom = integers(node, "border") or (0, 0, 0, 0)
    size = integers(node, "scale")
    rows, columns = size if size else (height - top - bottom, width - left - right)
    return sliced(tracing, sliced(tracing, x, 2, top, rows), 3, left, columns)


def _center_crop_pad(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """CenterCropPad: to a size, in the middle; of an odd difference the smaller part comes first."""
    x, wanted = required(inputs, 0), tracing.integers(required(inputs, 1))
    rank = len(shape_of(x))
    listed = integers(node, "axes")
    axes = tuple(range(rank)) if listed is None else tuple(axis_of(axis, rank) for axis in listed)
    if len(axes) != len(wanted):
        raise ArchitectureMismatchError(f"{len(wanted)} sizes for {len(axes)} axes")
    widths = [(0, 0)] * rank
    for axis, size in zip(axes, wanted, strict=True):
        missing = size - shape_of(x)[axis]
        if missing < 0:
            x = sliced(tracing, x, axis, -missing // 2, size)
        else:
            widths[axis] = (missing // 2, missing - missing // 2)
    return padded(tracing, x, tuple(widths))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "ImageScaler"): _image_scaler,
    ("", "Crop"): _crop,
    ("", "CenterCropPad"): _center_crop_pad,
}
