"""Matrix products, linear layers and attention."""

from collections.abc import Callable
from math import inf

from metagauge.declare.call import Call
from metagauge.declare.writing import Writer


def linear(writer: Writer, call: Call) -> tuple[str, ...]:
    """`x W^T + b` on the last axis."""
    source, weight, bias = call.value("input"), call.value("weight"), call.optional("bias")
    if len(source.shape) == 2:
        return writer.write(call, "Gemm", [source.name, weight.name, bias], {"transB": 1})
    turned = writer.write(call, "Transpose", [weight.name], {"perm": (1, 0)})
    product = writer.write(call, "MatMul", [source.name, *turned])
    return writer.write(call, "Add", [*product, bias]) if bias else product


def matmul(second: str) -> Callable[[Writer, Call], tuple[str, ...]]:
    """The product of two values; PyTorch's products name their second factor differently."""
    return lambda writer, call: writer.write(call, "MatMul", [call.value("self").name, call.value(second).name])


def addmm(writer: Writer, call: Call) -> tuple[str, ...]:
    """`beta C + alpha A B`."""
    inputs = [call.value(name).name for name in ("mat1", "mat2", "self")]
    return writer.write(call, "Gemm", inputs, {"alpha": call.real("alpha"), "beta": call.real("beta")})


def einsum(writer: Writer, call: Call) -> tuple[str, ...]:
    """Products by an equation."""
    names = [value.name for value in call.values("tensors")]
    return writer.write(call, "Einsum", names, {"equation": call.text("equation")})


def attention(writer: Writer, call: Call) -> tuple[str, ...]:
    """`softmax(Q K^T scale + mask) V` on heads that are apart already."""
    if call.real("dropout_p") or call.integer("enable_gqa"):
        raise call.unreadable("it drops scores, or shares keys between heads")
    mask = call.optional("attn_mask")
    if mask and not call.value("attn_mask").is_float:  # says what is seen, and ONNX's sum wants what is not
        (mask,) = writer.write(call, "Where", [mask, writer.number(0), writer.number(-inf)])
    inputs = [call.value(name).name for name in ("query", "key", "value")]
    scale = {} if call.arguments["scale"] is None else {"scale": call.real("scale")}
    attributes = {"is_causal": call.integer("is_causal"), **scale}
    return writer.write(call, "Attention", [*inputs, mask], attributes)


def bilinear(writer: Writer, call: Call) -> tuple[str, ...]:
    """`x W_k y + b_k` on the last axes."""
    first, second, weight = (call.value(name) for name in ("input1", "input2", "weight"))
    (turned,) = writer.write(call, "Einsum", [first.name, weight.name], {"equation": "...i,kij->...kj"})
    (column,) = writer.write(call, "Unsqueeze", [second.name, writer.integers([-1])])
    (product,) = writer.write(call, "MatMul", [turned, column])
    (found,) = writer.write(call, "Squeeze", [product, writer.integers([-1])])
    bias = call.optional("bias")
    return writer.write(call, "Add", [found, bias]) if bias else (found,)


def distances(writer: Writer, call: Call) -> tuple[str, ...]:
    """Euclidean distances between the rows of two values."""
    if call.real("p") != 2:
        raise call.unreadable("its distance is not the Euclidean one")
    first, second = call.value("x1"), call.value("x2")
    (column,) = writer.write(call, "Unsqueeze", [first.name, writer.integers([-2])])
    (row,) = writer.write(call, "Unsqueeze", [second.name, writer.integers([-3])])
    apart = writer.write(call, "Sub", [column, row])
    return writer.write(call, "ReduceL2", [*apart, writer.integers([len(call.shape)])], {"keepdims": 0})
