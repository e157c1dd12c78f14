"""Formats that are often sent and cannot be read: how their first bytes look, and what to send instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

SAVE_AGAIN = (
    "Load the model where you trust it, then save it with metagauge.declare.save.save(module, inputs, path) as"
    " safetensors with its architecture, or export it with torch.onnx.export(module, (x,), path, external_data=False)"
)
CONVERT = "Convert the model to ONNX, or save its weights as safetensors"
UNPACK = "Unpack it and send the .safetensors or .onnx file inside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A foreign format: the bytes `magic` at `offset`, the name a user knows it by, and the way out."""

    magic: bytes
    offset: int = 0
    looks_like: str
    advice: str


SIGNATURES: tuple[Signature, ...] = (
    Signature(
        magic=b"version https://git-lfs.github.com/spec/",
        looks_like="a Git LFS pointer, not the file it points to",
        advice="Fetch the file itself (git lfs pull) and send that",
    ),
    Signature(magic=b"\x89HDF\r\n\x1a\n", looks_like="an HDF5 file (Keras .h5?)", advice=CONVERT),
    Signature(magic=b"GGUF", looks_like="a GGUF file", advice="Send the safetensors file it was made from"),
    Signature(magic=b"ORTM", offset=4, looks_like="an ONNX Runtime .ort flatbuffer", advice="Send the .onnx file"),
    Signature(magic=b"TFL3", offset=4, looks_like="a TensorFlow Lite flatbuffer", advice=CONVERT),
    Signature(magic=b"\x93NUMPY", looks_like="a NumPy .npy array", advice=CONVERT),
    Signature(magic=b"\x1f\x8b", looks_like="gzip-compressed data", advice=UNPACK),
    Signature(magic=b"BZh", looks_like="bzip2-compressed data", advice=UNPACK),
    Signature(magic=b"\xfd7zXZ\x00", looks_like="xz-compressed data", advice=UNPACK),
    Signature(magic=b"\x28\xb5\x2f\xfd", looks_like="zstd-compressed data", advice=UNPACK),
    Signature(magic=b"7z\xbc\xaf\x27\x1c", looks_like="a 7-Zip archive", advice=UNPACK),
    Signature(magic=b"ustar", offset=257, looks_like="a tar archive", advice=UNPACK),
    Signature(magic=b"\x89PNG", looks_like="a PNG image", advice="Send a checkpoint"),
    Signature(magic=b"\xff\xd8\xff", looks_like="a JPEG image", advice="Send a checkpoint"),
    Signature(magic=b"%PDF", looks_like="a PDF document", advice="Send a checkpoint"),
    Signature(magic=b"\x7fELF", looks_like="a compiled program", advice="Send a checkpoint"),
)

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
ZIP_KINDS: Mapping[bytes, tuple[str, str]] = {
    b"/data.pkl": ("a PyTorch file (a zip with a pickle inside), which can run code when loaded", SAVE_AGAIN),
    b"/.format_version": ("a PyTorch file (a zip with a pickle inside), which can run code when loaded", SAVE_AGAIN),
    b".npy": ("a NumPy .npz archive", CONVERT),
    b"metadata.json": ("a Keras .keras archive", CONVERT),
}
"""What the name of an early member tells about a zip; a name not listed is just a zip."""

BINARY_PICKLE = re.compile(rb"\x80[\x02-\x05]")
TEXT_PICKLE = re.compile(rb"(?:c[\w.]+\n[\w.]+\n|\(dp\d|\(lp\d|\(i[\w.]+\n[\w.]+\n|[\]\}]q\x00)")
"""Protocols 0 and 1, which have no header: a global, or a memoised container."""

HTML = re.compile(rb"\s*(?:<!doctype html|<html|<head|<!--|<\?xml)", re.IGNORECASE)
