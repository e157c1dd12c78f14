"""From errors to HTTP: problem documents (RFC 9457). The only place that knows status codes."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from metagauge import errors
from metagauge.contract import Problem
from metagauge.service.record import Failure

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
"""What a client is asked to wait when the service is busy or a part of it is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What all problems with one code share."""

    status: int
    title: str


OK = 200
ACCEPTED = 202
UNKNOWN = Kind(status=500, title="The service failed")

KINDS: Mapping[str, Kind] = {
    errors.EmptyUploadError.code: Kind(status=400, title="The upload is empty"),
    errors.MalformedCheckpointError.code: Kind(status=400, title="The checkpoint is malformed"),
    errors.IncompleteCheckpointError.code: Kind(status=422, title="Files of the checkpoint are missing"),
    errors.LimitExceededError.code: Kind(status=413, title="A limit is exceeded"),
    errors.UnsupportedFormatError.code: Kind(status=415, title="The format is not supported"),
    errors.NoParametersError.code: Kind(status=422, title="The checkpoint has no parameters"),
    errors.ExternalDataRefusedError.code: Kind(status=422, title="The weights are in another file"),
    errors.StructureNotInferableError.code: Kind(status=422, title="The structure cannot be inferred"),
    errors.ArchitectureMismatchError.code: Kind(status=422, title="The architecture does not fit the checkpoint"),
    errors.RequestInvalidError.code: Kind(status=422, title="The request cannot be read"),
    errors.DeclarationInvalidError.code: Kind(status=422, title="What is declared cannot be so"),
    errors.PredictorUnknownError.code: Kind(status=404, title="The predictor is unknown"),
    errors.JobNotFoundError.code: Kind(status=404, title="The job is unknown"),
    errors.JobFinishedError.code: Kind(status=409, title="The job is finished"),
    errors.IdempotencyConflictError.code: Kind(status=422, title="The idempotency key was used before"),
    errors.QueueFullError.code: Kind(status=503, title="The queue is full"),
    errors.ReadTimeoutError.code: Kind(status=504, title="Reading took too long"),
    errors.PredictTimeoutError.code: Kind(status=504, title="Predicting took too long"),
    errors.WorkerLostError.code: Kind(status=500, title="The worker was lost"),
    errors.ServiceUnavailableError.code: Kind(status=503, title="A part of the service is away"),
    "not_found": Kind(status=404, title="Nothing is here"),
    "method_not_allowed": Kind(status=405, title="The method is not allowed"),
}


def problem_of(failure: Failure) -> Problem:
    """The document for what went wrong with a job."""
    kind = KINDS.get(failure.code, UNKNOWN)
    return Problem(title=kind.title, status=kind.status, code=failure.code, detail=failure.detail)


def failure_of(error: errors.MetagaugeError) -> Failure:
    """What is kept of an error."""
    return Failure(code=error.code, detail=str(error))


def install(app: FastAPI) -> None:
    """Has every error of `app` answered by a problem document."""
    app.add_exception_handler(errors.MetagaugeError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RedisError, _queue_away)
    app.add_exception_handler(OSError, _store_away)
    app.add_exception_handler(Exception, _failed)


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """`problem` as a response."""
    retry = {"Retry-After": str(RETRY_AFTER_S)} if problem.status == KINDS["queue_full"].status else {}
    body = problem.model_dump_json()
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers={**retry, **(headers or {})})


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.MetagaugeError)  # noqa: S101 - what this handler is installed for
    problem = problem_of(failure_of(error))
    if isinstance(error, errors.IdempotencyPendingError):
        problem = problem.model_copy(update={"status": 409})
    return answer(problem)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what this handler is installed for
    parts = (f"{'.'.join(str(step) for step in item['loc'])}: {item['msg']}" for item in error.errors())
    return answer(problem_of(Failure(code=errors.RequestInvalidError.code, detail="; ".join(parts))))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what this handler is installed for
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, errors.RequestInvalidError.code)
    detail = f"{request.method} {request.url.path}: {error.detail}; /docs lists what there is"
    problem = problem_of(Failure(code=code, detail=detail)).model_copy(update={"status": error.status_code})
    return answer(problem, error.headers)


async def _queue_away(_: Request, error: Exception) -> Response:
    detail = f"the job store does not answer ({type(error).__name__}); try again"
    return answer(problem_of(Failure(code=errors.ServiceUnavailableError.code, detail=detail)))


async def _store_away(_: Request, error: Exception) -> Response:
    detail = f"the upload cannot be stored ({type(error).__name__}); try again"
    return answer(problem_of(Failure(code=errors.ServiceUnavailableError.code, detail=detail)))


async def _failed(request: Request, _: Exception) -> Response:
    detail = f"{request.method} {request.url.path} failed for a reason that is in the service's log"
    return answer(problem_of(Failure(code=errors.MetagaugeError.code, detail=detail)))
