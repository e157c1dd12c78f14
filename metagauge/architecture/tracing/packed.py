"""Weights packed to a few bits, with a scale for each block (com.microsoft)."""

from typing import Literal

import numpy as np

from metagauge.architecture.attributes import integer
from metagauge.architecture.operators.elementwise import Unpack
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Slice
from metagauge.architecture.tracing.arithmetic import affine, binary
from metagauge.architecture.tracing.call import call
from metagauge.architecture.tracing.quantisation import as_float, dtype_of, scheme, shifted, stored
from metagauge.architecture.tracing.reshaping import reshaped, sliced, transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

Bits = Literal[1, 2, 4, 8]
_FP4 = (0.0, 0.00520833333, 0.66666667, 1.0, 0.33333333, 0.5, 0.16666667, 0.25)
_NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
"""What four bits stand for: bitsandbytes' FP4 (its negative half follows, with the signs turned) and NF4 (Dettmers et
al. 2023)."""


def matmul_n_bits(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """MatMulNBits: x times a weight (N, K), packed as (N, blocks, bytes) along K."""
    columns, rows = integer(node, "N", 0), integer(node, "K", 0)
    block, bits = integer(node, "block_size", 0), _bits(integer(node, "bits", 4))
    if min(columns, rows, block) < 1:
        raise ArchitectureMismatchError(f"a weight of {columns} times {rows} in blocks of {block}")
    count = -(-rows // block)
    codes = reshaped(tracing, stored(tracing, required(inputs, 1)), (columns, count, block * bits // 8))
    codes = as_float(tracing, tracing.apply(Unpack(bits=bits), codes))
    scale = reshaped(tracing, stored(tracing, required(inputs, 2)), (columns, count, 1))
    zero = _zero(tracing, tensor_at(inputs, 3), (columns, count), bits)
    order = tensor_at(inputs, 4)
    if order is not None:
        weight = _reordered(tracing, codes, scale, zero, sliced(tracing, order, 0, 0, rows))
    else:
        whole = binary(tracing, "multiply", binary(tracing, "subtract", codes, zero), scale)
        weight = sliced(tracing, reshaped(tracing, whole, (columns, count * block)), 1, 0, rows)
    y = call(tracing, "MatMul", required(inputs, 0), transposed(tracing, weight, (1, 0)))
    bias = tensor_at(inputs, 5)
    return y if bias is None else binary(tracing, "add", y, bias)


def _zero(tracing: Tracing, zero: Tensorlike | None, blocks: tuple[int, int], bits: Bits) -> Tensorlike:
    """Zero points (N, blocks, 1): packed like the codes, as floats, or the middle of the range."""
    if zero is None:
        return Numbers(array=np.array(1 << (bits - 1), dtype=np.float32))
    columns, count = blocks
    if zero.numbers != "float":
        packed = reshaped(tracing, stored(tracing, zero), (columns, -(-count * bits // 8)))
        zero = sliced(tracing, as_float(tracing, tracing.apply(Unpack(bits=bits), packed)), 1, 0, count)
    return reshaped(tracing, zero, (columns, count, 1))


def _reordered(
    tracing: Tracing, codes: Tensorlike, scale: Tensorlike, zero: Tensorlike, order: Tensorlike
) -> Tensorlike:
    """The weight where `order` says of each row to which block's scale it belongs (GPTQ's act-order)."""
    columns, count, block = shape_of(codes)
    (rows,) = shape_of(order)
    flat = sliced(tracing, reshaped(tracing, codes, (columns, count * block)), 1, 0, rows)

    def for_rows(state: Tensorlike) -> Tensorlike:
        return tracing.apply(Gather(axis=1), reshaped(tracing, state, (columns, count)), order)

    less = binary(tracing, "subtract", flat, for_rows(zero) if shape_of(zero) else zero)
    return binary(tracing, "multiply", less, for_rows(scale))


def matmul_bnb4(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """MatMulBnb4: codes of four bits that name numbers, in blocks of the flattened weight (N, K)."""
    columns, rows, block = integer(node, "N", 0), integer(node, "K", 0), integer(node, "block_size", 0)
    if min(columns, rows, block) < 1:
        raise ArchitectureMismatchError(f"a weight of {columns} times {rows} in blocks of {block}")
    total, count = columns * rows, -(-columns * rows // block)
    table = _NF4 if integer(node, "quant_type", 1) else (*_FP4, *(-number for number in _FP4))
    packed = stored(tracing, required(inputs, 1))
    halves = reshaped(tracing, tracing.apply(Unpack(bits=4), packed), (shape_of(packed)[-1], 2))
    # The first of two is in the upper half of its byte.
    codes = tracing.apply(Slice(axis=1, start=1, count=2, step=-1), halves)
    numbers = tracing.apply(Gather(axis=0), Numbers(array=np.array(table, dtype=np.float32)), codes)
    flat = sliced(tracing, reshaped(tracing, numbers, (2 * shape_of(packed)[-1],)), 0, 0, total)
    if count * block != total:
        raise StructureNotInferableError("its last block is not full")
    scale = reshaped(tracing, stored(tracing, required(inputs, 2)), (count, 1))
    weight = binary(tracing, "multiply", reshaped(tracing, flat, (count, block)), scale)
    return call(
        tracing, "MatMul", required(inputs, 0), transposed(tracing, reshaped(tracing, weight, (columns, rows)), (1, 0))
    )


def gather_block_quantized(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """GatherBlockQuantized: rows of a table of few bits, dequantised."""
    data = stored(tracing, required(inputs, 0))
    rank = len(shape_of(data))
    axis, along = integer(node, "gather_axis", 0), integer(node, "quantize_axis", 1) % rank
    bits, block = _bits(integer(node, "bits", 4)), integer(node, "block_size", 128)
    zero = tensor_at(inputs, 3)
    middle = 0.0
    if dtype_of(tracing, data) == "U8":
        data = tracing.apply(Unpack(bits=bits), data)
        middle = 0.0 if zero is not None else float(1 << (bits - 1))
        if zero is not None and dtype_of(tracing, zero) == "U8":
            count = shape_of(required(inputs, 2))[-1]
            zero = sliced(tracing, tracing.apply(Unpack(bits=bits), stored(tracing, zero)), rank - 1, 0, count)
    by = scheme(tracing, required(inputs, 2), zero, shape_of(data), along, block)
    less = affine(tracing, as_float(tracing, data), 1.0, -middle) if middle else shifted(tracing, data, by.zero)
    return tracing.apply(Gather(axis=axis), binary(tracing, "multiply", less, by.scale), required(inputs, 1))


def _bits(bits: int) -> Bits:
    match bits:
        case 1 | 2 | 4 | 8:
            return bits
        case _:
            raise StructureNotInferableError(f"packs {bits} bits")


OPERATORS: Registry = {
    ("com.microsoft", "MatMulNBits"): matmul_n_bits,
    ("com.microsoft", "MatMulBnb4"): matmul_bnb4,
    ("com.microsoft", "GatherBlockQuantized"): gather_block_quantized,
}
