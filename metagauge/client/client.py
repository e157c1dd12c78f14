"""The client of a Metagauge service."""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import BinaryIO, Self
from uuid import uuid4

import httpx
from pydantic import TypeAdapter

from metagauge.client.answer import decode, decode_text
from metagauge.client.transport import timeout, transport, upload_extensions
from metagauge.contract import Declarations, Job, JobPage, JobStatus, PredictorSummary
from metagauge.declarations import NOTHING, written
from metagauge.errors import RequestInvalidError, ServiceUnavailableError, WaitTimeoutError

POLL_S = 20.0
"""How long one long poll asks the service to hold its answer."""
MIN_INTERVAL_S = 0.1
"""Between two polls, should the service or a proxy not hold its answers."""
_WHERE = "start a service there, or name the address of another one; on the command line with --url or METAGAUGE_URL"

_JOB = TypeAdapter(Job)
_JOBS = TypeAdapter(JobPage)
_PREDICTORS = TypeAdapter(tuple[PredictorSummary, ...])


class Client:
    """Calls of the HTTP contract as methods; use it in a `with` block.

    Every method raises the error that the service's problem document names, `ServiceUnavailableError` when nothing
    answers, and `UnexpectedAnswerError` when something else does.
    """

    def __init__(self, url: str, *, inner: httpx.BaseTransport | None = None) -> None:
        """Opens no connection yet.

        Args:
            url: Root of the service, such as `http://127.0.0.1:8000`.
            inner: What carries the requests below the retries; plain HTTP by default.
        """
        if not url.startswith(("http://", "https://")):
            raise RequestInvalidError(f"the service address {url!r} has to start with http:// or https://")
        try:
            self._http = httpx.Client(base_url=url, transport=transport(inner), timeout=timeout())
        except httpx.InvalidURL as error:
            raise RequestInvalidError(f"the service address {url!r} is not a URL: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def predict(
        self,
        checkpoint: BinaryIO,
        *,
        filename: str,
        architecture: BinaryIO | None = None,
        predictor: str | None = None,
        declared: Declarations = NOTHING,
    ) -> Job:
        """Uploads a checkpoint and returns its job, which may be finished already.

        The files are streamed; they have to be seekable, since a lost upload is sent again from the start. `declared`
        is what is known of the network's inputs and outputs; the rest is assumed, and the report says what.
        """
        files = {filename: checkpoint}
        return self.predict_files(files, architecture=architecture, predictor=predictor, declared=declared)

    def predict_files(
        self,
        checkpoint: Mapping[str, BinaryIO],
        *,
        architecture: BinaryIO | None = None,
        predictor: str | None = None,
        declared: Declarations = NOTHING,
    ) -> Job:
        """Uploads a checkpoint that consists of several files, by name, and returns its job.

        They are safetensors shards with or without their index, or an ONNX model and the files it keeps tensors in.
        """
        files: list[tuple[str, tuple[str, BinaryIO, str]]] = [
            ("file", (name, content, "application/octet-stream")) for name, content in checkpoint.items()
        ]
        if architecture is not None:
            files.append(("architecture", ("architecture.json", architecture, "application/json")))
        query = written(declared) if predictor is None else {**written(declared), "predictor": predictor}
        key = {"Idempotency-Key": str(uuid4())}
        again = upload_extensions()
        request = self._http.build_request("POST", "/predict", params=query, files=files, headers=key, extensions=again)
        return decode(self._send(request), _JOB)

    def job(self, job_id: str, *, wait_s: float = 0.0) -> Job:
        """The job as it is now, or as it is when finished or after `wait_s`, whichever comes first."""
        query = {"wait": f"{wait_s:g}"} if wait_s else {}
        request = self._http.build_request("GET", f"/jobs/{_segment(job_id)}", params=query, timeout=timeout(wait_s))
        return decode(self._send(request), _JOB)

    def watch(self, job: Job, *, poll_s: float = POLL_S, deadline_s: float = float("inf")) -> Iterator[Job]:
        """Yields `job` and every later state that is seen, the last one final.

        Raises:
            WaitTimeoutError: it was not final after `deadline_s`.
        """
        started = time.monotonic()
        yield job
        while not job.status.is_final:
            asked = time.monotonic()
            left = deadline_s - (asked - started)
            if left <= 0:
                raise WaitTimeoutError(f"job {job.id} is still {job.status} after {deadline_s:g} s; it goes on")
            job = self.job(job.id, wait_s=min(poll_s, max(left, MIN_INTERVAL_S)))
            yield job
            if not job.status.is_final:
                time.sleep(max(0.0, MIN_INTERVAL_S - (time.monotonic() - asked)))

    def jobs(self, *, status: JobStatus | None = None, limit: int = 50, cursor: str | None = None) -> JobPage:
        """One page of jobs, newest first."""
        query = {"limit": str(limit)}
        if status is not None:
            query["status"] = status
        if cursor is not None:
            query["cursor"] = cursor
        return decode(self._send(self._http.build_request("GET", "/jobs", params=query)), _JOBS)

    def cancel(self, job_id: str) -> Job:
        """Asks for the job to be given up."""
        return decode(self._send(self._http.build_request("DELETE", f"/jobs/{_segment(job_id)}")), _JOB)

    def predictors(self) -> tuple[PredictorSummary, ...]:
        """What is served."""
        return decode(self._send(self._http.build_request("GET", "/predictors")), _PREDICTORS)

    def card(self, predictor: str) -> str:
        """The model card of a predictor, in Markdown."""
        return decode_text(self._send(self._http.build_request("GET", f"/predictors/{_segment(predictor)}/card")))

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise ServiceUnavailableError(f"no answer from {self._http.base_url}: {reason}; {_WHERE}") from error


def _segment(name: str) -> str:
    if not name or not name.isascii() or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise RequestInvalidError(f"{name!r} is not the id of a job or the name of a predictor")
    return name
