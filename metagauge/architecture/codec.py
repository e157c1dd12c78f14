"""Architectures as JSON: what travels in a safetensors file's `__metadata__` or beside a checkpoint."""

from typing import Annotated

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.network import Network
from metagauge.errors import ArchitectureMismatchError

METADATA_KEY = "metagauge.architecture"
"""The `__metadata__` entry of a safetensors file that holds the JSON."""


def _form(fields: object) -> str:
    """Layers unless there are steps."""
    has_steps = "steps" in fields if isinstance(fields, dict) else isinstance(fields, Dataflow)
    return "dataflow" if has_steps else "layers"


_ADAPTER: TypeAdapter[Network] = TypeAdapter(
    Annotated[Annotated[Architecture, Tag("layers")] | Annotated[Dataflow, Tag("dataflow")], Discriminator(_form)]
)


def to_json(network: Network) -> str:
    """Compact JSON; `from_json` gives an equal network back."""
    return _ADAPTER.dump_json(network, exclude_defaults=False).decode()


def from_json(text: str | bytes) -> Network:
    """The network `text` describes: layers, or the steps of a dataflow.

    Raises:
        ArchitectureMismatchError: it is not JSON, or not our specification; the message names the first wrong field.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"] if step not in ("layers", "dataflow")) or "the document"
        message = f"the architecture specification is not valid at {place}: {first['msg']}"
        raise ArchitectureMismatchError(message) from error
