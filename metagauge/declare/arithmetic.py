"""Sums, products, activation functions and reductions."""

from collections.abc import Callable, Mapping
from math import inf, prod

from metagauge.checkpoint.program import Attribute
from metagauge.declare.call import Call
from metagauge.declare.conversion import cast, number, operand
from metagauge.declare.writing import Writer

Written = tuple[str, ...]


def unary(operator: str) -> Callable[[Writer, Call], Written]:
    """A function of one number that needs no more than its name."""
    return lambda writer, call: writer.write(call, operator, [call.value("self").name])


def binary(operator: str) -> Callable[[Writer, Call], Written]:
    """A function of two values, one of which may be a number; `alpha` is a factor of the second one."""

    def written(writer: Writer, call: Call) -> Written:
        kind, alpha, rounding = call.numbers, call.arguments.get("alpha", 1), call.arguments.get("rounding_mode")
        if rounding not in (None, "floor") or (kind == "int" and operator == "Div"):
            raise call.unreadable("it rounds what it divides")
        if kind == "bool":
            raise call.unreadable("it does arithmetic on flags")
        first, second = (operand(writer, call, name, kind) for name in ("self", "other"))
        if alpha != 1:
            (second,) = writer.write(call, "Mul", [second, number(writer, call.real("alpha"), kind)])
        found = writer.write(call, operator, [first, second])
        return writer.write(call, "Floor", found) if rounding else found

    return written


def reversed_difference(writer: Writer, call: Call) -> Written:
    """`y - a x`."""
    if call.real("alpha") != 1:
        raise call.unreadable("it does more than one step of arithmetic")
    kind = call.numbers
    return writer.write(call, "Sub", [operand(writer, call, name, kind) for name in ("other", "self")])


def remainder(writer: Writer, call: Call) -> Written:
    """`x - floor(x / y) y`, with the sign of the divisor."""
    kind = call.numbers
    first, second = (operand(writer, call, name, kind) for name in ("self", "other"))
    if kind == "int":
        return writer.write(call, "Mod", [first, second])
    times = writer.write(call, "Floor", writer.write(call, "Div", [first, second]))
    return writer.write(call, "Sub", [first, *writer.write(call, "Mul", [*times, second])])


def power(writer: Writer, call: Call) -> Written:
    """A value to a fixed power."""
    return writer.write(call, "Pow", [operand(writer, call, name, call.numbers) for name in ("self", "exponent")])


def reciprocal_root(writer: Writer, call: Call) -> Written:
    """`1 / sqrt(x)`."""
    return writer.write(call, "Reciprocal", writer.write(call, "Sqrt", [call.value("self").name]))


def clip(low: str, high: str) -> Callable[[Writer, Call], Written]:
    """Bounds from these arguments, either of which may be missing."""

    def written(writer: Writer, call: Call) -> Written:
        bounds = [call.real(low, -inf) if low else -inf, call.real(high, inf) if high else inf]
        return writer.write(call, "Clip", [call.value("self").name, *(writer.number(bound) for bound in bounds)])

    return written


def clip_by_values(writer: Writer, call: Call) -> Written:
    """Bounds that are values themselves."""
    found = (call.value("self").name,)
    for name, operator in (("min", "Max"), ("max", "Min")):
        if call.arguments.get(name) is not None:
            found = writer.write(call, operator, [*found, operand(writer, call, name, call.numbers)])
    return found


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
    """`log(1 + exp(b x)) / b`; the threshold only keeps PyTorch from computing what is lost in rounding."""
    beta, source = call.real("beta"), call.value("self").name
    if call.real("threshold") < 15:
        raise call.unreadable("its threshold is low")
    if beta == 1:
        return writer.write(call, "Softplus", [source])
    scaled = writer.write(call, "Mul", [source, writer.number(beta)])
    return writer.write(call, "Div", [*writer.write(call, "Softplus", scaled), writer.number(beta)])


def log_sigmoid(writer: Writer, call: Call) -> Written:
    """`-log(1 + exp(-x))`."""
    turned = writer.write(call, "Neg", [call.value("self").name])
    return writer.write(call, "Neg", writer.write(call, "Softplus", turned))


def shrink(*, soft: bool) -> Callable[[Writer, Call], Written]:
    """Zero near zero; what is left is moved towards it, or not."""

    def written(writer: Writer, call: Call) -> Written:
        bound = call.real("lambd")
        return _with(writer, call, "Shrink", {"lambd": bound, "bias": bound if soft else 0.0})

    return written


def rrelu(writer: Writer, call: Call) -> Written:
    """Randomised in training; otherwise the mean of the slopes (Xu et al. 2015)."""
    if call.integer("training"):
        raise call.unreadable("it draws its slopes")
    return _with(writer, call, "LeakyRelu", {"alpha": (call.real("lower") + call.real("upper")) / 2})


def softmax(operator: str) -> Callable[[Writer, Call], Written]:
    """Softmax or its logarithm over one axis."""

    def written(writer: Writer, call: Call) -> Written:
        return _with(writer, call, operator, {"axis": call.axis("dim", len(call.shape))})

    return written


def reduction(operator: str) -> Callable[[Writer, Call], Written]:
    """A mean, sum, product or extreme value over the axes that are named, or over all."""

    def written(writer: Writer, call: Call) -> Written:
        source = cast(writer, call, call.value("self"), call.numbers)
        return writer.write(call, operator, [source, writer.integers(_axes(call))], {"keepdims": _keep(call)})

    return written


def norm(exponent: str) -> Callable[[Writer, Call], Written]:
    """`(sum |x|^p)^(1/p)`."""

    def written(writer: Writer, call: Call) -> Written:
        order, source, axes = call.real(exponent, 2.0), call.value("self").name, writer.integers(_axes(call))
        keep = {"keepdims": _keep(call)}
        if order in (1.0, 2.0):
            return writer.write(call, f"ReduceL{int(order)}", [source, axes], keep)
        sizes = writer.write(call, "Abs", [source])
        if order in (inf, -inf):
            return writer.write(call, "ReduceMax" if order > 0 else "ReduceMin", [*sizes, axes], keep)
        if order == 0:
            raise call.unreadable("it counts what is not zero")
        powers = writer.write(call, "Pow", [*sizes, writer.number(order)])
        total = writer.write(call, "ReduceSum", [*powers, axes], keep)
        return writer.write(call, "Pow", [*total, writer.number(1 / order)])

    return written


def variance(*, root: bool, with_mean: bool = False) -> Callable[[Writer, Call], Written]:
    """The mean square distance from the mean, over the axes that are named; `correction` fewer are counted."""

    def written(writer: Writer, call: Call) -> Written:
        source, listed = call.value("self"), _axes(call)
        axes, keep = writer.integers(listed), {"keepdims": _keep(call)}
        count = prod(source.shape[axis] for axis in listed)
        (mean,) = writer.write(call, "ReduceMean", [source.name, axes], {"keepdims": 1})
        (apart,) = writer.write(call, "Sub", [source.name, mean])
        (square,) = writer.write(call, "Mul", [apart, apart])
        (total,) = writer.write(call, "ReduceSum", [square, axes], keep)
        divisor = count - call.real("correction", 1.0)
        if divisor <= 0:
            raise call.unreadable("there is one element to vary")
        found = writer.write(call, "Div", [total, writer.number(divisor)])
        found = writer.write(call, "Sqrt", found) if root else found
        return (*found, *writer.write(call, "ReduceMean", [source.name, axes], keep)) if with_mean else found

    return written


def _axes(call: Call) -> tuple[int, ...]:
    rank = len(call.value("self").shape)
    listed = call.integers("dim", 1) if "dim" in call.arguments else ()
    return tuple(axis % rank for axis in listed) or tuple(range(rank))


def _keep(call: Call) -> int:
    return call.integer("keepdim") if "keepdim" in call.arguments else 0


def _with(writer: Writer, call: Call, operator: str, attributes: Mapping[str, Attribute]) -> Written:
    return writer.write(call, operator, [call.value("self").name], attributes)
