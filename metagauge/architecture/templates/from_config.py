"""From a Hugging Face config.json and bare tensors to the program of the network, by the template of its family."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from metagauge.architecture.architecture import Provenance
from metagauge.architecture.templates.drawing import Drawing
from metagauge.architecture.templates.family import Family, families
from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.sketch import Sketch
from metagauge.architecture.templates.spelling import Spelling
from metagauge.architecture.templates.verbs import VERBS
from metagauge.architecture.templates.vision.huggingface import write_model
from metagauge.architecture.templates.writer import Draft, ProgramWriter
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_SHOWN = 6
"""Tensors that a message names."""

_BUFFERS = (
    r"(^|\.)position_ids$",
    r"(^|\.)token_type_ids$",
    r"(^|\.)inv_freq$",
    r"(^|\.)num_batches_tracked$",
    r"(^|\.)(attn|attention)\.(bias|masked_bias)$",
)
"""Tensors that older versions saved and that hold no parameters: counters, ids and masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Templated:
    """A checkpoint with the program that its family's template wrote, and where that came from."""

    checkpoint: Checkpoint
    provenance: Provenance
    ignored: tuple[str, ...]
    """Tensors that the output does not depend on, such as saved position ids."""


def from_config(checkpoint: Checkpoint, config: Mapping[str, object], sample: Sample | None = None) -> Templated | None:
    """The network that `config` describes, over the checkpoint's tensors; None where no family has its model_type.

    Raises:
        StructureNotInferableError: tensors are left over, or the configuration leaves open what the wiring is.
        ArchitectureMismatchError: tensors are missing, or their shapes do not fit the configuration.
    """
    family = families().get(str(config.get("model_type")))
    if family is None:
        return _image_model(checkpoint, config, sample or Sample())
    settings = Settings(values=config, defaults=family.defaults_of(str(config["model_type"])))
    draft, ignored = draw(checkpoint, family, settings, sample or Sample())
    provenance = Provenance(rung="config", assumed=(*settings.assumed.values(), *settings.chosen.values()))
    return Templated(checkpoint=draft.attach(checkpoint), provenance=provenance, ignored=ignored)


def _image_model(checkpoint: Checkpoint, config: Mapping[str, object], sample: Sample) -> Templated | None:
    """A convolutional network, whose family is written in parts."""
    written = write_model(str(config.get("model_type")), config, checkpoint.tensors, sample)
    if written is None:
        return None
    draft, assumed = written
    ignored = tuple(name for name in checkpoint.tensors if name not in draft.consumed)
    provenance = Provenance(rung="config", assumed=assumed)
    return Templated(checkpoint=draft.attach(checkpoint), provenance=provenance, ignored=ignored)


def draw(checkpoint: Checkpoint, family: Family, settings: Settings, sample: Sample) -> tuple[Draft, tuple[str, ...]]:
    """The family's program over the checkpoint, and the tensors it may ignore; every other one is used.

    Raises:
        StructureNotInferableError: tensors are left over.
    """
    spelling = Spelling.of(checkpoint.tensors, family.rewrites)
    _check_sizes(family, settings, spelling, checkpoint)
    writer = ProgramWriter(tensors=checkpoint.tensors)
    architecture = _architecture(settings.values)
    drawing = Drawing(
        sketch=Sketch(writer=writer),
        settings=settings,
        spelling=spelling,
        sample=sample,
        architecture=architecture,
        is_base=_is_base(architecture, checkpoint, family),
        parts=family.parts,
        verbs=VERBS,
    )
    drawing.run(family.steps)
    outputs = drawing.outputs or [drawing.current]
    draft = writer.finish(*(output.name for output in outputs))
    left = [name for name in spelling.files if spelling.files[name] not in draft.consumed]
    patterns = [re.compile(pattern) for pattern in (*_BUFFERS, *family.ignored)]
    ignored = [name for name in left if any(pattern.search(name) for pattern in patterns)]
    over = [spelling.files[name] for name in left if name not in set(ignored)]
    if over:
        raise _left_over(over, checkpoint, str(settings.values.get("model_type", family.name)))
    return draft, tuple(spelling.files[name] for name in ignored)


def _check_sizes(family: Family, settings: Settings, spelling: Spelling, checkpoint: Checkpoint) -> None:
    """Refuses a configuration whose sizes are not those of the tensors: it was saved with another file."""
    for name, shape in family.sizes.items():
        file = spelling.files.get(name)
        if file is None:
            continue
        for stated, size in zip(shape, checkpoint.tensors[file].shape, strict=False):
            if stated and settings.states(stated) and settings.integer(stated) != size:
                message = f"config.json says {stated.removeprefix('$')} = {settings.integer(stated)}"
                found = f"tensor {file[:200]!r} has shape {list(checkpoint.tensors[file].shape)}"
                raise ArchitectureMismatchError(f"{message}, and {found}: the two do not belong together")


def _architecture(values: Mapping[str, object]) -> str:
    names = values.get("architectures")
    return str(names[0])[:100] if isinstance(names, list) and names else ""


def _is_base(architecture: str, checkpoint: Checkpoint, family: Family) -> bool:
    """Whether the network is the family's model alone; its prefix is in the names of a file only below a head."""
    if architecture:
        return architecture.endswith("Model") and not architecture.endswith(("HeadModel", "HeadsModel", "MTModel"))
    prefix = re.compile(family.rewrites[0][0]) if family.rewrites else None
    return prefix is None or not any(prefix.search(name) for name in checkpoint.tensors)


def _left_over(names: list[str], checkpoint: Checkpoint, model: str) -> StructureNotInferableError:
    some = ", ".join(f"{name[:100]!r} {list(checkpoint.tensors[name].shape)}" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    message = f"a network of model_type {model[:60]!r} with this config.json has no tensors {some}{more}"
    return StructureNotInferableError(
        f"{message}. Send the config.json that was saved with this file, or an ONNX export of the network."
    )
