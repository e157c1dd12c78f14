"""Jobs on the wire: from the record to the contract's message, and the headers around it."""

from fastapi import Response

from app.problems import ACCEPTED, OK, problem_of
from metagauge.contract import FilePart, Job, Report
from metagauge.service.record import JobRecord

POLL_AFTER_S = 1
"""What a client that polls is asked to wait."""


def message(record: JobRecord) -> Job:
    """The job as the contract spells it."""
    return Job(
        id=record.id,
        status=record.status,
        stage=record.stage,
        progress=record.progress,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        attempts=record.attempts,
        filename=record.filename,
        sha256=record.sha256,
        size_bytes=record.size_bytes,
        files=tuple(
            FilePart(filename=file.filename, sha256=file.sha256, size_bytes=file.size_bytes) for file in record.files
        ),
        predictor=record.predictor,
        cached=record.cached,
        report=None if record.report is None else _report(record.report),
        problem=None if record.failure is None else problem_of(record.failure),
    )


def _report(text: str) -> Report:
    """Reports are kept for days, so an earlier version of the service may have written this one."""
    return Report.model_validate_json(text, extra="ignore")


def submitted(record: JobRecord) -> Response:
    """Answers an upload: 200 with the finished job, or 202 and where to look for it."""
    headers = {"Location": f"/jobs/{record.id}"}
    if not record.status.is_final:
        headers["Retry-After"] = str(POLL_AFTER_S)
    status = OK if record.status.is_final else ACCEPTED
    return Response(
        message(record).model_dump_json(), status_code=status, media_type="application/json", headers=headers
    )
