"""Which files on disk make up the network that a path names; standard library only, as the client needs it too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from metagauge.checkpoint.bundle import CONFIG_NAME, Sent, bundles
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.shard_index import is_index_name, load_index, shard_name
from metagauge.errors import IncompleteCheckpointError, RequestInvalidError

_CONFIG_BYTES = 16 * 1024**2
_TELLING = frozenset({"model_type", "architectures", "operations", "steps"})
"""Fields of a config.json of transformers, or of our own specifications."""
_SHOWN = 5
"""Files that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The files of one network by name, the one it is called after first, and the config.json beside them."""

    files: Mapping[str, Path]
    config: Path | None


def source(path: Path, limits: Limits) -> Source:
    """The files that belong to `path`: a file with what it names, or a folder that holds one network.

    An index brings its shards, a shard the others of its series, and an ONNX model the files that are called after it.

    Raises:
        RequestInvalidError: a folder holds no network, or several.
        IncompleteCheckpointError: a shard that the index names is not there.
        InputError: the index cannot be read.
    """
    main = _only(path) if path.is_dir() else path
    names = [main.name]
    if is_index_name(main.name):
        names += load_index(main, limits.tensors).shards
    elif shard_name(main.name) is not None:
        names += [path.name for path in _series(main) if path != main]
    elif main.suffix.lower() == ".onnx":
        beside = [Sent(name=other.name) for other in sorted(main.parent.iterdir()) if other.is_file() and other != main]
        found = bundles([Sent(name=main.name, format=Format.ONNX), *beside])
        names += next(bundle.files[1:] for bundle in found if bundle.main == main.name)
    missing = [name for name in names if not main.with_name(name).is_file()]
    if missing:
        raise IncompleteCheckpointError(f"{main.name} names {missing[0]!r}, which is not beside it")
    return Source(files={name: main.with_name(name) for name in names}, config=config_beside(main))


def config_beside(main: Path) -> Path | None:
    """The config.json in the folder of `main`, if there is one that says what a network is."""
    config = main.with_name(CONFIG_NAME)
    return config if _tells(config) else None


def _tells(config: Path) -> bool:
    """Whether a file is there that says what a network is; timm's config.json, for one, says other things."""
    if not config.is_file() or config.stat().st_size > _CONFIG_BYTES:
        return False
    try:
        fields = json.loads(config.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and not _TELLING.isdisjoint(fields)


def _only(folder: Path) -> Path:
    """The file that a folder's network is called after: an index, else safetensors, else ONNX."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    indexes = [path for path in files if is_index_name(path.name)]
    weights = [path for path in files if path.suffix == ".safetensors" and path == _series(path)[0]]
    models = [path for path in files if path.suffix == ".onnx"]
    for found in (indexes, weights, models):
        if len(found) == 1:
            return found[0]
        if found:
            named = ", ".join(path.name for path in found[:_SHOWN])
            raise RequestInvalidError(f"{folder.name}/ holds several networks ({named}); name the file")
    raise RequestInvalidError(f"{folder.name}/ holds neither a .safetensors nor an .onnx file")


def _series(path: Path) -> list[Path]:
    """The files beside `path` that are shards of one checkpoint with it, in order; itself alone if it is no shard."""
    named = shard_name(path.name)
    if named is None:
        return [path]
    named_alike = {other: shard_name(other.name) for other in path.parent.iterdir()}
    return sorted(other for other, found in named_alike.items() if found is not None and found.series == named.series)
