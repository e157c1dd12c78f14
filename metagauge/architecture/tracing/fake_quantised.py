"""Quantisation that stays in floats, as Brevitas, QONNX and FINN write it."""

from metagauge.architecture.attributes import flag, real, text
from metagauge.architecture.operators.elementwise import Requantise
from metagauge.architecture.operators.reduction import Reduce
from metagauge.architecture.tracing.arithmetic import affine, binary, clip, unary
from metagauge.architecture.tracing.quantisation import as_float, scheme
from metagauge.architecture.tracing.reshaping import reshaped
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required, shape_of
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")
_ROUNDING = {"FLOOR": "floor", "CEIL": "ceil"}


def quant(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Quant: x in steps of `scale` and as many as `bit_width` bits tell apart."""
    x = required(inputs, 0)
    bits = tracing.number(required(inputs, 3))
    low, high = _range(bits, is_signed=flag(node, "signed", True), is_narrow=flag(node, "narrow", False))
    by = scheme(tracing, required(inputs, 1), required(inputs, 2), shape_of(x), 1)
    rounding = text(node, "rounding_mode", "ROUND").upper()
    if rounding in ("ROUND", "HALF_EVEN"):
        return tracing.apply(Requantise(low=low, high=high), x, by.scale, by.zero)
    if rounding not in _ROUNDING:
        raise StructureNotInferableError(f"rounds by {rounding}")
    steps = binary(tracing, "add", binary(tracing, "divide", x, by.scale), by.zero)
    whole = unary(tracing, "floor" if rounding == "FLOOR" else "ceil", clip(tracing, steps, low, high))
    return binary(tracing, "multiply", binary(tracing, "subtract", whole, by.zero), by.scale)


def _range(bits: float, *, is_signed: bool, is_narrow: bool) -> tuple[float, float]:
    if not 1 <= bits <= 32:
        raise StructureNotInferableError(f"quantises to {bits} bits")
    if is_signed:
        return -(2.0 ** (bits - 1)) + is_narrow, 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - 1 - is_narrow


def bipolar_quant(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """BipolarQuant: plus or minus `scale`."""
    x = required(inputs, 0)
    by = scheme(tracing, required(inputs, 1), None, shape_of(x), 1)
    # The sign of zero is zero; half a step makes it one.
    signs = unary(tracing, "sign", affine(tracing, unary(tracing, "sign", x), 1.0, 0.5))
    return binary(tracing, "multiply", signs, by.scale)


def trunc(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Trunc: the lowest bits cut off."""
    x = required(inputs, 0)
    if len(inputs) != 5:
        raise StructureNotInferableError(f"it has {len(inputs)} inputs instead of 5")
    by = scheme(tracing, required(inputs, 1), required(inputs, 2), shape_of(x), 1)
    dropped = tracing.number(required(inputs, 3)) - tracing.number(required(inputs, 4))
    if not 0 <= dropped <= 32:
        raise StructureNotInferableError(f"cuts off {dropped} bits")
    rounding = text(node, "rounding_mode", "FLOOR").upper()
    if rounding not in ("FLOOR", "CEIL", "ROUND"):
        raise StructureNotInferableError(f"rounds by {rounding}")
    steps = binary(tracing, "add", binary(tracing, "divide", x, by.scale), by.zero)
    cut = affine(tracing, unary(tracing, "round", steps), 2.0**-dropped)
    match rounding:
        case "FLOOR":
            cut = unary(tracing, "floor", cut)
        case "CEIL":
            cut = unary(tracing, "ceil", cut)
        case _:
            cut = unary(tracing, "round", cut)
    return binary(tracing, "multiply", binary(tracing, "subtract", cut, by.zero), by.scale)


def multi_threshold(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """MultiThreshold: how many of its channel's thresholds an element reaches, scaled and shifted."""
    x, thresholds = required(inputs, 0), tracing.parameter(required(inputs, 1))
    shape, (channels, count) = shape_of(x), shape_of(thresholds)
    axis = len(shape) - 1 if text(node, "data_layout", "NCHW") in ("NHWC", "NWC") else min(1, len(shape) - 1)
    if channels not in (1, shape[axis]):
        raise ArchitectureMismatchError(f"thresholds for {channels} channels of {shape[axis]}")
    aligned = [channels if place == axis else 1 for place in range(len(shape))]
    reached = binary(
        tracing, "greater_equal", reshaped(tracing, x, (*shape, 1)), reshaped(tracing, thresholds, (*aligned, count))
    )
    counted = tracing.apply(Reduce(function="sum", axes=(len(shape),), keep=False), as_float(tracing, reached))
    return affine(tracing, counted, real(node, "out_scale", 1.0), real(node, "out_bias", 0.0))


OPERATORS: Registry = {
    **{(domain, "MultiThreshold"): multi_threshold for domain in _DOMAINS},
    **{(domain, name): quant for domain in _DOMAINS for name in ("Quant", "IntQuant")},
    **{(domain, "BipolarQuant"): bipolar_quant for domain in _DOMAINS},
    **{(domain, "Trunc"): trunc for domain in _DOMAINS},
}
