"""Asking the service about every file of an audit; a file that gets no answer does not stop the others."""

from pathlib import Path

from metagauge.cli.audit.verdict import Assessment, Refusal
from metagauge.cli.follow import Asked, Upload, judge
from metagauge.client.client import Client
from metagauge.contract import Job, Report
from metagauge.errors import MetagaugeError


def assess(client: Client, path: Path, *, asked: Asked, deadline_s: float) -> Assessment:
    """What the service says about the checkpoint at `path`."""
    try:
        job = judge(client, Upload.of(path, asked=asked), deadline_s=deadline_s)
    except MetagaugeError as error:
        refusal = Refusal(code=error.code, message=str(error))
        return Assessment(file=str(path), job_id=None, report=None, refusal=refusal)
    match job.report:
        case Report() as report:
            return Assessment(file=str(path), job_id=job.id, report=report, refusal=None)
        case None:
            return Assessment(file=str(path), job_id=job.id, report=None, refusal=_refusal(job))


def _refusal(job: Job) -> Refusal:
    if job.problem is None:
        return Refusal(code=f"job_{job.status}", message=f"job {job.id} ended as {job.status}")
    return Refusal(code=job.problem.code, message=job.problem.detail)
