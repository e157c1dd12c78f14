"""A checkpoint's identity: its tensors, whatever the file around them looks like."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping

import numpy as np

from metagauge.checkpoint.checkpoint import Checkpoint

_CHUNK = 1 << 22
"""Elements hashed at once; bounds the copy which an array that is not contiguous needs."""


def digest(checkpoint: Checkpoint) -> str:
    """The tensors digest, as hexadecimal SHA-256.

    Goes over the tensors by name: one line of JSON with name, dtype and shape, then the elements in row-major order,
    little-endian, packed types one to a byte. Metadata, file layout and format do not enter, so two files with the same
    tensors have the same digest.
    """
    total = hashlib.sha256()
    for name in sorted(checkpoint.tensors):
        tensor = checkpoint.tensors[name]
        total.update(json.dumps([name, tensor.dtype, tensor.shape]).encode() + b"\n")
        flat = tensor.flat()
        for start in range(0, flat.size, _CHUNK):
            total.update(np.ascontiguousarray(flat[start : start + _CHUNK]).view(np.uint8).data)
    return total.hexdigest()


def dtype_counts(checkpoint: Checkpoint) -> Mapping[str, int]:
    """Elements by dtype, the most frequent first."""
    counts: Counter[str] = Counter()
    for tensor in checkpoint.tensors.values():
        counts[tensor.dtype] += tensor.size
    return dict(counts.most_common())


def parameter_count(checkpoint: Checkpoint) -> int:
    """Elements of the float tensors that can be learned parameters (`Tensor.is_parameter`).

    Which of them are constants, and which integers are weights, only the network tells:
    `metagauge.architecture.coverage.count_parameters`.
    """
    return sum(tensor.size for tensor in checkpoint.tensors.values() if tensor.is_parameter)
