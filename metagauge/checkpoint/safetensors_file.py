"""Reading safetensors: a length, a JSON header, then the tensors' bytes one after the other."""

from functools import partial

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.dtypes import view_stored
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.safetensors_header import Header, parse_header
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import LimitExceededError, MalformedCheckpointError, NoParametersError

_LENGTH_BYTES = 8


def read_safetensors(content: memoryview, limits: Limits) -> Checkpoint:
    """The checkpoint in `content`, whose tensors are views over it.

    Raises:
        MalformedCheckpointError: the file breaks the format.
        LimitExceededError: the header, the number of tensors or a rank is above `limits`.
        NoParametersError: there is not one tensor.
    """
    if len(content) < _LENGTH_BYTES:
        raise MalformedCheckpointError(f"the file has {len(content)} bytes; a safetensors header length alone takes 8")
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    if length > limits.header_bytes:
        raise LimitExceededError(f"the header claims {length} bytes; the limit is {limits.header_bytes}")
    start = _LENGTH_BYTES + length
    if start > len(content):
        message = f"the header claims {length} bytes and the file has {len(content)} in all: cut short?"
        raise MalformedCheckpointError(message)
    header = parse_header(bytes(content[_LENGTH_BYTES:start]), len(content) - start, limits)
    if not header.entries:
        raise NoParametersError("the safetensors file is well-formed and holds no tensors")
    return Checkpoint(
        format=Format.SAFETENSORS,
        size_bytes=len(content),
        tensors=_tensors(header, content[start:]),
        metadata=header.metadata,
    )


def _tensors(header: Header, data: memoryview) -> dict[str, Tensor]:
    return {
        entry.name: Tensor(
            name=entry.name,
            dtype=entry.dtype,
            shape=entry.shape,
            load=partial(view_stored, data[entry.begin : entry.end], entry.element, entry.shape),
        )
        for entry in header.entries
    }
