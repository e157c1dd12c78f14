"""The shapes of convolutions and of pooling windows."""

from metagauge.architecture.operators.contraction import Convolve
from metagauge.architecture.operators.reduction import WindowPool
from metagauge.architecture.operators.shaping.rules import Shape, Shapes
from metagauge.errors import ArchitectureMismatchError

Pairs = tuple[tuple[int, int], ...]


def convolve(operator: Convolve, inputs: Shapes) -> Shape | None:
    """(batch, outputs, *positions).

    Raises:
        ArchitectureMismatchError: channels, groups, ranks or sizes do not fit.
    """
    shape, weight, *bias = inputs
    rank = len(operator.stride)
    _check_ranks(operator.kind, (operator.stride, operator.padding, operator.dilation), rank)
    if operator.groups < 1 or (operator.extra and len(operator.extra) != rank):
        raise ArchitectureMismatchError(f"convolve with {operator.groups} groups and extra {list(operator.extra)}")
    if shape is None or weight is None:
        return None
    if len(shape) != rank + 2 or len(weight) != rank + 2:
        raise ArchitectureMismatchError(f"convolve of {rank} axes: x {list(shape)}, weight {list(weight)}")
    channels = weight[0] if operator.transposed else weight[1] * operator.groups
    outputs = weight[1] * operator.groups if operator.transposed else weight[0]
    if shape[1] != channels or weight[0] % operator.groups:
        message = f"convolve in {operator.groups} groups: x {list(shape)}, weight {list(weight)}"
        raise ArchitectureMismatchError(message)
    if bias and bias[0] is not None and bias[0] != (outputs,):
        raise ArchitectureMismatchError(f"convolve with {outputs} outputs has a bias of shape {list(bias[0])}")
    kernel = weight[2:]
    if operator.transposed:
        extra = operator.extra or (0,) * rank
        places = zip(shape[2:], kernel, operator.stride, operator.dilation, operator.padding, extra, strict=True)
        positions = tuple(
            (size - 1) * stride + (width - 1) * dilation + 1 - before - after + more
            for size, width, stride, dilation, (before, after), more in places
        )
    else:
        positions = _positions(shape[2:], kernel, operator.stride, operator.padding, operator.dilation, ceil=False)
    if min(positions, default=1) < 1:
        raise ArchitectureMismatchError(f"a kernel {list(kernel)} on {list(shape[2:])} positions leaves {positions}")
    return (shape[0], outputs, *positions)


def pool(operator: WindowPool, shape: Shape | None) -> Shape | None:
    """(batch, channels, *positions).

    Raises:
        ArchitectureMismatchError: ranks or sizes do not fit.
    """
    rank = len(operator.kernel)
    _check_ranks(operator.kind, (operator.kernel, operator.stride, operator.padding, operator.dilation), rank)
    if min(operator.kernel, default=1) < 1:
        raise ArchitectureMismatchError(f"a window of {list(operator.kernel)}")
    if shape is None:
        return None
    if len(shape) != rank + 2:
        raise ArchitectureMismatchError(f"a window of {rank} axes on {list(shape)}")
    positions = _positions(
        shape[2:], operator.kernel, operator.stride, operator.padding, operator.dilation, ceil=operator.ceil
    )
    if min(positions, default=1) < 1:
        raise ArchitectureMismatchError(f"a window of {list(operator.kernel)} does not fit in {list(shape)}")
    return (*shape[:2], *positions)


def _positions(
    sizes: Shape, kernel: Shape, strides: Shape, padding: Pairs, dilations: Shape, *, ceil: bool
) -> tuple[int, ...]:
    found = []
    for size, width, stride, (before, after), dilation in zip(sizes, kernel, strides, padding, dilations, strict=True):
        room = size + before + after - (width - 1) * dilation - 1
        count = -(-room // stride) + 1 if ceil else room // stride + 1
        if ceil and (count - 1) * stride >= size + before:
            count -= 1  # the last window would begin behind the last element
        found.append(count if room >= 0 or ceil else 0)
    return tuple(found)


def _check_ranks(kind: str, fields: tuple[tuple, ...], rank: int) -> None:
    if any(len(values) != rank for values in fields):
        raise ArchitectureMismatchError(f"{kind} says strides, padding and dilation for different numbers of axes")
    stride, dilation = fields[-3], fields[-1]
    if min((*stride, *dilation), default=1) < 1:
        raise ArchitectureMismatchError(f"{kind} with stride {list(stride)} and dilation {list(dilation)}")
