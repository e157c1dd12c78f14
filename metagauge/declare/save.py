"""A safetensors file that says how its tensors are wired."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.architecture.coverage import parameters_of, tensors_of
from metagauge.architecture.dataflow import Dataflow
from metagauge.declare.declare import Inputs, declared

if TYPE_CHECKING:
    from torch import nn


def save(module: nn.Module, inputs: Inputs, path: str | PathLike[str]) -> None:
    """Writes the tensors of `module`, and its architecture for such `inputs`, to `path`.

    `inputs` is the shape of a sample without the batch axis, `(3, 32, 32)`; example tensors as the module is called
    with, `torch.zeros(1, 16, dtype=torch.long)`, if it reads anything but floating-point numbers; or several of these
    in a list, or by name in a dict, for a module with several inputs.

    The file holds the state dict, tied tensors once, and whatever else the architecture names, such as a buffer that
    the state dict leaves out. `torch.nn.Module.load_state_dict(..., strict=False)` reads it back.

    Raises:
        StructureNotInferableError: the module does something that we have no operator for; nothing is written.
    """
    from safetensors.torch import save_file  # noqa: PLC0415 - needs torch

    from metagauge.declare.stored import file_tensors  # noqa: PLC0415 - needs torch

    network, checkpoint = declared(module, inputs)
    if isinstance(network, Dataflow):
        used = tensors_of(network)
    else:
        used = dict.fromkeys(parameter.tensor for parameter in parameters_of(network))
    held = {name: checkpoint.tensor(name) for name in used}
    save_file(file_tensors(module, held), Path(path), metadata={"format": "pt", METADATA_KEY: to_json(network)})
