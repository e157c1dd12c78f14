"""The same network in other files: every form is written, read again and inferred, as an upload would be."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import torch
from safetensors.torch import save_file

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.graph.build import build
from models.evaluation.moves import Change
from models.subject import Subject
from models.zoo.export import to_onnx

Precision = Literal["float32", "bfloat16", "float16"]
_TYPES: Mapping[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def forms() -> dict[str, Change]:
    """Files of one network, as changes to compare with the network in memory."""
    found: dict[str, Change] = {f"safetensors, {name}": partial(_safetensors, name) for name in _TYPES}
    return {**found, "ONNX": _onnx}


def from_file(path: Path) -> Subject:
    """Reads a checkpoint as the service does; its arrays are in memory, so that the file may go."""
    checkpoint = read(path, Limits())
    network = infer(checkpoint, None)
    graph = build(network, checkpoint)
    known = {name: tensor for name, tensor in checkpoint.tensors.items() if tensor.is_float}
    tensors = {name: np.array(tensor.array(), np.float32) for name, tensor in known.items()}
    return Subject(graph=graph, network=network, tensors=tensors)


def _safetensors(
    precision: Precision, architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator
) -> Subject:
    del rng
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        converted = {name: torch.from_numpy(array).to(_TYPES[precision]) for name, array in tensors.items()}
        save_file(converted, path, metadata={METADATA_KEY: to_json(architecture)})
        return from_file(path)


def _onnx(architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Subject:
    del rng
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(to_onnx(architecture, tensors))
        return from_file(path)
