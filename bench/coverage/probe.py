"""One file in a process of its own, bounded as the service bounds its readers: read, infer, build, digest."""

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from bench.coverage.outcome import ADAPTER, FAULT, GRAPH, Outcome
from bench.memory import forget_peak, peak_mib, resident_mib
from metagauge.architecture.architecture import Architecture
from metagauge.architecture.coverage import count_parameters
from metagauge.architecture.infer import infer
from metagauge.checkpoint.digest import parameter_count
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read_files
from metagauge.cli.inspection.source import source
from metagauge.errors import LimitExceededError, MetagaugeError
from metagauge.graph.build import build
from metagauge.graph.digest import digest
from worker.reading.bounds import bounds_for, restrict

_OPERATORS = 30
"""Names of unsupported operators that are kept."""


def main(path: Path, sidecar: Path | None, deadline_s: float, answer: Connection) -> None:
    """Probes `path` and sends the outcome, as JSON, through `answer`."""
    limits = Limits()
    files = _files(path, limits)
    size_bytes = sum(file.stat().st_size for file in files.values())
    restrict(bounds_for(size_bytes, expanded_bytes=limits.expanded_bytes, deadline_s=deadline_s))
    answer.send_bytes(ADAPTER.dump_json(measured(probe(files, sidecar, limits))))


def _files(path: Path, limits: Limits) -> Mapping[str, Path]:
    """What belongs to `path`; only itself if that cannot be told, so that reading it says why."""
    try:
        return source(path, limits).files
    except MetagaugeError:
        return {path.name: path}


def measured(steps: Iterator[Outcome]) -> Outcome:
    """The last outcome of `steps`, with its cost; what they raise becomes the verdict."""
    found = Outcome(verdict=FAULT)
    forget_peak()
    before = resident_mib()
    started = perf_counter()
    try:
        for step in steps:
            found = step
    except MetagaugeError as error:
        found = replace(found, verdict=error.code, message=str(error))
    except MemoryError:
        message = "more memory than a file of its size is given"
        found = replace(found, verdict=LimitExceededError.code, message=message)
    except Exception as error:  # noqa: BLE001 - the process's main: whatever else is raised is a fault to show
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        found = replace(found, verdict=FAULT, message=message)
    return replace(found, seconds=perf_counter() - started, peak_mib=max(0.0, peak_mib() - before))


def probe(files: Mapping[str, Path], sidecar: Path | None, limits: Limits) -> Iterator[Outcome]:
    """Takes the network in `files` as far as it goes; each outcome knows more than the one before.

    Raises:
        InputError: it is refused.
    """
    checkpoint = read_files(files, limits)
    found = Outcome(
        verdict=GRAPH,
        rules=tuple(finding.rule for finding in checkpoint.findings),
        parameters=parameter_count(checkpoint),
    )
    yield found
    architecture = infer(checkpoint, None if sidecar is None else sidecar.read_text(encoding="utf-8", errors="replace"))
    found = replace(
        found,
        form="layers" if isinstance(architecture, Architecture) else "dataflow",
        rung=architecture.provenance.rung,
        unsupported=tuple(dict.fromkeys(piece.operator for piece in architecture.unsupported))[:_OPERATORS],
        parameters=count_parameters(architecture, checkpoint),
        unused=len({tensor for piece in architecture.unsupported for tensor in piece.tensors}),
    )
    yield found
    graph = build(architecture, checkpoint)
    found = replace(found, coverage=graph.coverage, groups=len(graph.groups), blocks=len(graph.blocks))
    yield found
    yield replace(found, digest=digest(graph))
