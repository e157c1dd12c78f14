"""Which function follows which ONNX operator."""

from collections.abc import Callable

from metagauge.architecture.onnx import (
    arithmetic,
    attention,
    concatenation,
    constants,
    convolution,
    einsum,
    linear,
    movement,
    normalisation,
    reduction,
)
from metagauge.architecture.onnx.lifting import Lifting
from metagauge.architecture.onnx.movement import Inputs
from metagauge.architecture.onnx.states import State
from metagauge.checkpoint.program import Node

Operator = Callable[[Lifting, Node, Inputs], State | tuple[State, ...]]

OPERATORS: dict[str, Operator] = {
    "Identity": constants.same,
    "Dropout": constants.same,
    "Cast": constants.cast,
    "CastLike": constants.cast_like,
    "Shape": constants.shape,
    "Size": constants.size,
    "ConstantOfShape": constants.constant_of_shape,
    "Range": constants.range_,
    "Where": arithmetic.where,
    "Expand": constants.expand,
    "Tile": constants.tile,
    "Trilu": constants.triangle,
    "Reshape": movement.reshape,
    "Flatten": movement.flatten,
    "Squeeze": movement.squeeze,
    "Unsqueeze": movement.unsqueeze,
    "Transpose": movement.transpose,
    "Slice": movement.slice_,
    "Gather": movement.gather,
    "Split": movement.split,
    "Concat": concatenation.concat,
    "Clip": arithmetic.clip,
    "Sum": arithmetic.sum_,
    "MatMul": linear.matmul,
    "Gemm": linear.gemm,
    "Einsum": einsum.einsum,
    "Conv": convolution.conv,
    "MaxPool": convolution.pool,
    "AveragePool": convolution.pool,
    "Pad": convolution.pad,
    "GlobalAveragePool": reduction.global_pool,
    "GlobalMaxPool": reduction.global_pool,
    "ReduceMean": reduction.reduce,
    "ReduceMax": reduction.reduce,
    "ReduceProd": reduction.product,
    "BatchNormalization": normalisation.batch_norm,
    "InstanceNormalization": normalisation.instance_norm,
    "GroupNormalization": normalisation.group_norm,
    "LayerNormalization": normalisation.layer_norm,
    "Attention": attention.whole,
    "IsNaN": attention.is_nan,
    "Softmax": attention.softmax,
    "LogSoftmax": attention.softmax,
    **dict.fromkeys(arithmetic.BINARY, arithmetic.binary),
    **dict.fromkeys(arithmetic.UNARY, arithmetic.unary),
    **dict.fromkeys(arithmetic.WITH_ATTRIBUTES, arithmetic.unary),
}
