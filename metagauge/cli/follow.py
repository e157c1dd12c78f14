"""Uploading a checkpoint and following its job to the end, with progress where somebody looks."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from metagauge.checkpoint.bundle import CONFIG_NAME
from metagauge.checkpoint.limits import Limits
from metagauge.cli.inspection.source import config_beside, source
from metagauge.cli.terminal import err, plain
from metagauge.client.client import POLL_S, Client
from metagauge.contract import Declarations, Job
from metagauge.declarations import NOTHING
from metagauge.errors import RequestInvalidError

LIVE_POLL_S = 1.0
"""Between two looks at a job whose progress is on screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which predictor is asked, the default one if None, and what it is told about inputs and outputs."""

    predictor: str | None = None
    declared: Declarations = NOTHING


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What to send: the files of one network by name, the one it is called after first."""

    files: Mapping[str, Path]
    architecture: Path | None = None
    asked: Asked = NOTHING_ASKED

    @classmethod
    def of(cls, path: Path, *, architecture: Path | None = None, asked: Asked = NOTHING_ASKED) -> Self:
        """The network at `path`: a file with those it names, or a folder.

        Without an `architecture` the config.json beside weights is sent along; an ONNX model tells its own.
        """
        found = source(path, Limits())
        sidecar = architecture or (None if _has_model(found.files) else found.config)
        return cls(files=found.files, architecture=sidecar, asked=asked)

    @classmethod
    def of_all(cls, paths: Sequence[Path], *, architecture: Path | None = None, asked: Asked = NOTHING_ASKED) -> Self:
        """The network whose files are `paths`, as they are; a single one is looked up as in `of`.

        The config.json beside them is sent along as there, if they are weights of one folder and it is not among them.

        Raises:
            RequestInvalidError: a folder is among several paths, or two files have one name.
        """
        if len(paths) == 1:
            return cls.of(paths[0], architecture=architecture, asked=asked)
        files = {path.name: path for path in paths}
        if len(files) < len(paths) or any(path.is_dir() for path in paths):
            raise RequestInvalidError("several paths have to be the files of one network, each with its own name")
        alone = len({path.resolve().parent for path in paths}) > 1 or CONFIG_NAME in files or _has_model(files)
        sidecar = architecture or (None if alone else config_beside(paths[0]))
        return cls(files=files, architecture=sidecar, asked=asked)


def _has_model(names: Iterable[str]) -> bool:
    """Whether an ONNX model is among the files, which tells its own architecture."""
    return any(name.lower().endswith(".onnx") for name in names)


def judge(client: Client, upload: Upload, *, deadline_s: float) -> Job:
    """The final job of `upload`.

    Raises:
        MetagaugeError: the service refused it, is not there, or took longer than `deadline_s`.
    """
    console = err()
    live = console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not live) as progress:
        name = plain(next(iter(upload.files))).plain.replace("[", r"\[")
        task = progress.add_task(name, total=1.0, state="upload")
        last = _send(client, upload, progress, task)
        for job in client.watch(last, poll_s=LIVE_POLL_S if live else POLL_S, deadline_s=deadline_s):
            progress.update(task, total=1.0, completed=job.progress, state=job.stage or job.status)
            last = job
    return last


def _send(client: Client, upload: Upload, progress: Progress, task: TaskID) -> Job:
    total = sum(path.stat().st_size for path in upload.files.values())
    with ExitStack() as opened:
        files = {
            name: progress.wrap_file(opened.enter_context(path.open("rb")), total, task_id=task)
            for name, path in upload.files.items()
        }
        sidecar = None if upload.architecture is None else opened.enter_context(upload.architecture.open("rb"))
        predictor, declared = upload.asked.predictor, upload.asked.declared
        return client.predict_files(files, architecture=sidecar, predictor=predictor, declared=declared)
