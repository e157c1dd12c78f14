"""Transformers from the names and shapes of their tensors alone, where these tell everything that matters.

A family's `[fingerprint]` says by which tensors (in the steps' spelling) it is known, as which model_type it is read,
and what the tensors tell of its configuration:

- `has`, `has_not`: tensors that are there, and that are not;
- `open`: settings that no tensor tells; if there are any, the file is refused, and the message names them. The hint
  `num_heads` of a caller fills the setting that `heads` names;
- `tells`: settings, each a `count` of numbered tensors, the `size` of an axis of a tensor, or a `text`, perhaps only
  `when` or `unless` the file has a tensor; of a list, the first that applies.
"""

from collections.abc import Mapping

from metagauge.architecture.architecture import Provenance
from metagauge.architecture.templates.family import Family, Fields, families
from metagauge.architecture.templates.from_config import Templated, draw
from metagauge.architecture.templates.sample import Sample
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.spelling import Spelling
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import StructureNotInferableError

_MOST_LAYERS = 4096


def from_fingerprint(checkpoint: Checkpoint, heads: int | None = None) -> Templated | None:
    """The network that only one family of transformers can have; None where no family is recognised.

    `heads` is what a caller knows of the number of attention heads.

    Raises:
        StructureNotInferableError: a family is recognised, and the tensors leave open how it is wired, or some of them
            have no place in it.
        ArchitectureMismatchError: a family is recognised, and tensors are missing or do not fit.
    """
    known = {id(family): family for family in families().values()}
    for family in known.values():
        spelling = _recognised(family, checkpoint)
        if spelling is not None:
            return _read(family, spelling, checkpoint, heads)
    return None


def _recognised(family: Family, checkpoint: Checkpoint) -> Spelling | None:
    """The family's spelling of the file, if the file has the tensors that mark the family."""
    if not family.fingerprint:
        return None
    try:
        spelling = Spelling.of(checkpoint.tensors, family.rewrites)
    except StructureNotInferableError:
        return None
    has, has_not = _names(family.fingerprint, "has"), _names(family.fingerprint, "has_not")
    fits = has <= spelling.files.keys() and not has_not & spelling.files.keys()
    return spelling if fits else None


def _read(family: Family, spelling: Spelling, checkpoint: Checkpoint, heads: int | None) -> Templated:
    fingerprint = family.fingerprint
    model = str(fingerprint["model"])
    told = _told(fingerprint, spelling, checkpoint)
    hinted = fingerprint.get("heads")
    if heads is not None and isinstance(hinted, str):
        told[hinted] = heads
    missing = [name for name in _listed(fingerprint, "open") if name not in told]
    if missing:
        message = f"the tensors are named as in {family.name} networks ({', '.join(family.models[:6])})"
        raise StructureNotInferableError(
            f"{message}, and do not tell {', '.join(missing)}: send the network's config.json beside the file"
        )
    settings = Settings(values={"model_type": model, **told}, defaults=family.defaults_of(model))
    draft, ignored = draw(checkpoint, family, settings, Sample())
    assumed = (
        f"the names are those of {model}",
        *_listed(fingerprint, "assumed"),
        *(text.replace("the library's default", f"the default of {model}") for text in settings.assumed.values()),
        *settings.chosen.values(),
    )
    provenance = Provenance(rung="template", assumed=assumed)
    return Templated(checkpoint=draft.attach(checkpoint), provenance=provenance, ignored=ignored)


def _told(fingerprint: Fields, spelling: Spelling, checkpoint: Checkpoint) -> dict[str, object]:
    """What the tensors tell of the configuration."""
    told: dict[str, object] = {}
    tells = fingerprint.get("tells")
    for key, ways in tells.items() if isinstance(tells, dict) else ():
        values = (_value(way, spelling, checkpoint) for way in (ways if isinstance(ways, list) else [ways]))
        value = next((value for value in values if value is not None), None)
        if value is not None:
            told[str(key)] = value
    return told


def _value(way: Fields, spelling: Spelling, checkpoint: Checkpoint) -> object:
    if str(way.get("when", "")) not in {*spelling.files, ""} or str(way.get("unless", "")) in spelling.files:
        return None
    if "count" in way:
        pattern = str(way["count"])
        return next(index for index in range(_MOST_LAYERS) if pattern.replace("{}", str(index)) not in spelling.files)
    if "size" in way:
        sizes, axis = checkpoint.tensors[spelling.files[str(way["size"])]].shape, int(str(way["axis"]))
        return sizes[axis] if axis < len(sizes) else None
    return way.get("text")


def _names(fingerprint: Fields, key: str) -> set[str]:
    return set(_listed(fingerprint, key))


def _listed(fingerprint: Mapping[str, object], key: str) -> list[str]:
    value = fingerprint.get(key)
    return [str(item) for item in value] if isinstance(value, list) else []
