"""A network that may be executed, from one process to another: its architecture as JSON, its tensors as places."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.codec import from_json, to_json
from metagauge.architecture.coverage import parameters_of
from metagauge.architecture.network import Network
from metagauge.architecture.reachable import reachable
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError, MetagaugeError
from worker.reading.stored_arrays import MISFITS, ArrayReader, ArrayWriter, StoredArray

EXECUTED_ELEMENTS = 2**24
"""Of the tensors that a network computes with; larger ones are not executed. The predictor's own bounds are lower."""
EXECUTED_OPERATIONS = 512
"""More than ResNet-101 has. Reading each from JSON takes the worker a tenth of a millisecond, and longer ones more."""
SPECIFICATION_LENGTH = 2**20
"""Characters of an architecture as JSON; names may be of any length."""


class StoredNetwork(BaseModel):
    """An architecture in the codec's JSON, and the checkpoint's tensors that it computes with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str
    tensors: dict[str, StoredArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """A network and the tensors that it computes with, by name, as views over mapped files."""

    network: Architecture
    tensors: Mapping[str, np.ndarray]


def store_network(network: Network, checkpoint: Checkpoint, arrays: ArrayWriter) -> StoredNetwork | None:
    """`network`, whose tensors are where `arrays` puts them; None if it is not to be executed.

    That is a network which is not made of layers, since single operators run one image at a time, or a large one.
    """
    if not isinstance(network, Architecture):
        return None
    used = reachable(network)
    names = dict.fromkeys(parameter.tensor for parameter in parameters_of(used))
    if len(used.operations) > EXECUTED_OPERATIONS:
        return None
    if sum(checkpoint.tensor(name).size for name in names) > EXECUTED_ELEMENTS:
        return None
    text = to_json(used)
    if len(text) > SPECIFICATION_LENGTH:
        return None
    return StoredNetwork(
        architecture=text, tensors={name: arrays.place(checkpoint.tensor(name).array()) for name in names}
    )


def restore_network(stored: StoredNetwork, arrays: ArrayReader) -> Executable:
    """The network.

    Raises:
        MetagaugeError: it is none, it lacks a tensor, or a place is not in its file.
    """
    try:
        network = from_json(stored.architecture)
        tensors = {name: arrays.array(place) for name, place in stored.tensors.items()}
    except (ArchitectureMismatchError, *MISFITS) as error:
        raise MetagaugeError(f"the reader handed over a network that does not fit its files: {error}") from error
    if not isinstance(network, Architecture):
        raise MetagaugeError("the reader handed over a network that is not made of layers")
    missing = next((each.tensor for each in parameters_of(network) if each.tensor not in tensors), None)
    if missing is not None:
        raise MetagaugeError(f"the reader handed over a network without its tensor {missing!r}")
    return Executable(network=network, tensors=tensors)
