"""The reading child: sniff, read, infer, build, in a process that may fail. It imports no torch and gets no secrets."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from metagauge.architecture.coverage import count_parameters
from metagauge.architecture.infer import infer
from metagauge.checkpoint.digest import digest, dtype_counts
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read_files
from metagauge.contract import CheckpointSummary, Stage
from metagauge.errors import LimitExceededError, MetagaugeError
from metagauge.graph.build import build
from metagauge.graph.digest import digest as graph_digest
from worker.reading.bounds import MIB, Bounds, restrict
from worker.reading.describe import describe
from worker.reading.handover import store
from worker.reading.outcome import ADAPTER, MORE, OUTCOME, Reading, Refusal
from worker.reading.stored_arrays import ArrayWriter
from worker.reading.stored_network import store_network

DIGESTED_EDGES = 2**28
"""Of larger graphs no digest is reported: it takes some 12 ns for each parameter, which is seconds by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to read and where to leave what was found. `files` are of one network, by name, its main file first."""

    files: dict[str, Path]
    sidecar: Path | None
    folder: Path
    limits: Limits
    bounds: Bounds

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files, in the order in which a stored graph counts them; the one with further arrays comes last."""
        return (*self.files.values(), self.folder / MORE)


def main(task: Task, stages: Connection) -> None:
    """Does the task. Names of stages go through `stages` as they begin."""
    leave_outcome(task, lambda: _read(task, stages))


def leave_outcome(task: Task, work: Callable[[], Reading]) -> None:
    """Does `work` within the bounds; the last thing that is written is its outcome."""
    restrict(task.bounds)
    gc.disable()  # a short life, with many objects and no circles: collecting would look through them again and again
    try:
        outcome = work()
    except MetagaugeError as error:
        outcome = Refusal(code=error.code, message=str(error))
    except (MemoryError, RecursionError) as error:
        given = f"the {task.bounds.memory_bytes // MIB} MiB" if isinstance(error, MemoryError) else "the nesting"
        message = f"reading this file needs more than {given} that a file of its size is given"
        outcome = Refusal(code=LimitExceededError.code, message=message)
    (task.folder / OUTCOME).write_bytes(ADAPTER.dump_json(outcome))


def _read(task: Task, stages: Connection) -> Reading:
    timings: dict[str, float] = {}
    with _stage(Stage.READ, stages, timings):
        checkpoint = read_files(task.files, task.limits)
        tensors_digest = digest(checkpoint)
    with _stage(Stage.INFER, stages, timings):
        sidecar = None if task.sidecar is None else task.sidecar.read_text(encoding="utf-8", errors="replace")
        architecture = infer(checkpoint, sidecar)
    with _stage(Stage.BUILD, stages, timings):
        graph = build(architecture, checkpoint)
        *files, more = task.sources
        with ArrayWriter.into(more, files) as arrays:
            stored = store(graph, arrays)
            network = store_network(architecture, checkpoint, arrays)
        named = graph_digest(graph) if graph.edges <= DIGESTED_EDGES else None
        described = describe(architecture, checkpoint, graph, named)
    return Reading(
        summary=CheckpointSummary(
            format=checkpoint.format.value,
            tensors_digest=tensors_digest,
            parameters=count_parameters(architecture, checkpoint),
            dtypes=dict(dtype_counts(checkpoint)),
        ),
        architecture=described,
        findings=checkpoint.findings,
        graph=stored,
        network=network,
        timings_s=timings,
    )


@contextmanager
def _stage(stage: Stage, stages: Connection, timings: dict[str, float]) -> Iterator[None]:
    stages.send_bytes(stage.value.encode())
    started = time.perf_counter()
    yield
    timings[stage.value] = time.perf_counter() - started
