"""The small network of `checkpoints` in several files."""

import json

import numpy as np
import onnx
from onnx.external_data_helper import set_external_data
from safetensors.numpy import save

from metagauge.architecture.codec import METADATA_KEY, to_json
from tests.service import checkpoints

INDEX = "model.safetensors.index.json"
ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
MODEL, DATA = "net.onnx", "net.onnx.data"


def sharded(seed: int = 0) -> dict[str, bytes]:
    """Index and shards, by name; the architecture is in the first one's metadata."""
    tensors = checkpoints.tensors(seed)
    places = {name: ONE if name.startswith("conv") else TWO for name in tensors}
    shards = {
        file: save(
            {name: tensors[name] for name, place in places.items() if place == file},
            metadata={METADATA_KEY: to_json(checkpoints.SPECIFICATION)} if file == ONE else None,
        )
        for file in (ONE, TWO)
    }
    total = sum(array.nbytes for array in tensors.values())
    index = json.dumps({"metadata": {"total_size": total}, "weight_map": places}).encode()
    return {INDEX: index, **shards}


def with_external_data(seed: int = 0) -> dict[str, bytes]:
    """An ONNX model and the file it keeps its weights in."""
    model, data = onnx.ModelProto.FromString(checkpoints.onnx_bytes(seed)), bytearray()
    for tensor in model.graph.initializer:
        content = np.ascontiguousarray(onnx.numpy_helper.to_array(tensor)).tobytes()
        tensor.raw_data = content
        set_external_data(tensor, location=DATA, offset=len(data), length=len(content))
        tensor.ClearField("raw_data")
        data += content
    return {MODEL: model.SerializeToString(), DATA: bytes(data)}
