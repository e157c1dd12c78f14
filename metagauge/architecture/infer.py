"""From a checkpoint to its architecture: a ladder from what is stated to what can be worked out, and never a guess."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from metagauge.architecture.architecture import Architecture, Provenance, Unsupported
from metagauge.architecture.codec import METADATA_KEY, from_json
from metagauge.architecture.coverage import parameters_of, unused_tensors
from metagauge.architecture.onnx.lift import lift
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.reachable import reachable
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import values
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_SHOWN = 6
"""Tensors that a message names."""

_ASSUMED, _ASSUMED_LENGTH = 20, 200
"""How many of a specification's own assumptions are passed on, and how much of each."""

_SETTLES = (
    "What settles it: an ONNX export of the network, torch.onnx.export(module, (x,), path, external_data=False); a"
    " safetensors file written by metagauge.declare.save.save(module, input_shape, path), which puts the architecture"
    " into it; or such a specification sent beside the file"
)
_ADAPTER_NAME = re.compile(r"\.lora_[AB]\b|\.lora_(?:down|up)\b|\bhada_w[12]_[ab]\b")
_NUMBERED_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")


def infer(checkpoint: Checkpoint, sidecar: str | None) -> Architecture:
    """The architecture of the network in `checkpoint`.

    The rungs, first one that applies: *declared*, our specification as `sidecar` or, without one, in the file's
    metadata; *graph*, the program of an ONNX file. The rung taken is in the architecture's provenance.

    Raises:
        ArchitectureMismatchError: a specification is not valid, or does not fit the tensors.
        StructureNotInferableError: nothing says how the tensors are wired; the message says what would.
    """
    if sidecar is not None:
        return _declared(_specification(sidecar), checkpoint)
    if METADATA_KEY in checkpoint.metadata:
        return _declared(checkpoint.metadata[METADATA_KEY], checkpoint)
    if checkpoint.program is not None:
        return lift(checkpoint)
    raise _not_inferable(checkpoint)


def _declared(specification: str, checkpoint: Checkpoint) -> Architecture:
    """The specified architecture, once it is known to fit the tensors; those it leaves out are recorded in it."""
    architecture = from_json(specification)
    for parameter in parameters_of(architecture):
        _check_parameter(parameter, checkpoint)
    values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    live = reachable(architecture)
    unused = unused_tensors(live, checkpoint)
    lost = (Unsupported(operator="tensors the output does not depend on", name="", tensors=unused),) if unused else ()
    assumed = tuple(each[:_ASSUMED_LENGTH] for each in architecture.provenance.assumed[:_ASSUMED])
    provenance = Provenance(rung="declared", assumed=assumed)
    return replace(live, provenance=provenance, unsupported=lost, constants=())


def _check_parameter(parameter: Parameter, checkpoint: Checkpoint) -> None:
    tensor = checkpoint.tensor(parameter.tensor)
    if not tensor.is_float:
        message = f"the architecture uses tensor {tensor.name!r} as a parameter, and its dtype is {tensor.dtype}"
        raise ArchitectureMismatchError(f"{message}, which holds no numbers to compute with as they are")
    if 0 in parameter_shape(parameter, checkpoint):
        raise ArchitectureMismatchError(f"the architecture uses tensor {tensor.name!r} as a parameter without elements")


def _specification(sidecar: str) -> str:
    """`sidecar`, unless it is another library's description of a network."""
    try:
        fields = json.loads(sidecar)
    except (ValueError, RecursionError) as error:
        raise ArchitectureMismatchError("the architecture sent beside the checkpoint is not JSON") from error
    if isinstance(fields, dict) and "operations" not in fields:
        model = _model_type(fields)
        if model:
            message = f"config.json templates are not supported yet, so a config of {model} does not tell the wiring"
            raise StructureNotInferableError(f"{message}. {_SETTLES}.")
    return sidecar


def _model_type(fields: Mapping[str, object]) -> str:
    """What a Hugging Face config.json calls its model; empty when `fields` is none."""
    architectures = fields.get("architectures")
    names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    model_type = fields.get("model_type")
    if isinstance(model_type, str):
        return f"model_type {model_type[:100]!r}"
    return f"architecture {names[0][:100]!r}" if names else ""


def _not_inferable(checkpoint: Checkpoint) -> StructureNotInferableError:
    names = [name for name, tensor in checkpoint.tensors.items() if tensor.is_parameter]
    if not names:
        message = (
            f"the {len(checkpoint.tensors)} tensors of the file are scalars or no floats: there is no layer in them"
        )
        return StructureNotInferableError(f"{message}. {_SETTLES}.")
    some = ", ".join(f"{name[:100]!r} {list(checkpoint.tensors[name].shape)}" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    message = f"names and shapes do not tell how these tensors are wired: {some}{more}"
    return StructureNotInferableError(f"{message}. {_hint(names)}{_SETTLES}.")


def _hint(names: list[str]) -> str:
    """What the names betray about a file that is not a whole network."""
    if any(_ADAPTER_NAME.search(name) for name in names):
        return "They look like a LoRA adapter: merge it into its base model first (merge_and_unload in peft). "
    numbers = {int(match[1]) for name in names if (match := _NUMBERED_LAYER.search(name)) and len(match[1]) < 9}
    if numbers and min(numbers) > 0:
        return (
            f"The layers begin with number {min(numbers)}, as in one part of a sharded checkpoint: send the whole"
            " network in one file. "
        )
    return ""
