"""Whether the process lives, whether it can serve, and what it counts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from app.metrics import MEDIA_TYPE
from app.service import Serving

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """`ready`, and how many workers are up: none does not keep uploads from being taken."""

    status: str
    workers: int


async def _checked(service: Serving) -> int:
    service.catalog.find()
    await service.store.ping()
    await run_in_threadpool(service.blobs.check)
    return await service.store.workers()


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/readyz")
async def readyz(workers: Annotated[int, Depends(_checked)]) -> Health:
    """Redis answers, the blob store takes bytes, and the default predictor is installed; 503 or 404 otherwise."""
    return Health(status="ready", workers=workers)


@router.get("/metrics", response_class=Response)
async def metrics(service: Serving) -> Response:
    """Counters and gauges in Prometheus' text format."""
    service.metrics.observe_jobs(await service.store.counts(), await service.store.workers())
    return Response(service.metrics.render(), media_type=MEDIA_TYPE)
