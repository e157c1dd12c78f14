"""MobileNets V1 and V2 of transformers (Howard et al. 2017; Sandler et al. 2018)."""

from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.vision.parts import (
    Activation,
    BatchNorm,
    Conv,
    Flatten,
    GlobalPool,
    Linear,
    Part,
    Parts,
    Plan,
    Residual,
)
from metagauge.architecture.templates.vision.stages import image_shape

_STRIDES_V1 = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_STRIDES_V2 = (2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
_WIDTHS_V2 = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
"""Before the depth multiplier; blocks between equal widths have a residual (modeling_mobilenet_v2.py)."""


def mobilenet_v1(settings: Settings, sample: Sample, prefix: str) -> Plan:
    """Thirteen pairs of a depthwise and a pointwise convolution."""
    parts = [*_layer(settings, f"{prefix}conv_stem", stride=2)]
    for pair, stride in enumerate(_STRIDES_V1):
        parts += _layer(settings, f"{prefix}layer.{2 * pair}", stride=stride)
        parts += _layer(settings, f"{prefix}layer.{2 * pair + 1}")
    return _plan("a MobileNet V1 of transformers", settings, prefix, tuple(parts))


def mobilenet_v2(settings: Settings, sample: Sample, prefix: str) -> Plan:
    """Sixteen inverted residuals; once the output stride is reached, dilation takes the place of stride."""
    parts: list[Part] = [*_layer(settings, f"{prefix}conv_stem.first_conv", stride=2)]
    if not settings.flag("$first_layer_is_expansion"):
        parts += _layer(settings, f"{prefix}conv_stem.expand_1x1")
    parts += _layer(settings, f"{prefix}conv_stem.conv_3x3")
    parts += _layer(settings, f"{prefix}conv_stem.reduce_1x1", active=False)
    widths = [_scaled(settings, width) for width in _WIDTHS_V2]
    reached, dilation = 2, 1
    for number, wanted in enumerate(_STRIDES_V2):
        name = f"{prefix}layer.{number}"
        if reached == settings.integer("$output_stride"):
            stride, spread = 1, dilation
            dilation *= wanted
        else:
            stride, spread = wanted, 1
            reached *= wanted
        body = (
            *_layer(settings, f"{name}.expand_1x1"),
            *_layer(settings, f"{name}.conv_3x3", stride=stride, dilation=spread),
            *_layer(settings, f"{name}.reduce_1x1", active=False, width=widths[number + 1]),
        )
        around = stride == 1 and widths[number] == widths[number + 1]
        parts += (Residual(body=body),) if around else body
    parts += _layer(settings, f"{prefix}conv_1x1")
    return _plan("a MobileNet V2 of transformers", settings, prefix, tuple(parts))


def _layer(
    settings: Settings,
    name: str,
    *,
    stride: int = 1,
    dilation: int = 1,
    active: bool = True,
    width: int | None = None,
) -> Parts:
    """Convolution, norm and activation, padded as TensorFlow does unless the configuration says otherwise."""
    padding = "tensorflow" if settings.flag("$tf_padding") else "half"
    convolution = Conv(name=f"{name}.convolution", stride=stride, dilation=dilation, padding=padding, outputs=width)
    norm = BatchNorm(name=f"{name}.normalization", epsilon=settings.number("$layer_norm_eps"))
    return (convolution, norm, *((Activation(function=settings.text("$hidden_act")),) if active else ()))


def _scaled(settings: Settings, width: int) -> int:
    """`apply_depth_multiplier`: the scaled width, rounded to a multiple, and never down by more than a tenth."""
    divisor = max(1, settings.integer("$depth_divisible_by"))
    value = round(width * settings.number("$depth_multiplier"))
    rounded = max(settings.integer("$min_depth"), int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def _plan(family: str, settings: Settings, prefix: str, parts: Parts) -> Plan:
    head = (GlobalPool(), Flatten(), *((Linear(name="classifier"),) if prefix else ()))
    shape = image_shape(settings, settings.integer("$image_size"))
    return Plan(family=family, input_shape=shape, parts=(*parts, *head))
