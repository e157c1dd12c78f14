"""Uploads: `POST /predict` and `POST /predict/batch`."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from app.api_description import BATCH_BODY, DECLARED, PREDICT_BODY, REFUSALS
from app.job_answer import message, submitted
from app.service import Serving
from app.submit import Submission
from app.upload import Receiver
from metagauge.contract import Job
from metagauge.declarations import MEAN, ORDER, STD, parse

WAIT_MAX_S = 60.0
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)

router = APIRouter(tags=["predict"], responses=REFUSALS)

Predictor = Annotated[str | None, Query(description="Name of the predictor; the default one if left out")]
Key = Annotated[str | None, Header(min_length=1, max_length=255, description="Makes the upload safe to repeat")]


def _declared(
    input_mean: Annotated[str | None, Query(description=DECLARED[MEAN])] = None,
    input_std: Annotated[str | None, Query(description=DECLARED[STD])] = None,
    class_order: Annotated[str | None, Query(description=DECLARED[ORDER])] = None,
) -> dict[str, str]:
    """What the query declares. The form may bring one of mean and std; else mistakes are told before the upload."""
    texts = {MEAN: input_mean, STD: input_std, ORDER: class_order}
    found = {name: text for name, text in texts.items() if text is not None and text.strip()}
    if (MEAN in found) is (STD in found):
        parse(found)
    return found


Declared = Annotated[dict[str, str], Depends(_declared)]


@router.post(
    "/predict",
    status_code=202,
    response_model=Job,
    responses={200: {"model": Job, "description": "The job is finished already"}},
    openapi_extra={"requestBody": PREDICT_BODY},
)
async def predict(
    request: Request,
    service: Serving,
    declared: Declared,
    predictor: Predictor = None,
    filename: Annotated[str, Query(description="Name of a checkpoint that is sent as the raw body")] = "checkpoint",
    prefer: Annotated[str | None, Header(description="`wait=SECONDS`, up to 60")] = None,
    idempotency_key: Key = None,
) -> Response:
    """Takes one checkpoint (safetensors or ONNX), as the part or parts `file` of a form, or as the raw body."""
    offer = service.catalog.find(predictor)
    await service.store.check_room()
    uploads = await Receiver(service.blobs, service.settings, batch=False).receive(request, filename, declared)
    (job,) = await service.submitter.submit(Submission(uploads=uploads, offer=offer), idempotency_key)
    service.metrics.received(job)
    wait_s = preferred_wait(prefer)
    response = submitted(await service.feed.final(job, seconds=wait_s))
    if wait_s:
        response.headers["Preference-Applied"] = f"wait={wait_s:g}"
    return response


@router.post("/predict/batch", status_code=202, openapi_extra={"requestBody": BATCH_BODY})
async def predict_batch(
    request: Request,
    service: Serving,
    declared: Declared,
    predictor: Predictor = None,
    idempotency_key: Key = None,
) -> tuple[Job, ...]:
    """Takes several checkpoints and gives each its job; a file that is refused has a failed job which says why.

    Shards with their index are one checkpoint, and so is an ONNX model with its external data.
    """
    offer = service.catalog.find(predictor)
    await service.store.check_room()
    uploads = await Receiver(service.blobs, service.settings, batch=True).receive(request, "checkpoint", declared)
    jobs = await service.submitter.submit(Submission(uploads=uploads, offer=offer), idempotency_key)
    for job in jobs:
        service.metrics.received(job)
    return tuple(message(job) for job in jobs)


def preferred_wait(prefer: str | None) -> float:
    """Seconds that a `Prefer` header asks to wait (RFC 7240), up to what we grant; other preferences are ignored."""
    found = _WAIT.search(prefer or "")
    return min(float(found[1]), WAIT_MAX_S) if found else 0.0
