"""Which format a file has, from its first bytes; standard library only."""

import codecs
import re

from metagauge.checkpoint.format import Format
from metagauge.checkpoint.signatures import (
    BINARY_PICKLE,
    CONVERT,
    HTML,
    SAVE_AGAIN,
    SIGNATURES,
    TEXT_PICKLE,
    UNPACK,
    ZIP_KINDS,
    ZIP_MAGICS,
)
from metagauge.errors import EmptyUploadError, UnknownFormatError, UnsupportedFormatError

HEAD_BYTES = 512
"""How much of a file `sniff` wants to see; a tar archive shows itself only at byte 257."""

_HEADER_BYTES_MAX = 100 * 1000 * 1000
"""Bound of safetensors on its header; four zero bytes follow from it, and those tell the format from others."""

_MODEL_WIRE_TYPES = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Field number -> wire type of onnx.ModelProto."""

_ENDINGS = {"safetensors": Format.SAFETENSORS, "onnx": Format.ONNX}

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


def sniff(head: bytes) -> Format:
    """The format of a file which starts with `head`: at least `HEAD_BYTES` of it, or all.

    A file that means to be safetensors or ONNX and is broken is still of that format.

    Raises:
        EmptyUploadError: there are no bytes.
        UnsupportedFormatError: another format; the message says which, as far as it is known, and what to send.
    """
    if not head:
        raise EmptyUploadError("the file is empty (0 bytes); send a .safetensors or .onnx file")
    has_header_length = len(head) >= 8 and 0 < int.from_bytes(head[:8], "little") <= _HEADER_BYTES_MAX
    if has_header_length and head[8:9] == b"{":
        return Format.SAFETENSORS
    _refuse_foreign(head)
    if has_header_length:
        return Format.SAFETENSORS
    _refuse_text(head)
    if _starts_like_a_model(head):
        return Format.ONNX
    raise UnknownFormatError(_refusal_text(f"an unknown format (it starts with {head[:8].hex(' ')})", SAVE_AGAIN))


def sniff_named(head: bytes, name: str) -> Format:
    """The format of a file called `name` which starts with `head`, as `sniff` finds it.

    Raises:
        EmptyUploadError: there are no bytes.
        UnsupportedFormatError: another format, or the other one of the two that the name claims.
    """
    found = sniff(head)
    claimed = _ENDINGS.get(name.lower().rpartition(".")[2], found)
    if claimed is not found:
        message = f"the file is called {name[:100]!r}, and its bytes look like {found.value}, not {claimed.value}"
        raise UnsupportedFormatError(f"{message}. Was it renamed? Send it under its own name.")
    return found


def _refuse_foreign(head: bytes) -> None:
    for signature in SIGNATURES:
        if head.startswith(signature.magic, signature.offset):
            raise _refusal(signature.looks_like, signature.advice)
    if head.startswith(ZIP_MAGICS):
        for member, (looks_like, advice) in ZIP_KINDS.items():
            if member in head:
                raise _refusal(looks_like, advice)
        raise _refusal("a zip archive", UNPACK)
    if BINARY_PICKLE.match(head) or TEXT_PICKLE.match(head):
        raise _refusal("a pickle (an older PyTorch file?), which can run code when loaded", SAVE_AGAIN)
    if HTML.match(head):
        raise _refusal("a web page (HTML), perhaps the download page of the file", "Download the file itself")


def _refuse_text(head: bytes) -> None:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except UnicodeDecodeError:
        return
    if _CONTROL.search(head):
        return
    if text.lstrip().startswith(("{", "[")):
        advice = (
            "Send the checkpoint as the file; a config.json or our specification goes beside it as the architecture"
        )
        raise _refusal("JSON text, not a checkpoint", advice)
    raise _refusal("plain text, not a checkpoint", CONVERT)


def _starts_like_a_model(head: bytes) -> bool:
    """Whether `head` is a run of onnx.ModelProto fields, the last one perhaps cut."""
    position = fields = 0
    while position < len(head):
        tag, position = _varint(head, position)
        number, wire_type = tag >> 3, tag & 7
        if _MODEL_WIRE_TYPES.get(number) != wire_type:
            # After a good start it is a model with a field we do not know; the reader looks at it closely.
            return fields > 1 and number > 0 and wire_type in (0, 1, 2, 5)
        fields += 1
        length, position = _varint(head, position)
        if wire_type == 2:
            position += length
    return fields > 0


def _varint(head: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(head) and shift < 70:
        byte = head[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            break
    return value, position


def _refusal(looks_like: str, advice: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(_refusal_text(looks_like, advice))


def _refusal_text(looks_like: str, advice: str) -> str:
    return f"this looks like {looks_like}; safetensors and ONNX can be read. {advice}."
