"""Uploading a checkpoint and following its job to the end, with progress where somebody looks."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from metagauge.cli.terminal import err, plain
from metagauge.client.client import POLL_S, Client
from metagauge.contract import Job

LIVE_POLL_S = 1.0
"""Between two looks at a job whose progress is on screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What to send."""

    path: Path
    architecture: Path | None = None
    predictor: str | None = None


def judge(client: Client, upload: Upload, *, deadline_s: float) -> Job:
    """The final job of `upload`.

    Raises:
        MetagaugeError: the service refused it, is not there, or took longer than `deadline_s`.
    """
    console = err()
    live = console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not live) as progress:
        name = plain(upload.path.name).plain.replace("[", r"\[")
        task = progress.add_task(name, total=1.0, state="upload")
        last = _send(client, upload, progress, task)
        for job in client.watch(last, poll_s=LIVE_POLL_S if live else POLL_S, deadline_s=deadline_s):
            progress.update(task, total=1.0, completed=job.progress, state=job.stage or job.status)
            last = job
    return last


def _send(client: Client, upload: Upload, progress: Progress, task: TaskID) -> Job:
    with ExitStack() as files:
        checkpoint = files.enter_context(progress.open(upload.path, "rb", task_id=task))
        sidecar = None if upload.architecture is None else files.enter_context(upload.architecture.open("rb"))
        return client.predict(checkpoint, filename=upload.path.name, architecture=sidecar, predictor=upload.predictor)
