"""The reading child: sniff, read, infer, in a process that may fail. It imports no torch and gets no secrets."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.coverage import coverage, parameters_of
from metagauge.architecture.infer import infer
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.digest import digest, dtype_counts, parameter_count
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.contract import CheckpointSummary, Stage
from metagauge.errors import LimitExceededError, MetagaugeError
from worker.reading.bounds import MIB, Bounds, restrict
from worker.reading.outcome import ADAPTER, OUTCOME, TENSORS, Reading, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to read and where to leave what was found."""

    upload: Path
    sidecar: Path | None
    folder: Path
    limits: Limits
    bounds: Bounds


def main(task: Task, stages: Connection) -> None:
    """Does the task. Names of stages go through `stages` as they begin."""
    leave_outcome(task, lambda: _read(task, stages))


def leave_outcome(task: Task, work: Callable[[], Reading]) -> None:
    """Does `work` within the bounds; the last thing that is written is its outcome."""
    restrict(task.bounds)
    try:
        outcome = work()
    except MetagaugeError as error:
        outcome = Refusal(code=error.code, message=str(error))
    except MemoryError:
        given = task.bounds.memory_bytes // MIB
        message = f"reading this file needs more than the {given} MiB that a file of its size is given"
        outcome = Refusal(code=LimitExceededError.code, message=message)
    (task.folder / OUTCOME).write_bytes(ADAPTER.dump_json(outcome))


def _read(task: Task, stages: Connection) -> Reading:
    timings: dict[str, float] = {}
    with _stage(Stage.READ, stages, timings):
        checkpoint = read(task.upload, task.limits)
        summary = _summary(checkpoint)
    with _stage(Stage.INFER, stages, timings):
        sidecar = None if task.sidecar is None else task.sidecar.read_text(encoding="utf-8", errors="replace")
        architecture = infer(checkpoint, sidecar)
    in_place = checkpoint.format is Format.SAFETENSORS
    if not in_place:
        save_file(_named_tensors(architecture, checkpoint), task.folder / TENSORS)
    return Reading(
        architecture=architecture,
        summary=summary,
        coverage=coverage(architecture, checkpoint),
        findings=checkpoint.findings,
        tensors="upload" if in_place else "copy",
        timings_s=timings,
    )


def _summary(checkpoint: Checkpoint) -> CheckpointSummary:
    return CheckpointSummary(
        format=checkpoint.format.value,
        tensors_digest=digest(checkpoint),
        parameters=parameter_count(checkpoint),
        dtypes=dict(dtype_counts(checkpoint)),
    )


def _named_tensors(architecture: Architecture, checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    names = {parameter.tensor for parameter in parameters_of(architecture)}
    return {name: np.ascontiguousarray(checkpoint.tensor(name).array()) for name in sorted(names)}


@contextmanager
def _stage(stage: Stage, stages: Connection, timings: dict[str, float]) -> Iterator[None]:
    stages.send_bytes(stage.value.encode())
    started = time.perf_counter()
    yield
    timings[stage.value] = time.perf_counter() - started
