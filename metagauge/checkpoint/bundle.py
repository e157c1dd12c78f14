"""Which files of one upload belong together, from their names and what they begin with; standard library only.

One network may come as several files: safetensors shards with or without their index, or an ONNX model with the files
it keeps tensors in. A `config.json` beside them says what the network is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from metagauge.checkpoint.format import Format
from metagauge.checkpoint.shard_index import shard_name
from metagauge.errors import MetagaugeError, UnknownFormatError

CONFIG_NAME = "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One file of an upload: its name, and the format of its bytes or why they have none that is read.

    `shards` are the files which it names, if it is the index of a sharded checkpoint.
    """

    name: str
    format: Format | None = None
    refusal: MetagaugeError | None = None
    shards: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The files of one network. `main` is the one it is called after, and the first of `files`."""

    files: tuple[str, ...]

    @property
    def main(self) -> str:
        """The index, the ONNX model, the only file or the first shard."""
        return self.files[0]


def bundles(sent: Sequence[Sent]) -> tuple[Bundle, ...]:
    """Every file of `sent`, whose names differ, in one bundle each, in the order of the first files."""
    order = {each.name: number for number, each in enumerate(sent)}
    by_name = {each.name: each for each in sent}
    owner: dict[str, str] = {}  # file -> main file of its bundle
    for each in sent:
        if each.shards is not None:
            owner[each.name] = each.name
            for name in each.shards:
                if name in by_name and by_name[name].shards is None:
                    owner.setdefault(name, each.name)
    _join_series(sent, owner)
    _join_data(sent, owner)
    members: dict[str, list[str]] = {}
    for each in sent:
        members.setdefault(owner.get(each.name, each.name), []).append(each.name)
    whole = (Bundle(files=(main, *sorted(name for name in names if name != main))) for main, names in members.items())
    return tuple(sorted(whole, key=lambda bundle: min(order[name] for name in bundle.files)))


def _join_series(sent: Sequence[Sent], owner: dict[str, str]) -> None:
    """Shards without an index, by their numbered names."""
    first: dict[tuple[str, str, str], str] = {}
    for each in sorted(sent, key=lambda each: each.name):
        named = shard_name(each.name)
        if named is not None and each.name not in owner:
            owner[each.name] = first.setdefault(named.series, each.name)


def _join_data(sent: Sequence[Sent], owner: dict[str, str]) -> None:
    """Files that hold an ONNX model's tensors: called after the model, or of no known format beside the only model."""
    models = [each.name for each in sent if each.format is Format.ONNX and each.name.lower().endswith(".onnx")]
    models = models or [each.name for each in sent if each.format is Format.ONNX]
    for each in sent:
        if each.name in owner or each.name in models or each.name.lower().endswith((".json", ".onnx", ".safetensors")):
            continue
        called = [model for model in models if _is_called_after(each.name, model)]
        if called:
            owner[each.name] = max(called, key=len)
        elif len(models) == 1 and isinstance(each.refusal, UnknownFormatError):
            owner[each.name] = models[0]


def _is_called_after(name: str, model: str) -> bool:
    """Whether `name` is like model.onnx.data, model.onnx_data, model.data or model_weights.bin."""
    stem = model[: -len(".onnx")] if model.lower().endswith(".onnx") else model
    return len(stem) > 0 and name.startswith(stem) and not name[len(stem) :][:1].isalnum()
