"""`python -m bench.latency --url URL`: how long a small CNN takes through a running service, one request at a time.

Every upload differs from all others in one weight, so that none is answered from the cache. The clock runs from the
request to the final job in the client's hands; the report says how much of it was reading, inferring and predicting.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from safetensors.numpy import save
from tqdm import tqdm

from bench.machine import load, machine
from bench.networks import small_cnn
from bench.results import record
from bench.revision import now_and_commit
from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.client.client import Client
from metagauge.contract import Job, JobStatus

TITLE = "Latency through HTTP"
COLUMNS = ("date", "commit", "uploads", "p50 ms", "p95 ms", "of which, median ms", "busy", "machine")
REST = "http, queue and sandbox"
"""What the report does not account for."""
DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Seconds of each upload, in all and by part."""

    total_s: tuple[float, ...]
    parts_s: dict[str, tuple[float, ...]]

    def quantile_ms(self, share: float) -> float:
        """The time that this share of the uploads did not exceed."""
        return 1000 * float(np.quantile(self.total_s, share))

    def medians_ms(self) -> dict[str, float]:
        """The median of each part."""
        return {name: 1000 * float(np.median(seconds)) for name, seconds in self.parts_s.items()}


def bench(
    url: Annotated[str, typer.Option(help="Root of a running service")] = "http://127.0.0.1:8000",
    uploads: Annotated[int, typer.Option(min=1)] = 50,
    warmup: Annotated[int, typer.Option(help="Uploads before the clock runs", min=1)] = 5,
    write: Annotated[Path | None, typer.Option(help="Markdown file that gets a row, such as docs/results.md")] = None,
) -> None:
    """Upload distinct small CNNs and print p50, p95 and where the time went."""
    with Client(url) as client:
        found = measure(client, uploads, warmup, np.random.default_rng())
    typer.echo(f"{machine()}, {load()}")
    typer.echo(f"{uploads} uploads   p50 {found.quantile_ms(0.5):.1f} ms   p95 {found.quantile_ms(0.95):.1f} ms")
    for name, median_ms in found.medians_ms().items():
        typer.echo(f"  {name:24s} {median_ms:8.1f} ms")
    if write is not None:
        record(write, TITLE, COLUMNS, _row(found))


def measure(client: Client, uploads: int, warmup: int, rng: np.random.Generator) -> Latencies:
    """Times `uploads` jobs after `warmup` others.

    Raises:
        RuntimeError: a job failed, or its answer came from the cache.
    """
    architecture, tensors = small_cnn(rng)
    metadata = {METADATA_KEY: to_json(architecture)}
    seconds: list[float] = []
    reports: list[dict[str, float]] = []
    for number in tqdm(range(warmup + uploads), desc="uploading", unit="file"):
        tensors["head.bias"][0] = rng.normal()
        upload = io.BytesIO(save(tensors, metadata=metadata))
        started = perf_counter()
        job = _finished(client, upload)
        if number >= warmup:
            seconds.append(perf_counter() - started)
            reports.append(_timings(job))
    return Latencies(total_s=tuple(seconds), parts_s=_parts(seconds, reports))


def _finished(client: Client, upload: io.BytesIO) -> Job:
    job = client.predict(upload, filename="small_cnn.safetensors")
    *_, last = client.watch(job, deadline_s=DEADLINE_S)
    return last


def _timings(job: Job) -> dict[str, float]:
    if job.status is not JobStatus.SUCCEEDED or job.report is None:
        raise RuntimeError(f"job {job.id} is {job.status}: {job.problem}")
    if job.cached:
        raise RuntimeError(f"job {job.id} was answered from the cache, and says nothing about latency")
    return job.report.timings_s


def _parts(seconds: Sequence[float], reports: Sequence[dict[str, float]]) -> dict[str, tuple[float, ...]]:
    names = list(dict.fromkeys(name for each in reports for name in each))
    parts = {name: tuple(each.get(name, 0.0) for each in reports) for name in names}
    rest = tuple(total - sum(each.values()) for total, each in zip(seconds, reports, strict=True))
    return {**parts, REST: rest}


def _row(found: Latencies) -> tuple[str, ...]:
    parts = ", ".join(f"{name} {median_ms:.0f}" for name, median_ms in found.medians_ms().items())
    return (
        *now_and_commit(),
        str(len(found.total_s)),
        f"{found.quantile_ms(0.5):.0f}",
        f"{found.quantile_ms(0.95):.0f}",
        parts,
        load(),
        machine(),
    )


if __name__ == "__main__":
    typer.run(bench)
