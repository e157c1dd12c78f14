"""Architectures as JSON: what travels in a safetensors file's `__metadata__` or beside a checkpoint."""

from pydantic import TypeAdapter, ValidationError

from metagauge.architecture.architecture import Architecture
from metagauge.errors import ArchitectureMismatchError

METADATA_KEY = "metagauge.architecture"
"""The `__metadata__` entry of a safetensors file that holds the JSON."""

_ADAPTER = TypeAdapter(Architecture)


def to_json(architecture: Architecture) -> str:
    """Compact JSON; `from_json` gives an equal architecture back."""
    return _ADAPTER.dump_json(architecture, exclude_defaults=False).decode()


def from_json(text: str | bytes) -> Architecture:
    """The architecture `text` describes.

    Raises:
        ArchitectureMismatchError: it is not JSON, or not our specification; the message names the first wrong field.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the document"
        message = f"the architecture specification is not valid at {place}: {first['msg']}"
        raise ArchitectureMismatchError(message) from error
