"""Builds safetensors bytes by hand, so that they can be wrong in one chosen way."""

import json


def with_header(header: bytes, data: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + data


def with_entries(entries: dict, data: bytes = b"") -> bytes:
    return with_header(json.dumps(entries).encode(), data)


def entry(shape: list, begin: int, end: int, dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
