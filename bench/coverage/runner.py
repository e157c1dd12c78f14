"""Probes cases, each in a process of its own that may hang or die."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

from bench.coverage import probe
from bench.coverage.case import Case
from bench.coverage.outcome import ADAPTER, FAULT, TIMEOUT, Outcome

ANSWER_BYTES = 16 * 1024**2
Child = Callable[[Path, Path | None, float, Connection], None]
"""What runs in a process: it gets the file, the sidecar, the deadline in seconds and where to send its outcome."""


class Runner:
    """Starts the processes. They are forked from a server that has the readers imported and has read nothing."""

    def __init__(self, *, deadline_s: float, at_once: int = 1, child: Child = probe.main) -> None:
        self._deadline_s = deadline_s
        self._at_once = at_once
        self._child = child
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([probe.__name__])

    def run(self, cases: Sequence[Case], done: Callable[[Case], None]) -> Iterator[Outcome]:
        """The outcome of every case, in order; `done` is called as they end."""
        with ThreadPoolExecutor(self._at_once) as pool:
            yield from pool.map(lambda case: self._follow(case, done), cases)

    def _follow(self, case: Case, done: Callable[[Case], None]) -> Outcome:
        outcome = self._one(case)
        done(case)
        return outcome

    def _one(self, case: Case) -> Outcome:
        ours, theirs = self._context.Pipe(duplex=False)
        arguments = (case.path, case.sidecar, self._deadline_s, theirs)
        process = self._context.Process(target=self._child, args=arguments, daemon=True)
        process.start()
        theirs.close()
        try:
            with suppress(EOFError):
                if ours.poll(self._deadline_s):
                    return ADAPTER.validate_json(ours.recv_bytes(ANSWER_BYTES))
                return Outcome(verdict=TIMEOUT, message=f"not done after {self._deadline_s:g} s")
            process.join()
            return Outcome(verdict=FAULT, message=f"the process ended {_how(process.exitcode)}")
        finally:
            process.kill()
            process.join()
            ours.close()


def _how(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"by {signal.Signals(-exit_code).name}"
    return f"with exit code {exit_code}"
