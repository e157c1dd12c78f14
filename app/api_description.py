"""What the generated OpenAPI document cannot know: the bodies of uploads, which are streamed, and the refusals."""

from app.problems import KINDS, MEDIA_TYPE
from metagauge.contract import Problem
from metagauge.declarations import MEAN, ORDER, STD

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

DECLARED = {
    MEAN: "What the network's inputs were normalised by: the mean of red, green and blue on a scale from 0 to 1, such"
    " as 0.4914,0.4822,0.4465. Needs input_std; without them those of the predictor's own networks are assumed",
    STD: "The standard deviation of red, green and blue likewise, such as 0.247,0.2435,0.2616",
    ORDER: "CIFAR-10's ten classes by name or number (0 is airplane, 9 is truck) in the order of the network's outputs;"
    " without it CIFAR-10's own order is assumed",
}
"""What can be declared about a network, in the query or as parts of the form."""
_FIELDS = {name: {"type": "string", "description": text} for name, text in DECLARED.items()}

PREDICT_BODY: dict[str, object] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "array", "items": _BINARY, **_PARTS},
                    "architecture": _SIDECAR,
                    **_FIELDS,
                },
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
                "properties": {
                    "file": {"type": "array", "items": _BINARY, **_NETWORKS},
                    "architecture": _SIDECAR,
                    **_FIELDS,
                },
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
