"""Tensors of an ONNX model that are kept in other files: read only from files that came with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onnx import TensorProto

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.mapped import map_file
from metagauge.errors import ArchitectureMismatchError, EmptyUploadError, ExternalDataRefusedError

_DIGITS = 18
"""Digits of an offset or length; more is no place in a file."""


@dataclass(slots=True, kw_only=True)
class Companions:
    """Files that came with a model, by the plain name that it calls them. Each is mapped once, when it is needed."""

    files: Mapping[str, Path]
    limits: Limits
    mapped: dict[str, memoryview] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Size of the files that were needed."""
        return sum(len(content) for content in self.mapped.values())

    def stored(self, proto: TensorProto, name: str, needed: int) -> memoryview:
        """The `needed` bytes of tensor `name`.

        Raises:
            ExternalDataRefusedError: the file is not among those that came along, or is named by a path.
            ArchitectureMismatchError: offset and length are no place of this many bytes in it.
            LimitExceededError: the file is larger than `limits` allows.
        """
        entries = _entries(proto, name)
        content = self._file(entries.get("location", ""), name)
        offset = _number(entries, "offset", 0, name)
        length = _number(entries, "length", needed, name)
        if length != needed:
            message = f"tensor {name!r} of shape {list(proto.dims)} needs {needed} bytes, and is said to have {length}"
            raise ArchitectureMismatchError(message)
        if offset + length > len(content):
            message = f"tensor {name!r} is said to be {length} bytes at byte {offset} of a file of {len(content)}"
            raise ArchitectureMismatchError(f"{message}: is the file cut short, or another model's?")
        return content[offset : offset + length]

    def _file(self, location: str, name: str) -> memoryview:
        plain = location.removeprefix("./")
        if plain not in self.files or _is_path(plain):
            raise _refusal(location, name)
        if plain not in self.mapped:
            try:
                self.mapped[plain] = map_file(self.files[plain], self.limits)
            except EmptyUploadError as error:
                message = f"tensor {name!r} is kept in {location[:100]!r}, and the file of this name has no bytes"
                raise ArchitectureMismatchError(message) from error
        return self.mapped[plain]


def is_external(proto: TensorProto) -> bool:
    """Whether the tensor's bytes are in another file."""
    return proto.data_location == TensorProto.EXTERNAL or len(proto.external_data) > 0


def _is_path(name: str) -> bool:
    return name in ("", ".", "..") or any(sign in name for sign in ("/", "\\", "\0"))


def _refusal(location: str, name: str) -> ExternalDataRefusedError:
    kept = f"tensor {name!r} is kept in another file ({location[:100]!r})"
    if _is_path(location.removeprefix("./")):
        return ExternalDataRefusedError(f"{kept}; a path is never followed, only the plain name of a file sent along")
    return ExternalDataRefusedError(
        f"{kept}, which was not sent and is never fetched. Send it in the same upload under this name, or save the"
        " model in one file: torch.onnx.export(module, (x,), path, external_data=False), or"
        " onnx.save_model(onnx.load(path), out, save_as_external_data=False)."
    )


def _entries(proto: TensorProto, name: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for entry in proto.external_data:
        if entries.setdefault(entry.key, entry.value) != entry.value:
            raise ArchitectureMismatchError(f"tensor {name!r} states {entry.key[:100]!r} of its bytes twice")
    return entries


def _number(entries: Mapping[str, str], key: str, default: int, name: str) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise ArchitectureMismatchError(f"tensor {name!r} states the {key} {text[:40]!r} of its bytes: no number")
    return int(text)
