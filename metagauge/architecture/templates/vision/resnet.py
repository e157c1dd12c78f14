"""ResNets and RegNets of transformers (He et al. 2016; Radosavovic et al. 2020)."""

from collections.abc import Callable

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
    Parts,
    Plan,
    Pool,
    Residual,
)
from metagauge.architecture.templates.vision.stages import sample_shape, stages

Block = Callable[[str, int, int], Parts]
"""The body of a block by its name, its stride and its width."""


def resnet(settings: Settings, sample: Sample, prefix: str) -> Plan:
    """ResNet, of basic blocks or of bottlenecks."""
    bottleneck = settings.text("$layer_type") == "bottleneck"
    function = settings.text("$hidden_act")
    early = settings.flag("$downsample_in_bottleneck")

    def block(name: str, stride: int, width: int) -> Parts:
        # The inner activations are ReLUs whatever the configuration says.
        if not bottleneck:
            return (*_layer(f"{name}.layer.0", stride, "relu"), *_layer(f"{name}.layer.1", 1, "", width))
        return (
            *_layer(f"{name}.layer.0", stride if early else 1, "relu"),
            *_layer(f"{name}.layer.1", 1 if early else stride, "relu"),
            *_layer(f"{name}.layer.2", 1, "", width),
        )

    stem = (
        *_layer(f"{prefix}embedder.embedder", 2, function, settings.integer("$embedding_size")),
        Pool(reduction="max", kernel=3, stride=2, padding=1),
    )
    parts = (*stem, *_blocks(settings, prefix, block))
    return _plan("a ResNet of transformers", settings, sample, prefix, parts)


def regnet(settings: Settings, sample: Sample, prefix: str) -> Plan:
    """RegNet, X or (with squeeze and excitation) Y."""
    squeeze = settings.text("$layer_type") == "y"
    function = settings.text("$hidden_act")

    def block(name: str, stride: int, width: int) -> Parts:
        gate = Gate(
            body=(
                GlobalPool(),
                Conv(name=f"{name}.layer.2.attention.0"),
                Activation(function="relu"),
                Conv(name=f"{name}.layer.2.attention.2"),
                Activation(function="sigmoid"),
            )
        )
        return (
            *_layer(f"{name}.layer.0", 1, function, width),
            *_layer(f"{name}.layer.1", stride, function, width),
            *((gate,) if squeeze else ()),
            *_layer(f"{name}.layer.{2 + squeeze}", 1, "", width),
        )

    stem = _layer(f"{prefix}embedder.embedder", 2, function, settings.integer("$embedding_size"))
    parts = (*stem, *_blocks(settings, prefix, block))
    return _plan("a RegNet of transformers", settings, sample, prefix, parts)


def _blocks(settings: Settings, prefix: str, block: Block) -> Parts:
    """All residual blocks; the first of a stage halves the map, but in the first stage only if that is said."""
    parts: list[Residual | Activation] = []
    before = settings.integer("$embedding_size")
    for stage in stages(settings):
        for number in range(stage.depth):
            name = f"{prefix}encoder.stages.{stage.number}.layers.{number}"
            halves = number == 0 and (stage.number > 0 or settings.flag("$downsample_in_first_stage"))
            stride = 2 if halves else 1
            projected = stride != 1 or before != stage.width
            shortcut = _layer(f"{name}.shortcut", stride, "", stage.width) if projected else ()
            parts.append(Residual(body=block(name, stride, stage.width), shortcut=shortcut))
            parts.append(Activation(function=settings.text("$hidden_act")))
            before = stage.width
    return tuple(parts)


def _layer(name: str, stride: int, function: str, width: int | None = None) -> Parts:
    """Convolution, norm and, if named, an activation."""
    parts = (Conv(name=f"{name}.convolution", stride=stride, outputs=width), BatchNorm(name=f"{name}.normalization"))
    return (*parts, Activation(function=function)) if function else parts


def _plan(family: str, settings: Settings, sample: Sample, prefix: str, parts: Parts) -> Plan:
    """With the classifier, which is there unless the tensors are those of the base model alone."""
    head = (GlobalPool(), Flatten(), *((Linear(name="classifier.1"),) if prefix else ()))
    return Plan(family=family, input_shape=sample_shape(settings, sample.image), parts=(*parts, *head))
