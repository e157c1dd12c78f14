"""ConvNeXt and ConvNeXt V2 of transformers (Liu et al. 2022; Woo et al. 2023)."""

from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.vision.parts import (
    Activation,
    ChannelScale,
    Conv,
    Flatten,
    GlobalPool,
    LayerNorm,
    Linear,
    Part,
    Parts,
    Plan,
    Residual,
    ResponseNorm,
)
from metagauge.architecture.templates.vision.stages import sample_shape, stages

_EPSILON = 1e-6
"""Of every norm but the last, in modeling_convnext.py."""


def convnext(settings: Settings, sample: Sample, prefix: str) -> Plan:
    """ConvNeXt; layer scale is there unless its initial value says that there is none."""
    value = settings.find("layer_scale_init_value")
    scaled = value is None or settings.number("$layer_scale_init_value") > 0
    return _plan("a ConvNeXt of transformers", settings, sample, prefix, scaled=scaled, version=1)


def convnext_v2(settings: Settings, sample: Sample, prefix: str) -> Plan:
    """ConvNeXt V2, with global response normalisation in place of layer scale."""
    return _plan("a ConvNeXt V2 of transformers", settings, sample, prefix, scaled=False, version=2)


def _plan(family: str, settings: Settings, sample: Sample, prefix: str, *, scaled: bool, version: int) -> Plan:
    function = settings.text("$hidden_act")
    patch = settings.integer("$patch_size")
    parts: list[Part] = [
        Conv(name=f"{prefix}embeddings.patch_embeddings", stride=patch, padding=0),
        LayerNorm(name=f"{prefix}embeddings.layernorm", epsilon=_EPSILON),
    ]
    for stage in stages(settings):
        name = f"{prefix}encoder.stages.{stage.number}"
        if stage.number:
            parts.append(LayerNorm(name=f"{name}.downsampling_layer.0", epsilon=_EPSILON))
            parts.append(Conv(name=f"{name}.downsampling_layer.1", stride=2, padding=0, outputs=stage.width))
        for number in range(stage.depth):
            parts.append(_block(f"{name}.layers.{number}", function, stage.width, scaled=scaled, version=version))
    final = LayerNorm(name=f"{prefix}layernorm", epsilon=settings.number("$layer_norm_eps"))
    head: Parts = (GlobalPool(), Flatten(), final, *((Linear(name="classifier"),) if prefix else ()))
    shape = sample_shape(settings, max(sample.image, 8 * patch))
    return Plan(family=family, input_shape=shape, parts=(*parts, *head))


def _block(name: str, function: str, width: int, *, scaled: bool, version: int) -> Residual:
    response = ResponseNorm(weight=f"{name}.grn.weight", bias=f"{name}.grn.bias")
    return Residual(
        body=(
            Conv(name=f"{name}.dwconv", outputs=width),
            LayerNorm(name=f"{name}.layernorm", epsilon=_EPSILON),
            Linear(name=f"{name}.pwconv1"),
            Activation(function=function),
            *((response,) if version > 1 else ()),
            Linear(name=f"{name}.pwconv2", outputs=width),
            *((ChannelScale(tensor=f"{name}.layer_scale_parameter"),) if scaled else ()),
        )
    )
