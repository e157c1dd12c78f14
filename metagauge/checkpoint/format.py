"""The file formats Metagauge reads."""

from enum import StrEnum


class Format(StrEnum):
    """A checkpoint format, by its name on the wire."""

    SAFETENSORS = "safetensors"
    ONNX = "onnx"
