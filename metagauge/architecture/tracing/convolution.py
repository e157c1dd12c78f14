"""Convolutions, with the padding that the file leaves to be worked out."""

from collections.abc import Mapping

from metagauge.architecture.attributes import integer, integers, text
from metagauge.architecture.operators.contraction import Convolve
from metagauge.architecture.tracing.states import Inputs, Shape, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

Pairs = tuple[tuple[int, int], ...]


def padding(node: Node, sizes: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Pairs:
    """(before, after) for each position axis, as `pads` or `auto_pad` says.

    Raises:
        ArchitectureMismatchError: there are not two widths for each axis.
    """
    mode = text(node, "auto_pad", "NOTSET")
    rank = len(kernel)
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        totals = (
            max((-(-size // step) - 1) * step + (width - 1) * spread + 1 - size, 0)
            for size, width, step, spread in zip(sizes, kernel, stride, dilation, strict=True)
        )
        return tuple(_halves(total, more_first=mode == "SAME_LOWER") for total in totals)
    pads = integers(node, "pads") or ()
    if mode == "VALID" or not pads:
        return ((0, 0),) * rank
    if len(pads) != 2 * rank:
        raise ArchitectureMismatchError(f"{len(pads)} widths of padding for {rank} axes")
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def conv(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Conv."""
    x, weight, bias = required(inputs, 0), required(inputs, 1), tensor_at(inputs, 2)
    return convolved(tracing, node, x, weight, bias)


def convolved(tracing: Tracing, node: Node, x: Tensorlike, weight: Tensorlike, bias: Tensorlike | None) -> Tensorlike:
    """A convolution with the strides, dilation, groups and padding of `node`."""
    kernel = _kernel(node, weight)
    rank = len(kernel)
    stride, dilation = _each(node, "strides", rank), _each(node, "dilations", rank)
    sizes = kernel if x.shape is None else x.shape[2:]
    if len(sizes) != rank or (x.shape is None and text(node, "auto_pad", "NOTSET").startswith("SAME")):
        raise ArchitectureMismatchError(f"a kernel {list(kernel)} for {x.shape}")
    operator = Convolve(
        stride=stride,
        padding=padding(node, sizes, kernel, stride, dilation),
        dilation=dilation,
        groups=integer(node, "group", 1),
    )
    weight = tracing.parameter(weight)
    return tracing.apply(operator, x, weight, *(() if bias is None else (tracing.parameter(bias),)))


def conv_transpose(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """ConvTranspose: padding from `pads`, or so that the output has `output_shape`."""
    x, weight, bias = required(inputs, 0), required(inputs, 1), tensor_at(inputs, 2)
    kernel = _kernel(node, weight)
    rank = len(kernel)
    stride, dilation = _each(node, "strides", rank), _each(node, "dilations", rank)
    extra = integers(node, "output_padding") or (0,) * rank
    wanted, mode = integers(node, "output_shape"), text(node, "auto_pad", "NOTSET")
    if wanted is None and mode not in ("SAME_UPPER", "SAME_LOWER"):
        pairs = padding(node, kernel, kernel, stride, dilation)
    else:
        sizes = shape_of(x)[2:]
        wanted = tuple(size * step for size, step in zip(sizes, stride, strict=True)) if wanted is None else wanted
        wanted = wanted[-rank:]
        full = (
            (size - 1) * step + more + (width - 1) * spread + 1
            for size, step, more, width, spread in zip(sizes, stride, extra, kernel, dilation, strict=True)
        )
        totals = tuple(size - want for size, want in zip(full, wanted, strict=True))
        extra = tuple(more - min(total, 0) for more, total in zip(extra, totals, strict=True))
        pairs = tuple(_halves(max(total, 0), more_first=mode != "SAME_UPPER") for total in totals)
    operator = Convolve(
        stride=stride,
        padding=pairs,
        dilation=dilation,
        groups=integer(node, "group", 1),
        transposed=True,
        extra=extra if any(extra) else (),
    )
    weight = tracing.parameter(weight)
    return tracing.apply(operator, x, weight, *(() if bias is None else (tracing.parameter(bias),)))


def _kernel(node: Node, weight: Tensorlike) -> Shape:
    kernel = shape_of(weight)[2:] if weight.shape is not None else integers(node, "kernel_shape")
    if kernel is None:
        raise StructureNotInferableError("the size of the kernel is not known")
    return kernel


def _each(node: Node, name: str, rank: int) -> Shape:
    values = integers(node, name) or (1,) * rank
    if len(values) != rank:
        raise ArchitectureMismatchError(f"{len(values)} {name} for {rank} axes")
    return values


def _halves(total: int, *, more_first: bool) -> tuple[int, int]:
    small, large = total // 2, total - total // 2
    return (large, small) if more_first else (small, large)


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "Conv"): conv,
    ("", "ConvTranspose"): conv_transpose,
}
