"""A small service that speaks the contract, with faults on demand. It judges a file by what the file says."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from metagauge.contract import Declarations, Job, JobPage, JobStatus, PredictorSummary, Problem, Stage
from metagauge.declarations import NAMES, parse
from metagauge.errors import DeclarationInvalidError
from tests.fakes.answers import final_job

PAGE = Path(__file__).parents[2] / "app" / "page"
CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"  # noqa: E501
LOOK_S = 0.01
"""Between two events of a job."""
TYPE = "application/problem+json"

PREDICTORS = (
    PredictorSummary(
        name="cifar10-accuracy", version=1, title="CIFAR-10 accuracy", domain="CIFAR-10 classifiers", scores={"r2": 0.7}
    ),
    PredictorSummary(
        name="cifar10-varying-cnn", version=1, title="Varying CNNs", domain="small CNNs", scores={"r2": 0.9, "tau": 0.8}
    ),
)


class FakeService:
    """Jobs in memory. Every look moves a job one stage on, a long poll several, so nothing depends on the clock.

    What a file holds decides its fate: see `tests.fakes.answers`.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.contents: dict[str, bytes] = {}
        self.sidecars: dict[str, bytes] = {}
        self.names: dict[str, list[str]] = {}
        self.declared: dict[str, Declarations] = {}
        self.by_key: dict[str, str] = {}
        self.faults: list[Response] = []
        self.requests: list[str] = []
        self.events_work = True
        self.held = False
        """Whether jobs stay where they are."""
        self.served = 1
        """How many of `PREDICTORS` there are."""

    def app(self) -> Starlette:
        routes = [
            Route("/predict", self._guarded(self._predict), methods=["POST"]),
            Route("/jobs", self._guarded(self._list)),
            Route("/jobs/{id}", self._guarded(self._job)),
            Route("/jobs/{id}", self._guarded(self._cancel), methods=["DELETE"]),
            Route("/jobs/{id}/events", self._events),
            Route("/predictors", self._guarded(self._predictors)),
            Route("/predictors/{name}/card", self._guarded(self._card)),
            Route("/", self._page),
            Mount("/static", StaticFiles(directory=PAGE / "static")),
        ]
        return Starlette(routes=routes)

    def advance(self, job_id: str) -> Job:
        """The job as it is, which then moves on."""
        job = self.jobs[job_id]
        if not job.status.is_final and not self.held:
            self.jobs[job_id] = self._next(job)
        return job

    def _next(self, job: Job) -> Job:
        stages = tuple(Stage)
        number = -1 if job.stage is None else stages.index(job.stage)
        if number + 1 < len(stages):
            moved = {"status": JobStatus.RUNNING, "stage": stages[number + 1], "progress": (number + 1) / len(stages)}
            return job.model_copy(update=moved)
        return final_job(job, self.contents[job.id], self.declared[job.id])

    def _guarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self.requests.append(f"{request.method} {request.url.path}")
            if self.faults:
                await request.body()
                return self.faults.pop(0)
            return await handler(request)

        return endpoint

    async def _predict(self, request: Request) -> Response:
        async with request.form() as form:
            uploads, sidecar = form.getlist("file"), form.get("architecture")
            upload = uploads[0]
            assert isinstance(upload, UploadFile)
            content = await upload.read()
            names = [other.filename or "" for other in uploads if isinstance(other, UploadFile)]
            beside = await sidecar.read() if isinstance(sidecar, UploadFile) else b""
            filename = upload.filename or "upload"
        if not content:
            return problem(400, "empty_upload", "no bytes arrived; send the checkpoint as the part called `file`")
        try:
            declared = parse({name: request.query_params.get(name, "") for name in NAMES})
        except DeclarationInvalidError as error:
            return problem(422, error.code, str(error))
        key = request.headers.get("idempotency-key")
        if key in self.by_key:
            return job_answer(self.jobs[self.by_key[key]])
        job = Job(
            id=f"job-{len(self.jobs) + 1}",
            status=JobStatus.QUEUED,
            created_at=datetime.now(UTC),
            filename=filename,
            sha256=sha256(content).hexdigest(),
            size_bytes=len(content),
            predictor=request.query_params.get("predictor", "cifar10-accuracy"),
        )
        self.jobs[job.id], self.contents[job.id], self.sidecars[job.id] = job, content, beside
        self.names[job.id] = names
        self.declared[job.id] = declared
        if key is not None:
            self.by_key[key] = job.id
        return job_answer(job)

    async def _job(self, request: Request) -> Response:
        if request.path_params["id"] not in self.jobs:
            return problem(404, "job_not_found", f"no job is called {request.path_params['id']}")
        for _ in range(3 if "wait" in request.query_params else 0):
            self.advance(request.path_params["id"])
        return job_answer(self.advance(request.path_params["id"]))

    async def _cancel(self, request: Request) -> Response:
        job = self.jobs[request.path_params["id"]].model_copy(update={"status": JobStatus.CANCELED})
        self.jobs[job.id] = job
        return job_answer(job)

    async def _list(self, request: Request) -> Response:
        wanted = request.query_params.get("status")
        found = tuple(job for job in reversed(self.jobs.values()) if wanted in (None, job.status))
        return Response(JobPage(jobs=found).model_dump_json(), media_type="application/json")

    async def _events(self, request: Request) -> Response:
        if not self.events_work:
            return problem(503, "service_unavailable", "no events today")

        async def events() -> AsyncIterator[dict[str, str]]:
            while True:
                job = self.advance(request.path_params["id"])
                yield {"event": "job", "data": job.model_dump_json()}
                if job.status.is_final:
                    return
                await asyncio.sleep(LOOK_S)

        return EventSourceResponse(events())

    async def _predictors(self, request: Request) -> Response:
        return JSONResponse([json.loads(known.model_dump_json()) for known in PREDICTORS[: self.served]])

    async def _card(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in {known.name for known in PREDICTORS[: self.served]}:
            return problem(404, "predictor_unknown", f"no predictor is called {name!r}")
        return Response(f"# {name}-v1\n\nIts scores: \x1b[31m<b>0.7</b>\n", media_type="text/markdown; charset=utf-8")

    async def _page(self, request: Request) -> Response:
        page = (PAGE / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(page, headers={"Content-Security-Policy": CSP})


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A problem document."""
    body = Problem(title=code.replace("_", " "), status=status, code=code, detail=detail)
    return Response(body.model_dump_json(), status_code=status, media_type=TYPE, headers=headers)


def job_answer(job: Job) -> Response:
    """A job, 202 while it is not finished."""
    status = 200 if job.status.is_final else 202
    headers = {"Location": f"/jobs/{job.id}"}
    return Response(job.model_dump_json(), status_code=status, media_type="application/json", headers=headers)


@contextmanager
def serving(service: FakeService) -> Iterator[str]:
    """The address at which `service` listens, on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(service.app(), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
