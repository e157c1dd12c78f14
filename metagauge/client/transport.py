"""How requests are sent: retried while the service is busy or the connection drops, never for ever."""

from http import HTTPMethod, HTTPStatus

import httpx
from httpx_retries import Retry, RetryTransport

ATTEMPTS = 4
"""Retries after the first try."""
BUSY = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
BACKOFF_S = 0.25
"""Doubled with every try, and spread at random."""
WAIT_S = 30.0
"""Longest sum of pauses for one request, whatever `Retry-After` asks for."""
CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
"""Silence after which a request counts as lost; a long poll adds the time it asked for."""


def transport(inner: httpx.BaseTransport | None = None) -> RetryTransport:
    """Retries lost connections and busy answers, keeping to `Retry-After`.

    POST is retried too: every upload carries an `Idempotency-Key`, so a repeated one is the same job.
    """
    return RetryTransport(transport=inner or httpx.HTTPTransport(), retry=_retry(BUSY))


def upload_extensions() -> dict[str, Retry]:
    """Request extensions of an upload: it is also tried again while the first try is still being received."""
    return {"retry": _retry((*BUSY, HTTPStatus.CONFLICT))}


def _retry(statuses: tuple[HTTPStatus, ...]) -> Retry:
    methods = (HTTPMethod.GET, HTTPMethod.DELETE, HTTPMethod.POST)
    return Retry(
        total=ATTEMPTS,
        allowed_methods=methods,
        status_forcelist=statuses,
        backoff_factor=BACKOFF_S,
        total_timeout=WAIT_S,
    )


def timeout(wait_s: float = 0.0) -> httpx.Timeout:
    """Timeouts of a request that asks the service to hold its answer for `wait_s`."""
    return httpx.Timeout(ANSWER_TIMEOUT_S + wait_s, connect=CONNECT_TIMEOUT_S)
