"""Jobs: looked up, waited for, followed, listed, cancelled."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from app.api_description import REFUSALS
from app.job_answer import message
from app.predict import WAIT_MAX_S
from app.service import Service, Serving
from metagauge.contract import Job, JobPage, JobStatus
from metagauge.service.record import JobRecord

FOLLOW_S = 24 * 3600.0

router = APIRouter(tags=["jobs"], responses=REFUSALS)

JobId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]


@router.get("/jobs")
async def list_jobs(
    service: Serving,
    status: JobStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64, pattern=r"^[0-9a-f]+$")] = None,
) -> JobPage:
    """Jobs, newest first."""
    page = await service.store.page(status=status, limit=limit, before=cursor)
    return JobPage(jobs=tuple(message(job) for job in page.jobs), next_cursor=page.cursor)


@router.get("/jobs/{job_id}")
async def get_job(
    service: Serving, job_id: JobId, wait: Annotated[float, Query(ge=0, le=WAIT_MAX_S, description="Seconds")] = 0.0
) -> Job:
    """The job; with `wait`, as soon as it is final or after that time."""
    job = await service.store.get(job_id)
    return message(await service.feed.final(job, seconds=wait))


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def follow_job(service: Serving, job_id: JobId) -> EventSourceResponse:
    """Server-sent events called `job`, each the job as it then is; the last one is final."""
    return EventSourceResponse(_events(service, await service.store.get(job_id)))


@router.delete("/jobs/{job_id}", status_code=202)
async def cancel_job(service: Serving, job_id: JobId) -> Job:
    """Cancels a job that is not final."""
    return message(await service.store.cancel(job_id))


async def _events(service: Service, job: JobRecord) -> AsyncIterator[ServerSentEvent]:
    yield _event(job)
    async for fresh in service.feed.changes(job, seconds=FOLLOW_S):
        yield _event(fresh)


def _event(job: JobRecord) -> ServerSentEvent:
    return ServerSentEvent(message(job).model_dump_json(), event="job")
