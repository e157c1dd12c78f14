"""Sums, products, activation functions and reductions."""

from collections.abc import Callable, Mapping
from math import inf

from metagauge.checkpoint.program import Attribute
from metagauge.declare.call import Call, Value
from metagauge.declare.writing import Writer

Written = tuple[str, ...]


def unary(operator: str) -> Callable[[Writer, Call], Written]:
    """A function of one number that needs no more than its name."""
    return lambda writer, call: writer.write(call, operator, [call.value("self").name])


def binary(operator: str) -> Callable[[Writer, Call], Written]:
    """A function of two values, one of which may be a number."""

    def written(writer: Writer, call: Call) -> Written:
        if call.arguments.get("alpha", 1) != 1 or call.arguments.get("rounding_mode") is not None:
            raise call.unreadable("it does more than one step of arithmetic")
        return writer.write(call, operator, [_operand(writer, call, "self"), _operand(writer, call, "other")])

    return written


def power(writer: Writer, call: Call) -> Written:
    """A value to a fixed power."""
    return writer.write(call, "Pow", [call.value("self").name, _operand(writer, call, "exponent")])


def reciprocal_root(writer: Writer, call: Call) -> Written:
    """`1 / sqrt(x)`."""
    return writer.write(call, "Reciprocal", writer.write(call, "Sqrt", [call.value("self").name]))


def clip(low: str, high: str) -> Callable[[Writer, Call], Written]:
    """Bounds from these arguments, either of which may be missing."""

    def written(writer: Writer, call: Call) -> Written:
        bounds = [call.real(low, -inf) if low else -inf, call.real(high, inf) if high else inf]
        return writer.write(call, "Clip", [call.value("self").name, *(writer.number(bound) for bound in bounds)])

    return written


def relu6(writer: Writer, call: Call) -> Written:
    """Between zero and six."""
    return writer.write(call, "Clip", [call.value("self").name, writer.number(0), writer.number(6)])


def leaky_relu(writer: Writer, call: Call) -> Written:
    """`x` above zero, a part of it below."""
    return _with(writer, call, "LeakyRelu", {"alpha": call.real("negative_slope")})


def prelu(writer: Writer, call: Call) -> Written:
    """`x` above zero, a learned part of it below; one part for each channel, or one for all."""
    source, slope = call.value("self"), call.value("weight")
    shape = (slope.shape[0], *(1,) * (len(source.shape) - 2)) if len(slope.shape) == 1 else slope.shape
    along = writer.write(call, "Reshape", [slope.name, writer.integers(shape)])
    return writer.write(call, "PRelu", [source.name, *along])


def elu(writer: Writer, call: Call) -> Written:
    """Clevert et al. 2016."""
    if call.real("scale") != 1 or call.real("input_scale") != 1:
        raise call.unreadable("it is scaled")
    return _with(writer, call, "Elu", {"alpha": call.real("alpha")})


def celu(writer: Writer, call: Call) -> Written:
    """Barron 2017."""
    return _with(writer, call, "Celu", {"alpha": call.real("alpha")})


def gelu(writer: Writer, call: Call) -> Written:
    """Hendrycks and Gimpel 2016, exact or by tanh."""
    return _with(writer, call, "Gelu", {"approximate": call.text("approximate")})


def silu(writer: Writer, call: Call) -> Written:
    """`x sigmoid(x)`."""
    return _with(writer, call, "Swish", {"alpha": 1.0})


def hardsigmoid(writer: Writer, call: Call) -> Written:
    """`clip(x / 6 + 1 / 2, 0, 1)`."""
    return _with(writer, call, "HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})


def softplus(writer: Writer, call: Call) -> Written:
    """`log(1 + exp(x))`; the threshold only keeps PyTorch from computing what is lost in rounding."""
    if call.real("beta") != 1 or call.real("threshold") < 15:
        raise call.unreadable("its beta is not one, or its threshold is low")
    return writer.write(call, "Softplus", [call.value("self").name])


def softmax(operator: str) -> Callable[[Writer, Call], Written]:
    """Softmax or its logarithm over one axis."""

    def written(writer: Writer, call: Call) -> Written:
        return _with(writer, call, operator, {"axis": call.axis("dim", len(call.shape))})

    return written


def reduction(operator: str) -> Callable[[Writer, Call], Written]:
    """A mean or maximum over named axes."""

    def written(writer: Writer, call: Call) -> Written:
        source = call.value("self")
        axes = tuple(axis % len(source.shape) for axis in call.integers("dim")) or tuple(range(len(source.shape)))
        keep = call.integer("keepdim")
        return writer.write(call, operator, [source.name, writer.integers(axes)], {"keepdims": keep})

    return written


def _with(writer: Writer, call: Call, operator: str, attributes: Mapping[str, Attribute]) -> Written:
    return writer.write(call, operator, [call.value("self").name], attributes)


def _operand(writer: Writer, call: Call, name: str) -> str:
    found = call.arguments[name]
    return found.name if isinstance(found, Value) else writer.number(call.real(name))
