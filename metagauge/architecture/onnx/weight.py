"""Views of weights, kept short: views that undo each other leave none, so equal weights are spelled equally."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from metagauge.architecture.onnx.states import Weight
from metagauge.architecture.onnx.view import Run, run
from metagauge.architecture.parameter import Reshape, Scale, Slice, Transpose, View
from metagauge.errors import StructureNotInferableError


def reshaped(weight: Weight, sizes: Sequence[int]) -> Weight:
    """The elements in row-major order with other sizes.

    Raises:
        StructureNotInferableError: there are more or fewer elements.
    """
    sizes = tuple(sizes)
    if sizes == weight.shape:
        return weight
    if prod(sizes) != prod(weight.shape):
        raise StructureNotInferableError(f"tensor {_name(weight)!r} of shape {list(weight.shape)} as {list(sizes)}")
    views = weight.parameter.views
    if views and isinstance(views[-1], Reshape):
        views = views[:-1]
    return _seen(weight, (*views, Reshape(shape=sizes)), sizes)


def transposed(weight: Weight, axes: Sequence[int]) -> Weight:
    """The axes in another order."""
    axes = tuple(axes)
    if sorted(axes) != list(range(len(weight.shape))):
        raise StructureNotInferableError(f"tensor {_name(weight)!r} of shape {list(weight.shape)} by axes {list(axes)}")
    shape = tuple(weight.shape[axis] for axis in axes)
    views = weight.parameter.views
    if views and isinstance(views[-1], Transpose):
        axes = tuple(views[-1].axes[axis] for axis in axes)
        views = views[:-1]
    if axes != tuple(range(len(axes))):
        views = (*views, Transpose(axes=axes))
    return _seen(weight, views, shape)


def narrowed(weight: Weight, axis: int, start: int, stop: int) -> Weight:
    """Indices `start <= i < stop` of one axis."""
    if (start, stop) == (0, weight.shape[axis]):
        return weight
    shape = (*weight.shape[:axis], stop - start, *weight.shape[axis + 1 :])
    return _seen(weight, (*weight.parameter.views, Slice(axis=axis, start=start, stop=stop)), shape)


def scaled(weight: Weight, factor: float) -> Weight:
    """Every element times one number."""
    if factor == 1.0:
        return weight
    return _seen(weight, (*weight.parameter.views, Scale(factor=factor)), weight.shape)


def rows(weight: Weight, steps: Run, offset: int) -> Weight:
    """The rows (first axis) that row-major `steps` visit from `offset` on, in their order.

    Raises:
        StructureNotInferableError: the steps overlap.
    """
    steps = run(*steps)
    if len(steps) == 1 and steps[0].stride == 1:
        return narrowed(weight, 0, offset, offset + steps[0].size)
    columns = weight.shape[1:]
    by_stride = sorted(steps, key=lambda step: -step.stride)
    inner, outer = weight.shape[0], ()
    for number, step in enumerate(by_stride):
        start, offset = divmod(offset, step.stride)
        if inner % step.stride or start + step.size > inner // step.stride:
            raise StructureNotInferableError(f"tensor {_name(weight)!r}: its rows are read in overlapping runs")
        weight = reshaped(weight, (*outer, inner // step.stride, step.stride, *columns))
        weight = narrowed(weight, number, start, start + step.size)
        inner, outer = step.stride, (*outer, step.size)
    weight = narrowed(weight, len(outer), offset, offset + 1)
    order = [*(by_stride.index(step) for step in steps), *range(len(outer), len(weight.shape))]
    return reshaped(transposed(weight, order), (prod(outer), *columns))


def _seen(weight: Weight, views: tuple[View, ...], shape: tuple[int, ...]) -> Weight:
    return Weight(parameter=replace(weight.parameter, views=views), shape=shape)


def _name(weight: Weight) -> str:
    return weight.parameter.tensor
