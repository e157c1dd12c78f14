"""Activation functions by the names that transformers' ACT2FN gives them."""

from metagauge.architecture.templates.sketch import Sketch, Value
from metagauge.errors import StructureNotInferableError


def activation(sketch: Sketch, function: str, value: Value) -> Value:
    """`function(value)`, elementwise.

    Raises:
        StructureNotInferableError: a function that we do not know.
    """
    match function:
        case "gelu" | "gelu_python":
            return sketch.elementwise("Gelu", value)
        case "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" | "gelu_accurate" | "gelu_python_tanh":
            return sketch.elementwise("Gelu", value, approximate="tanh")
        case "quick_gelu":
            return sketch.multiply(value, sketch.elementwise("Sigmoid", sketch.scale(value, 1.702)))
        case "silu" | "swish":
            return sketch.multiply(value, sketch.elementwise("Sigmoid", value))
        case "relu":
            return sketch.elementwise("Relu", value)
        case "relu2":
            positive = sketch.elementwise("Relu", value)
            return sketch.multiply(positive, positive)
        case "relu6":
            return sketch.operator("Clip", value.shape, value, sketch.constant(0.0), sketch.constant(6.0))
        case "tanh":
            return sketch.elementwise("Tanh", value)
        case "sigmoid":
            return sketch.elementwise("Sigmoid", value)
        case "mish":
            return sketch.elementwise("Mish", value)
        case "hardswish":
            return sketch.elementwise("HardSwish", value)
        case "leaky_relu":
            return sketch.elementwise("LeakyRelu", value, alpha=0.01)
        case "elu":
            return sketch.elementwise("Elu", value, alpha=1.0)
        case "softplus":
            return sketch.elementwise("Softplus", value)
        case "linear":
            return value
        case _:
            raise StructureNotInferableError(f"config.json names the activation {function[:60]!r}, which is not known")
