"""Resize and Upsample, in the spellings of all operator sets."""

from collections.abc import Mapping
from math import floor
from typing import get_args

from metagauge.architecture.attributes import decimal, flag, integers, real, reals, text
from metagauge.architecture.operators.movement import Resize
from metagauge.architecture.tracing.resampling import resampled
from metagauge.architecture.tracing.reshaping import axis_of
from metagauge.architecture.tracing.states import Inputs, Shape, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_MODES = {"nearest": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear", "cubic": "cubic"}
_COORDINATES = frozenset(get_args(Resize.__annotations__["coordinates"]))
_ROUNDINGS = frozenset(get_args(Resize.__annotations__["rounding"]))


def resized(tracing: Tracing, x: Tensorlike, operator: Resize) -> Tensorlike:
    """x resampled; x itself where its shape does not change."""
    return x if operator.shape == x.shape and set(operator.scales) == {1.0} else tracing.apply(operator, x)


def _resize(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x = required(inputs, 0)
    shape = shape_of(x)
    is_first = len(inputs) == 2 and tracing.opset < 11
    mode, coordinates = text(node, "mode", "nearest"), text(node, "coordinate_transformation_mode", "half_pixel")
    rounding = text(node, "nearest_mode", "round_prefer_floor")
    if is_first:  # operator set 10 has no choice of coordinates
        coordinates, rounding = "asymmetric", "floor"
    if mode not in _MODES or coordinates not in _COORDINATES or rounding not in _ROUNDINGS:
        raise StructureNotInferableError(f"resizes in mode {mode!r}, coordinates {coordinates!r}, {rounding!r}")
    if coordinates == "tf_crop_and_resize":
        raise StructureNotInferableError("crops while it resizes")
    scales, target = _target(tracing, node, shape, tensor_at(inputs, 1 if is_first else 2), tensor_at(inputs, 3))
    operator = Resize(
        shape=target,
        scales=scales,
        mode=_MODES[mode],  # type: ignore[arg-type]
        coordinates=coordinates,  # type: ignore[arg-type]
        rounding=rounding,  # type: ignore[arg-type]
        cubic=real(node, "cubic_coeff_a", -0.75),
    )
    antialias = flag(node, "antialias", False) and min(scales, default=1.0) < 1.0
    exclude_outside = flag(node, "exclude_outside", False)
    if (antialias or exclude_outside) and operator.mode != "nearest":
        return resampled(tracing, x, operator, antialias=antialias, exclude_outside=exclude_outside)
    return resized(tracing, x, operator)


def _target(
    tracing: Tracing, node: Node, shape: Shape, scale: Tensorlike | None, size: Tensorlike | None
) -> tuple[tuple[float, ...], Shape]:
    """Scale and new size of every axis."""
    listed = integers(node, "axes")
    axes = tuple(range(len(shape))) if listed is None else tuple(axis_of(axis, len(shape)) for axis in listed)
    scales, sizes = [1.0] * len(shape), list(shape)
    if size is not None and shape_of(size) != (0,):
        wanted = tracing.integers(size)
        _check_count(wanted, axes)
        policy = text(node, "keep_aspect_ratio_policy", "stretch")
        ratios = [want / shape[axis] for axis, want in zip(axes, wanted, strict=True)]
        if policy != "stretch":
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            wanted = tuple(floor(ratio * shape[axis] + 0.5) for axis in axes)
        for axis, want in zip(axes, wanted, strict=True):
            scales[axis], sizes[axis] = want / shape[axis], want
        return tuple(scales), tuple(sizes)
    if scale is None:
        raise ArchitectureMismatchError("resizes, and neither scales nor sizes say how far")
    factors = tuple(decimal(number.item()) for number in tracing.array(scale).ravel())
    _check_count(factors, axes)
    for axis, factor in zip(axes, factors, strict=True):
        scales[axis], sizes[axis] = factor, floor(shape[axis] * factor)
    return tuple(scales), tuple(sizes)


def _check_count(values: tuple[float, ...], axes: tuple[int, ...]) -> None:
    if len(values) != len(axes):
        raise ArchitectureMismatchError(f"{len(values)} sizes for {len(axes)} axes")


def _upsample(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    x, state = required(inputs, 0), tensor_at(inputs, 1)
    shape, mode = shape_of(x), text(node, "mode", "nearest")
    if state is not None:
        scales = tuple(decimal(number.item()) for number in tracing.array(state).ravel())
    else:
        in_first_set = (1.0, 1.0, real(node, "height_scale", 1.0), real(node, "width_scale", 1.0))
        scales = reals(node, "scales") or in_first_set
    if len(scales) == len(shape) - 2:  # files from before ONNX 1.2 scale the positions alone
        scales = (1.0, 1.0, *scales)
    _check_count(scales, tuple(range(len(shape))))
    if mode not in _MODES:
        raise StructureNotInferableError(f"upsamples in mode {mode!r}")
    operator = Resize(
        shape=tuple(floor(size * scale) for size, scale in zip(shape, scales, strict=True)),
        scales=scales,
        mode=_MODES[mode],  # type: ignore[arg-type]
        coordinates="asymmetric",
        rounding="floor",
    )
    return resized(tracing, x, operator)


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Resize"): _resize,
    ("", "Upsample"): _upsample,
}
