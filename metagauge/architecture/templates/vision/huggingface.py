"""Image networks of transformers: plans from what config.json says. The functions follow its modeling_*.py files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.vision.convnext import convnext, convnext_v2
from metagauge.architecture.templates.vision.efficientnet import efficientnet
from metagauge.architecture.templates.vision.mobilenet import mobilenet_v1, mobilenet_v2
from metagauge.architecture.templates.vision.parts import Plan
from metagauge.architecture.templates.vision.resnet import regnet, resnet
from metagauge.architecture.templates.vision.write import write
from metagauge.architecture.templates.writer import Draft
from metagauge.checkpoint.tensor import Tensor

Planner = Callable[[Settings, Sample, str], Plan]
"""Reads a configuration; the text is what the base model's tensors begin with: its own name and a point, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model_type: its planner, the base model's name, and transformers' defaults (configuration_*.py, 5.23)."""

    plan: Planner
    base: str
    defaults: Mapping[str, object]


MODELS: Mapping[str, Model] = {
    "resnet": Model(
        plan=resnet,
        base="resnet",
        defaults={
            "num_channels": 3,
            "embedding_size": 64,
            "hidden_sizes": [256, 512, 1024, 2048],
            "depths": [3, 4, 6, 3],
            "layer_type": "bottleneck",
            "hidden_act": "relu",
            "downsample_in_first_stage": False,
            "downsample_in_bottleneck": False,
        },
    ),
    "regnet": Model(
        plan=regnet,
        base="regnet",
        defaults={
            "num_channels": 3,
            "embedding_size": 32,
            "hidden_sizes": [128, 192, 512, 1088],
            "depths": [2, 6, 12, 2],
            "layer_type": "y",
            "hidden_act": "relu",
            "downsample_in_first_stage": True,
        },
    ),
    "convnext": Model(
        plan=convnext,
        base="convnext",
        defaults={
            "num_channels": 3,
            "patch_size": 4,
            "hidden_sizes": [96, 192, 384, 768],
            "depths": [3, 3, 9, 3],
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
        },
    ),
    "convnextv2": Model(
        plan=convnext_v2,
        base="convnextv2",
        defaults={
            "num_channels": 3,
            "patch_size": 4,
            "hidden_sizes": [96, 192, 384, 768],
            "depths": [3, 3, 9, 3],
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
        },
    ),
    "mobilenet_v1": Model(
        plan=mobilenet_v1,
        base="mobilenet_v1",
        defaults={
            "num_channels": 3,
            "image_size": 224,
            "hidden_act": "relu6",
            "tf_padding": True,
            "layer_norm_eps": 0.001,
        },
    ),
    "mobilenet_v2": Model(
        plan=mobilenet_v2,
        base="mobilenet_v2",
        defaults={
            "num_channels": 3,
            "image_size": 224,
            "depth_multiplier": 1.0,
            "depth_divisible_by": 8,
            "min_depth": 8,
            "output_stride": 32,
            "first_layer_is_expansion": True,
            "hidden_act": "relu6",
            "tf_padding": True,
            "layer_norm_eps": 0.001,
        },
    ),
    "efficientnet": Model(
        plan=efficientnet,
        base="efficientnet",
        defaults={
            "num_channels": 3,
            "depth_coefficient": 3.1,
            "kernel_sizes": [3, 3, 5, 3, 5, 5, 3],
            "strides": [1, 2, 2, 2, 1, 2, 1],
            "depthwise_padding": [],
            "num_block_repeats": [1, 2, 2, 3, 3, 4, 1],
            "expand_ratios": [1, 6, 6, 6, 6, 6, 6],
            "hidden_act": "swish",
            "pooling_type": "mean",
            "batch_norm_eps": 0.001,
        },
    ),
}
"""By model_type."""


def write_model(
    model_type: str, config: Mapping[str, object], tensors: Mapping[str, Tensor], sample: Sample
) -> tuple[Draft, tuple[str, ...]] | None:
    """The program of a configuration over `tensors`, and what was assumed; None for a model_type that is none of ours.

    Raises:
        StructureNotInferableError: the configuration lacks something or has a value that is not known.
        ArchitectureMismatchError: tensors are missing, left over or of other shapes.
    """
    model = MODELS.get(model_type)
    if model is None:
        return None
    settings = Settings(values=config, defaults=model.defaults)
    wrapped = "module." if tensors and all(name.startswith("module.") for name in tensors) else ""
    prefix = f"{model.base}." if any(name.startswith(f"{wrapped}{model.base}.") for name in tensors) else ""
    plan = model.plan(settings, sample, prefix)
    draft = write(plan, tensors, lambda name: wrapped + name)
    return draft, (*settings.assumed.values(), *settings.chosen.values(), *plan.assumed)
