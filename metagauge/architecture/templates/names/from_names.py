"""From bare tensors to the program of the network, where their names and shapes leave only one reading."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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
            _add(readings, _read(checkpoint, listing, partial(template, listing, told), near, name))
    if not readings:
        # Why a file is no chain is of no use to whoever sent something else.
        _add(
            readings,
            _read(checkpoint, found[-1], partial(chain, found[-1], told), near if told.activation else [], _CHAIN),
        )
    if len(readings) > 1:
        families = ", ".join(sorted({reading.plan.family for reading in readings}))
        raise StructureNotInferableError(f"the tensors fit more than one network: {families}. {_SETTLES}")
    if not readings:
        if near:
            raise StructureNotInferableError(f"{'; '.join(dict.fromkeys(near))}. {_SETTLES}"[:_MESSAGE])
        return None
    reading = readings[0]
    provenance = Provenance(
        rung=reading.rung, assumed=(f"the names are those of {reading.plan.family}", *reading.plan.assumed)[:_ASSUMED]
    )
    ignored = tuple(name for name in checkpoint.tensors if name not in reading.draft.consumed)
    return Templated(checkpoint=reading.draft.attach(checkpoint), provenance=provenance, ignored=ignored)


def _add(readings: list[_Reading], reading: _Reading | None) -> None:
    """Another reading, unless it is one that is there: names may be read with and without what wraps them."""
    if reading is not None and all(reading.draft.program != other.draft.program for other in readings):
        readings.append(reading)


def _read(
    checkpoint: Checkpoint, listing: Listing, plan_of: Callable[[], Plan | str | None], near: list[str], name: str
) -> _Reading | None:
    """The reading of one template, if it fits; why it nearly did is added to `near`."""
    try:
        plan = plan_of()
        if plan is None:
            return None
        if isinstance(plan, str):
            near.append(f"the tensors look like {name}, but {plan}")
            return None
        draft = write(plan, checkpoint.tensors, listing.rename)
    except (ArchitectureMismatchError, LimitExceededError, StructureNotInferableError) as error:
        near.append(f"the tensors look like {name}, but {error}")
        return None
    return _Reading(plan=plan, draft=draft, rung="chain" if name == _CHAIN else "template")
