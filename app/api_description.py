"""What the generated OpenAPI document cannot know: the bodies of uploads, which are streamed, and the refusals."""

from app.problems import KINDS, MEDIA_TYPE
from metagauge.contract import Problem

_BINARY = {"type": "string", "format": "binary"}
_SIDECAR = {
    **_BINARY,
    "description": "Optional, JSON: a Metagauge architecture specification, a Hugging Face config.json, or hints on"
    ' what a file of tensors leaves open, such as {"num_heads": 12} (also image_size, activation, steps, pooling)',
}
_PARTS = {
    "description": "The checkpoint. Several parts are the files of one network: safetensors shards and their"
    " model.safetensors.index.json, or an ONNX model and its external data; config.json may be among them"
}

PREDICT_BODY: dict[str, object] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": _BINARY, **_PARTS}, "architecture": _SIDECAR},
            }
        },
        "application/octet-stream": {"schema": _BINARY},
    },
}
"""Body of `POST /predict`."""

_NETWORKS = {"description": "The files of any number of networks. Those of one network, by their names, are one job"}

BATCH_BODY: dict[str, object] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": _BINARY, **_NETWORKS}, "architecture": _SIDECAR},
            }
        }
    },
}
"""Body of `POST /predict/batch`."""


def refusals() -> dict[int | str, dict[str, object]]:
    """A response entry for every status that a problem can have."""
    titles: dict[int, list[str]] = {}
    for code, kind in KINDS.items():
        titles.setdefault(kind.status, []).append(code)
    return {
        status: {"model": Problem, "description": ", ".join(codes), "content": {MEDIA_TYPE: {}}}
        for status, codes in sorted(titles.items())
    }


REFUSALS = refusals()
