"""Which function writes which PyTorch operator."""

from collections.abc import Callable

from metagauge.declare import arithmetic, convolution, movement, normalisation, products, recurrent
from metagauge.declare.call import Call
from metagauge.declare.writing import Writer

Operator = Callable[[Writer, Call], tuple[str, ...]]

_SAME = ("alias", "clone", "detach", "lift_fresh_copy", "_to_copy", "dropout.default")
_RESHAPES = (
    "view.default",
    "_unsafe_view.default",
    "reshape.default",
    "flatten.using_ints",
    "unflatten.int",
    "squeeze.default",
    "squeeze.dim",
    "squeeze.dims",
    "unsqueeze.default",
)
_UNARY = {
    "relu": "Relu",
    "selu": "Selu",
    "hardswish": "HardSwish",
    "mish": "Mish",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "erf": "Erf",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "neg": "Neg",
    "abs": "Abs",
    "reciprocal": "Reciprocal",
    "softsign": "Softsign",
}
_BINARY = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "minimum": "Min", "maximum": "Max"}

_WRITTEN: dict[str, Operator] = {
    **dict.fromkeys((name if "." in name else f"{name}.default" for name in _SAME), movement.same),
    **dict.fromkeys(_RESHAPES, movement.reshape),
    "transpose.int": movement.transpose,
    "t.default": movement.reverse,
    "permute.default": movement.permute,
    "expand.default": movement.expand,
    "repeat.default": movement.repeat,
    "select.int": movement.select,
    "unbind.int": movement.unbind,
    "slice.Tensor": movement.narrow,
    "split.Tensor": movement.split,
    "split_with_sizes.default": movement.split,
    "chunk.default": movement.split,
    "cat.default": movement.concatenate,
    "stack.default": movement.stack,
    "flip.default": movement.flip,
    "embedding.default": movement.embedding,
    **{f"{name}.default": arithmetic.unary(operator) for name, operator in _UNARY.items()},
    **{
        f"{name}.{kind}": arithmetic.binary(operator)
        for name, operator in _BINARY.items()
        for kind in ("Tensor", "Scalar", "default", "Tensor_mode")
    },
    "pow.Tensor_Scalar": arithmetic.power,
    "rsqrt.default": arithmetic.reciprocal_root,
    "clamp.default": arithmetic.clip("min", "max"),
    "clamp_min.default": arithmetic.clip("min", ""),
    "clamp_max.default": arithmetic.clip("", "max"),
    "hardtanh.default": arithmetic.clip("min_val", "max_val"),
    "relu6.default": arithmetic.relu6,
    "leaky_relu.default": arithmetic.leaky_relu,
    "prelu.default": arithmetic.prelu,
    "_prelu_kernel.default": arithmetic.prelu,
    "sum.dim_IntList": arithmetic.reduction("ReduceSum"),
    "elu.default": arithmetic.elu,
    "celu.default": arithmetic.celu,
    "gelu.default": arithmetic.gelu,
    "silu.default": arithmetic.silu,
    "hardsigmoid.default": arithmetic.hardsigmoid,
    "softplus.default": arithmetic.softplus,
    "softmax.int": arithmetic.softmax("Softmax"),
    "_softmax.default": arithmetic.softmax("Softmax"),
    "log_softmax.int": arithmetic.softmax("LogSoftmax"),
    "_log_softmax.default": arithmetic.softmax("LogSoftmax"),
    "mean.dim": arithmetic.reduction("ReduceMean"),
    "amax.default": arithmetic.reduction("ReduceMax"),
    "max.dim": arithmetic.reduction("ReduceMax"),
    "linear.default": products.linear,
    "addmm.default": products.addmm,
    "matmul.default": products.matmul("other"),
    "mm.default": products.matmul("mat2"),
    "mv.default": products.matmul("vec"),
    "dot.default": products.matmul("tensor"),
    "bmm.default": products.matmul("mat2"),
    "einsum.default": products.einsum,
    "scaled_dot_product_attention.default": products.attention,
    **{f"conv{axes}d.{kind}": convolution.conv for axes in (1, 2, 3) for kind in ("default", "padding")},
    **{
        f"conv_transpose{axes}d.{kind}": convolution.transposed_conv
        for axes, kind in ((1, "default"), (2, "input"), (3, "input"))
    },
    "convolution.default": convolution.conv,
    **{f"max_pool{axes}d.default": convolution.max_pool for axes in (1, 2, 3)},
    **{f"max_pool{axes}d_with_indices.default": convolution.max_pool for axes in (2, 3)},
    **{f"avg_pool{axes}d.default": convolution.mean_pool for axes in (1, 2, 3)},
    **{f"adaptive_avg_pool{axes}d.default": convolution.adaptive_mean_pool for axes in (1, 2, 3)},
    **{f"adaptive_max_pool{axes}d.default": convolution.adaptive_max_pool for axes in (1, 2, 3)},
    "constant_pad_nd.default": convolution.pad,
    "pad.default": convolution.pad,
    "_native_batch_norm_legit_no_training.default": normalisation.batch_norm,
    "group_norm.default": normalisation.group_norm,
    "instance_norm.default": normalisation.instance_norm,
    "layer_norm.default": normalisation.layer_norm,
    "rms_norm.default": normalisation.rms_norm,
    "_fused_rms_norm.default": normalisation.rms_norm,
    "_weight_norm_interface.default": normalisation.weight_norm,
    "lstm.input": recurrent.lstm,
    "gru.input": recurrent.gru,
    "rnn_tanh.input": recurrent.rnn("tanh"),
    "rnn_relu.input": recurrent.rnn("relu"),
}

OPERATORS: dict[str, Operator] = {f"aten.{name}": operator for name, operator in _WRITTEN.items()}
