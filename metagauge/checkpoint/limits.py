"""What a reader may spend on one file; checked before anything is allocated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for one checkpoint. Sizes in bytes."""

    file_bytes: int = 2 * 1024**3
    upload_bytes: int = 8 * 1024**3
    """All files of one network together."""
    header_bytes: int = 100 * 1000 * 1000
    """safetensors' own bound on its JSON header."""
    tensors: int = 65_536
    """Tensors of one file; the largest shards of published models hold a few thousand."""
    rank: int = 8
    nodes: int = 200_000
    """ONNX nodes over all graphs and functions, counted as written and again as if every function were inlined."""
    nesting: int = 64
    """Depth of protobuf messages; protobuf's own default is 100."""
    expanded_bytes: int = 256 * 1024**2
    """Bytes that a file may ask for beyond what it holds (message objects, packed integers, sparse tensors)."""
    repeated_elements: int = 2**28
    """Elements of weights that are one number repeated: no memory here, but whoever copies them needs it."""
