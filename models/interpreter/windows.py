"""Operators on windows of positions, in torch: convolution, pooling, norms over neighbouring channels."""

from math import ceil

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from metagauge.architecture.operators.contraction import Convolve
from metagauge.architecture.operators.reduction import LocalNorm, WindowPool
from metagauge.errors import OperatorUnknownError
from models.interpreter.numbers import Inputs, alike, floating, only, optional, required

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def apply_convolve(operator: Convolve, inputs: Inputs) -> Tensor:
    """Convolution of one to three position axes."""
    if len(operator.stride) not in _CONVOLUTIONS:
        message = f"a convolution of {len(operator.stride)} position axes; one to three are computed"
        raise OperatorUnknownError(message)
    x, weight = alike([floating(tensor) for tensor in required(inputs, 2)])
    result = _transposed(operator, x, weight) if operator.transposed else _convolved(operator, x, weight)
    bias = optional(inputs, 2)
    return result if bias is None else result + bias.unflatten(0, (-1, *(1,) * len(operator.stride)))


def _convolved(operator: Convolve, x: Tensor, weight: Tensor) -> Tensor:
    padding = [before for before, _ in operator.padding]
    if any(before != after or before < 0 for before, after in operator.padding):
        x, padding = functional.pad(x, _flat(operator.padding)), [0] * len(padding)
    convolution = _CONVOLUTIONS[len(operator.stride)]
    return convolution(x, weight, None, operator.stride, padding, operator.dilation, operator.groups)


def _transposed(operator: Convolve, x: Tensor, weight: Tensor) -> Tensor:
    """All of it, then cut to size: padding is what is cut off, `extra` are positions that nothing reaches."""
    convolution, axes = _TRANSPOSED[len(operator.stride)], len(operator.stride)
    full = convolution(x, weight, None, operator.stride, 0, 0, operator.groups, operator.dilation)
    extra = operator.extra or (0,) * axes
    cuts = tuple((-before, more - after) for (before, after), more in zip(operator.padding, extra, strict=True))
    return functional.pad(full, _flat(cuts))


def _flat(padding: tuple[tuple[int, int], ...]) -> list[int]:
    """torch's order: the last axis first."""
    return [size for pair in reversed(padding) for size in pair]


def apply_window_pool(operator: WindowPool, inputs: Inputs) -> Float[Tensor, "batch channels *positions"]:
    """One axis after the other, as maxima and sums of windows are maxima and sums of their rows'."""
    x = floating(only(inputs))
    if operator.reduction == "l2":
        x = x.square()
    for axis in range(len(operator.kernel)):
        x = _pool_axis(operator, x, axis)
    return x.sqrt() if operator.reduction == "l2" else x


def _pool_axis(operator: WindowPool, x: Tensor, axis: int) -> Tensor:
    size, stride, (before, after) = x.shape[axis + 2], operator.stride[axis], operator.padding[axis]
    reach = operator.dilation[axis] * (operator.kernel[axis] - 1) + 1
    free = size + before + after - reach
    count = (ceil(free / stride) if operator.ceil else free // stride) + 1
    if operator.ceil and (count - 1) * stride >= size + before:
        count -= 1  # the last window would begin in the padding
    more = max(0, (count - 1) * stride + reach - size - before)
    fill = float("-inf") if operator.reduction == "max" else 0.0
    windows = _windows(x.movedim(axis + 2, -1), (before, more), fill, operator, axis)[..., :count, :]
    if operator.reduction == "max":
        pooled = windows.amax(-1)
    elif operator.reduction == "l2":
        pooled = windows.sum(-1)
    else:
        counted = functional.pad(x.new_ones(size), (before, after), value=1.0 if operator.count_padding else 0.0)
        counts = _windows(counted, (0, max(0, more - after)), 0.0, operator, axis)[:count].sum(-1)
        pooled = windows.sum(-1) / counts
    return pooled.movedim(-1, axis + 2)


def _windows(x: Tensor, padding: tuple[int, int], fill: float, operator: WindowPool, axis: int) -> Tensor:
    """The windows of the last axis, as one more axis."""
    reach = operator.dilation[axis] * (operator.kernel[axis] - 1) + 1
    padded = functional.pad(x, padding, value=fill)
    return padded.unfold(-1, reach, operator.stride[axis])[..., :: operator.dilation[axis]]


def apply_local_norm(operator: LocalNorm, inputs: Inputs) -> Tensor:
    """`x / (bias + alpha / size * sum of squares) ** beta`; an even size has one more neighbour behind than before."""
    x = floating(only(inputs))
    squares = functional.pad(x.square().movedim(1, -1), ((operator.size - 1) // 2, operator.size // 2))
    total = squares.unfold(-1, operator.size, 1).sum(-1).movedim(-1, 1)
    return x / (operator.bias + operator.alpha / operator.size * total).pow(operator.beta)
