"""Why bare tensors were refused, and what would settle their structure."""

import re
from collections.abc import Mapping

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import StructureNotInferableError

_SHOWN = 6
"""Tensors that a message names."""

SETTLES = (
    "What settles it: an ONNX export of the network, torch.onnx.export(module, (x,), path, external_data=False); the"
    " config.json of a Hugging Face model, sent beside the file; a safetensors file written by"
    " metagauge.declare.save.save(module, inputs, path), which puts the architecture into it; or such a"
    " specification sent beside the file"
)
_ADAPTER_NAME = re.compile(r"\.lora_[AB]\b|\.lora_(?:down|up)\b|\bhada_w[12]_[ab]\b")
_NUMBERED_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")


def not_inferable(checkpoint: Checkpoint) -> StructureNotInferableError:
    """The error for a checkpoint whose tensors nothing wires up."""
    names = [name for name, tensor in checkpoint.tensors.items() if tensor.is_parameter]
    if not names:
        message = (
            f"the {len(checkpoint.tensors)} tensors of the file are scalars or no floats: there is no layer in them"
        )
        return StructureNotInferableError(f"{message}. {SETTLES}.")
    some = ", ".join(f"{name[:100]!r} {list(checkpoint.tensors[name].shape)}" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    message = f"names and shapes do not tell how these tensors are wired: {some}{more}"
    return StructureNotInferableError(f"{message}. {_hint(names)}{SETTLES}.")


def no_template(fields: Mapping[str, object]) -> StructureNotInferableError:
    """The error for a Hugging Face config.json of a family we have no template for."""
    architectures = fields.get("architectures")
    names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    model_type = fields.get("model_type")
    model = f"model_type {model_type[:100]!r}" if isinstance(model_type, str) else f"architecture {names[:1]}"[:120]
    message = f"there is no template for {model}, so its config.json does not tell the wiring"
    return StructureNotInferableError(f"{message}. {SETTLES}.")


def _hint(names: list[str]) -> str:
    """What the names betray about a file that is not a whole network."""
    if any(_ADAPTER_NAME.search(name) for name in names):
        return "They look like a LoRA adapter: merge it into its base model first (merge_and_unload in peft). "
    numbers = {int(match[1]) for name in names if (match := _NUMBERED_LAYER.search(name)) and len(match[1]) < 9}
    if numbers and min(numbers) > 0:
        return (
            f"The layers begin with number {min(numbers)}, as in one part of a sharded checkpoint: send all parts"
            " together, with model.safetensors.index.json. "
        )
    return ""
