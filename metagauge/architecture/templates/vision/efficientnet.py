"""EfficientNet of transformers (Tan and Le 2019), which pads as the Keras original does."""

from math import ceil

from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.vision.parts import (
    Activation,
    BatchNorm,
    Conv,
    Flatten,
    Gate,
    GlobalPool,
    Linear,
    Padding,
    Part,
    Parts,
    Plan,
    Residual,
)
from metagauge.architecture.templates.vision.stages import check_blocks, sample_shape
from metagauge.errors import StructureNotInferableError


def efficientnet(settings: Settings, sample: Sample, prefix: str) -> Plan:
    """Inverted residuals with squeeze and excitation, of a depth that one coefficient scales."""
    lists = [settings.integers(f"${key}") for key in ("num_block_repeats", "strides", "kernel_sizes", "expand_ratios")]
    if len({len(each) for each in lists}) != 1:
        message = "config.json: num_block_repeats, strides, kernel_sizes and expand_ratios"
        raise StructureNotInferableError(f"{message} describe {[len(each) for each in lists]} stages")
    coefficient = settings.number("$depth_coefficient")
    repeats = [ceil(coefficient * repeat) for repeat in lists[0]]
    check_blocks(repeats)
    square = settings.integers("$depthwise_padding")
    parts: list[Part] = [
        Conv(name=f"{prefix}embeddings.convolution", stride=2, padding=((0, 1), (0, 1))),
        *_norm(settings, f"{prefix}embeddings.batchnorm"),
    ]
    block = 0
    for repeat, stride, kernel, ratio in zip(repeats, *lists[1:], strict=True):
        for number in range(repeat):
            name = f"{prefix}encoder.blocks.{block}"
            padding = _padding(stride if number == 0 else 1, kernel, adjusted=block not in square)
            body = _block(settings, name, stride if number == 0 else 1, padding, expanded=ratio != 1)
            parts += (Residual(body=body),) if number else body
            block += 1
    parts += (Conv(name=f"{prefix}encoder.top_conv"), *_norm(settings, f"{prefix}encoder.top_bn"))
    head = (
        GlobalPool(reduction="max" if settings.text("$pooling_type") == "max" else "mean"),
        Flatten(),
        *((Linear(name="classifier"),) if prefix else ()),
    )
    shape = sample_shape(settings, sample.image)
    return Plan(family="an EfficientNet of transformers", input_shape=shape, parts=(*parts, *head))


def _block(settings: Settings, name: str, stride: int, padding: Padding, *, expanded: bool) -> Parts:
    function = settings.text("$hidden_act")
    expansion = (
        Conv(name=f"{name}.expansion.expand_conv"),
        *_norm(settings, f"{name}.expansion.expand_bn"),
    )
    gate = Gate(
        body=(
            GlobalPool(),
            Conv(name=f"{name}.squeeze_excite.reduce"),
            Activation(function=function),
            Conv(name=f"{name}.squeeze_excite.expand"),
            Activation(function="sigmoid"),
        )
    )
    return (
        *(expansion if expanded else ()),
        Conv(name=f"{name}.depthwise_conv.depthwise_conv", stride=stride, padding=padding),
        *_norm(settings, f"{name}.depthwise_conv.depthwise_norm"),
        gate,
        Conv(name=f"{name}.projection.project_conv"),
        BatchNorm(name=f"{name}.projection.project_bn", epsilon=settings.number("$batch_norm_eps")),
    )


def _norm(settings: Settings, name: str) -> Parts:
    function = settings.text("$hidden_act")
    return (BatchNorm(name=name, epsilon=settings.number("$batch_norm_eps")), Activation(function=function))


def _padding(stride: int, kernel: int, *, adjusted: bool) -> Padding:
    """`correct_pad`: with a stride of two, one row and column less before than behind, unless told otherwise."""
    if stride == 1:
        return "half"
    if stride != 2:
        raise StructureNotInferableError(f"config.json: strides of {stride} are no EfficientNet's; 1 and 2 are")
    before = kernel // 2 - 1 if adjusted else kernel // 2
    return ((before, kernel // 2), (before, kernel // 2))
