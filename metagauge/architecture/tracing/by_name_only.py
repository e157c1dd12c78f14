"""Operators that have no steps here, but whose outputs' shapes are known: what follows them is still understood."""

from collections.abc import Callable, Mapping

from metagauge.architecture.attributes import integer, integers
from metagauge.architecture.operators.shaping.rules import broadcast
from metagauge.architecture.tracing.convolution import padding
from metagauge.architecture.tracing.states import Inputs, Shape, Value, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

ShapeRule = Callable[[Tracing, Node, Inputs], Shape]


def _same(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    return shape_of(required(inputs, 0))


def _broadcast(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    shape = broadcast((shape_of(required(inputs, 0)), shape_of(required(inputs, 1))))
    if shape is None:
        raise StructureNotInferableError("the shape of an input is not known")
    return shape


def _stated(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    return integers(node, "shape") or ()


def _of_regions(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """RoiAlign: (regions, channels, height, width)."""
    regions, channels = shape_of(required(inputs, 1))[0], shape_of(required(inputs, 0))[1]
    return regions, channels, integer(node, "output_height", 1), integer(node, "output_width", 1)


def _of_pooled_regions(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """MaxRoiPool: (regions, channels, height, width)."""
    height, width = integers(node, "pooled_shape") or (1, 1)
    return shape_of(required(inputs, 1))[0], shape_of(required(inputs, 0))[1], height, width


def _deformed(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """DeformConv: as its offsets, which have a number for each position of the output."""
    return (shape_of(required(inputs, 0))[0], shape_of(required(inputs, 1))[0], *shape_of(required(inputs, 2))[2:])


def _unpooled(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """MaxUnpool: as stated, or the smallest size that is pooled to what is given."""
    wanted = tensor_at(inputs, 2)
    if wanted is not None:
        return tracing.integers(wanted)
    batch, channels, *sizes = shape_of(required(inputs, 0))
    kernel = integers(node, "kernel_shape") or ()
    stride = integers(node, "strides") or (1,) * len(kernel)
    pairs = padding(node, kernel, kernel, stride, (1,) * len(kernel))
    each = zip(sizes, kernel, stride, pairs, strict=True)
    return batch, channels, *((size - 1) * step + width - sum(pair) for size, width, step, pair in each)


def _image_of_columns(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """Col2Im: (batch, channels, *image)."""
    batch, rows, _ = shape_of(required(inputs, 0))
    block = 1
    for size in tracing.integers(required(inputs, 2)):
        block *= size
    return batch, rows // block, *tracing.integers(required(inputs, 1))


def _grid(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """AffineGrid: (batch, *positions, axes)."""
    batch, _, *positions = tracing.integers(required(inputs, 1))
    return batch, *positions, len(positions)


def _without_matrix(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """Det: without the last two axes."""
    return shape_of(required(inputs, 0))[:-2]


def _drawn(tracing: Tracing, node: Node, inputs: Inputs) -> Shape:
    """Multinomial: (batch, samples)."""
    return shape_of(required(inputs, 0))[0], integer(node, "sample_size", 1)


_RULES: Mapping[str, ShapeRule] = {
    **dict.fromkeys(("BitwiseNot", "BitCast", "CumProd", "TensorScatter"), _same),
    **dict.fromkeys(("Bernoulli", "RandomNormalLike", "RandomUniformLike"), _same),
    **dict.fromkeys(("BitShift", "BitwiseXor"), _broadcast),
    **dict.fromkeys(("RandomNormal", "RandomUniform"), _stated),
    "RoiAlign": _of_regions,
    "MaxRoiPool": _of_pooled_regions,
    "DeformConv": _deformed,
    "MaxUnpool": _unpooled,
    "Col2Im": _image_of_columns,
    "AffineGrid": _grid,
    "Det": _without_matrix,
    "Multinomial": _drawn,
}


def _by_name_only(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[Value, ...]:
    shape = _RULES[node.operator](tracing, node, inputs)
    shapes = (shape, *(None,) * (len(node.outputs) - 1))
    return tracing.opaque(node, inputs, shapes, "what it computes is not written in steps")


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {("", name): _by_name_only for name in _RULES}
