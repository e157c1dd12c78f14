"""From bare tensors to the program of the network, where their names and shapes leave only one reading."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from metagauge.architecture.architecture import Provenance, Rung
from metagauge.architecture.templates.chain.chain import chain
from metagauge.architecture.templates.from_config import Templated
from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing, listings
from metagauge.architecture.templates.names.registry import TEMPLATES
from metagauge.architecture.templates.vision.parts import Plan
from metagauge.architecture.templates.vision.write import write
from metagauge.architecture.templates.writer import Draft
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, StructureNotInferableError

_ASSUMED = 40
"""Assumptions that are listed."""
_MESSAGE = 1500
"""Letters of a refusal."""
_CHAIN = "a chain"
_SETTLES = (
    "An ONNX export of the network, or a safetensors file with its specification (metagauge.declare.save), settles it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One way to read the file that uses every tensor of it."""

    plan: Plan
    draft: Draft
    rung: Rung
    invented: tuple[str, ...]
    """Sizes of the input that nothing told."""


_PlanOf = Callable[[Listing, Hints], Plan | str | None]
"""A template."""


def from_names(checkpoint: Checkpoint, hints: Hints | None = None) -> Templated | None:
    """The network that the names of the tensors tell: a published family, or a chain of numbered layers.

    A reading counts only if every tensor has its place in it and every shape fits. None where nothing is recognised.

    Raises:
        StructureNotInferableError: a family is recognised, but the file leaves open how it is wired, or two readings
            fit; the message says what would settle it.
    """
    told = hints or Hints()
    near: list[str] = []
    readings: list[_Reading] = []
    found = listings(checkpoint.tensors)
    for listing in found:
        for name, template in TEMPLATES.items():
            _add(readings, _read(checkpoint, listing, template, told, near, name))
    if not readings:
        # Why a file is no chain is of no use to whoever sent something else.
        _add(readings, _read(checkpoint, found[-1], chain, told, near if told.activation else [], _CHAIN))
    if len(readings) > 1:
        families = ", ".join(sorted({reading.plan.family for reading in readings}))
        raise StructureNotInferableError(f"the tensors fit more than one network: {families}. {_SETTLES}")
    if not readings:
        if near:
            raise StructureNotInferableError(f"{'; '.join(dict.fromkeys(near))}. {_SETTLES}"[:_MESSAGE])
        return None
    reading = readings[0]
    assumed = (f"the names are those of {reading.plan.family}", *reading.invented, *reading.plan.assumed)
    provenance = Provenance(rung=reading.rung, assumed=assumed[:_ASSUMED])
    ignored = tuple(name for name in checkpoint.tensors if name not in reading.draft.consumed)
    return Templated(checkpoint=reading.draft.attach(checkpoint), provenance=provenance, ignored=ignored)


def _add(readings: list[_Reading], reading: _Reading | None) -> None:
    """Another reading, unless it is one that is there: names may be read with and without what wraps them."""
    if reading is not None and all(reading.draft.program != other.draft.program for other in readings):
        readings.append(reading)


def _read(
    checkpoint: Checkpoint, listing: Listing, plan_of: _PlanOf, hints: Hints, near: list[str], name: str
) -> _Reading | None:
    """The reading of one template, if it fits; why it nearly did is added to `near`."""
    try:
        plan = plan_of(listing, hints)
        if plan is None:
            return None
        if isinstance(plan, str):
            near.append(f"the tensors look like {name}, but {plan}")
            return None
        draft = write(plan, checkpoint.tensors, listing.rename)
        invented = tuple(_invented(plan, listing, plan_of, hints))
    except (ArchitectureMismatchError, LimitExceededError, StructureNotInferableError) as error:
        near.append(f"the tensors look like {name}, but {error}")
        return None
    return _Reading(plan=plan, draft=draft, rung="chain" if name == _CHAIN else "template", invented=invented)


def _invented(plan: Plan, listing: Listing, plan_of: _PlanOf, hints: Hints) -> Iterator[str]:
    """Sizes of the input that would be others if the caller said so, and of which the caller said nothing."""
    if hints.image_size is None and hints.steps is None:
        size = 2 * max(plan.input_shape)
        if _reads_other(plan, plan_of(listing, replace(hints, image_size=size))):
            *_, height, width = (1, *plan.input_shape)
            yield f'an image of {height} by {width} is assumed; another one is said by {{"image_size": ...}}'
        elif _reads_other(plan, plan_of(listing, replace(hints, steps=size))):
            steps = plan.input_shape[0]
            yield f'a sequence of {steps} steps is assumed; another length is said by {{"steps": ...}}'


def _reads_other(plan: Plan, other: Plan | str | None) -> bool:
    return isinstance(other, Plan) and other.input_shape != plan.input_shape
