"""The parent of the reading child: starts it, keeps its deadline, says what became of it."""

import multiprocessing
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from pydantic import ValidationError

from metagauge.checkpoint.limits import Limits
from metagauge.contract import Stage
from metagauge.errors import LimitExceededError, MetagaugeError, ReadTimeoutError
from metagauge.graph.parameter_graph import ParameterGraph
from models.subject import Declared, Subject
from worker.reading.bounds import bounds_for
from worker.reading.child import Task, main
from worker.reading.handover import restore
from worker.reading.outcome import ADAPTER, OUTCOME, Reading, Refusal
from worker.reading.stored_arrays import ArrayReader
from worker.reading.stored_network import Executable, restore_network

LOOK_EVERY_S = 0.5
"""How soon a cancelled job's child is ended."""
OUTCOME_BYTES = 128 * 1024**2
STAGE_BYTES = 64

Child = Callable[[Task, Connection], None]
"""What runs in the child process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A reading, its parameter graph, and the network if it may be executed; weights are views over mapped files."""

    reading: Reading
    graph: ParameterGraph
    executable: Executable | None

    def subject(self, declared: Declared) -> Subject:
        """What a predictor judges, with what was declared about it."""
        if self.executable is None:
            return Subject(graph=self.graph, declared=declared)
        network, tensors = self.executable.network, self.executable.tensors
        return Subject(graph=self.graph, network=network, tensors=tensors, declared=declared)


class Sandbox:
    """Reads files and builds their parameter graphs, in child processes.

    Children are forked from a server that has the readers imported and nothing else, least of all torch: that takes
    milliseconds, where a fresh interpreter takes most of a second.
    """

    def __init__(self, *, limits: Limits, deadline_s: float, child: Child = main, scratch: Path | None = None) -> None:
        """`scratch` is the folder for what children leave behind; the system's temporary one by default."""
        self._limits = limits
        self._scratch = scratch
        self._deadline_s = deadline_s
        self._child = child
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["worker.reading.child"])

    def warm(self) -> None:
        """Starts the server that children are forked from, so that the first file does not wait for it."""
        forkserver.ensure_running()

    @contextmanager
    def read(
        self, files: Mapping[str, Path], sidecar: Path | None, begin: Callable[[Stage | None], None]
    ) -> Iterator[Read]:
        """What is in `files`, for as long as the block runs.

        Args:
            files: The files of one network by the names they were sent under, its main file first.
            sidecar: The architecture sent along, if any.
            begin: Is called when a stage begins, and with None now and then; an error it raises ends the reading.

        Raises:
            MetagaugeError: the file is refused, or the child did not survive it.
        """
        with tempfile.TemporaryDirectory(prefix="metagauge-read-", dir=self._scratch) as folder:
            size = sum(path.stat().st_size for path in files.values())
            bounds = bounds_for(size, expanded_bytes=self._limits.expanded_bytes, deadline_s=self._deadline_s)
            task = Task(files=dict(files), sidecar=sidecar, folder=Path(folder), limits=self._limits, bounds=bounds)
            exit_code = self._run(task, begin)
            outcome = _outcome(task, exit_code)
            if isinstance(outcome, Refusal):
                raise _error(outcome)
            yield _restored(outcome, task)

    def _run(self, task: Task, begin: Callable[[Stage | None], None]) -> int | None:
        stages, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=self._child, args=(task, theirs), name="reader", daemon=True)
        process.start()
        theirs.close()
        try:
            _follow(process, stages, begin, task.bounds.deadline_s)
        finally:
            process.kill()
            process.join()
            stages.close()
        return process.exitcode


def _restored(reading: Reading, task: Task) -> Read:
    arrays = ArrayReader(files=task.sources)
    executable = None if reading.network is None else restore_network(reading.network, arrays)
    return Read(reading=reading, graph=restore(reading.graph, arrays), executable=executable)


def _follow(
    process: ForkServerProcess, stages: Connection, begin: Callable[[Stage | None], None], deadline_s: float
) -> None:
    sources = [stages, process.sentinel]
    deadline = time.monotonic() + deadline_s
    while process.sentinel in sources:
        left = deadline - time.monotonic()
        if left <= 0:
            raise ReadTimeoutError(f"reading the checkpoint took longer than its deadline of {deadline_s:g} s")
        ready = wait(sources, timeout=min(left, LOOK_EVERY_S))
        if not ready:
            begin(None)
        if stages in ready:
            try:
                begin(Stage(stages.recv_bytes(STAGE_BYTES).decode()))
            except EOFError:
                sources.remove(stages)
        elif process.sentinel in ready:
            sources.remove(process.sentinel)


def _outcome(task: Task, exit_code: int | None) -> Reading | Refusal:
    path = task.folder / OUTCOME
    if exit_code == 0 and path.is_file() and path.stat().st_size <= OUTCOME_BYTES:
        try:
            return ADAPTER.validate_json(path.read_bytes())
        except ValidationError as error:
            raise MetagaugeError(f"the reader left something that is no outcome: {error}") from error
    raise _death(exit_code)


def _death(exit_code: int | None) -> MetagaugeError:
    match None if exit_code is None or exit_code >= 0 else signal.Signals(-exit_code):
        case signal.SIGXCPU | signal.SIGALRM:
            return ReadTimeoutError("reading the checkpoint used more processor time than a file is given")
        case signal.SIGXFSZ:
            return LimitExceededError("the checkpoint asks for more bytes on disk than a file of its size is given")
        case signal.SIGKILL | signal.SIGABRT | signal.SIGSEGV | signal.SIGBUS as killer:
            return LimitExceededError(f"reading the checkpoint used more memory than it is given ({killer.name})")
        case _:
            return MetagaugeError(f"the reader ended with exit code {exit_code}; this is a fault of the service")


def _error(refusal: Refusal) -> MetagaugeError:
    kind = _errors().get(refusal.code, MetagaugeError)
    return kind(refusal.message)


def _errors() -> Mapping[str, type[MetagaugeError]]:
    found: dict[str, type[MetagaugeError]] = {}
    kinds = [MetagaugeError]
    while kinds:
        kind = kinds.pop()
        found.setdefault(kind.code, kind)
        kinds += kind.__subclasses__()
    return found
