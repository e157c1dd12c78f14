"""What the API counts, for Prometheus."""

import time
from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metagauge.contract import JobStatus
from metagauge.service.record import JobRecord

MEDIA_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
BUCKETS_S = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


class Metrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "metagauge_requests_total", "Answers", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "metagauge_request_seconds",
            "From request to answer",
            ("route",),
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._bytes = Counter("metagauge_uploaded_bytes_total", "Bytes of accepted checkpoints", registry=registry)
        self._cached = Counter("metagauge_cached_total", "Uploads whose report was known", registry=registry)
        self._jobs = Gauge("metagauge_jobs", "Jobs that are kept", ("status",), registry=registry)
        self._workers = Gauge("metagauge_workers", "Workers that are up", registry=registry)

    def received(self, job: JobRecord) -> None:
        """Counts an upload."""
        self._bytes.inc(job.size_bytes)
        self._cached.inc(int(job.cached))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an answer."""
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def observe_jobs(self, counts: Mapping[JobStatus, int], workers: int) -> None:
        """Takes over what Redis knows."""
        for status, count in counts.items():
            self._jobs.labels(status.value).set(count)
        self._workers.set(workers)

    def render(self) -> bytes:
        """All of it, as text."""
        return generate_latest(self._registry)


class Measured:
    """ASGI middleware that counts answers by route, so that ids in paths do not make endless series."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(scope["method"], route, status, time.perf_counter() - started)
