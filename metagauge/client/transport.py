"""How requests are sent: retried while the service is busy or the connection drops, never for ever."""

from http import HTTPMethod

import httpx
from httpx_retries import Retry, RetryTransport

ATTEMPTS = 4
"""Retries after the first try."""
WAIT_S = 30.0
"""Longest sum of pauses for one request, whatever `Retry-After` asks for."""
CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
"""Silence after which a request counts as lost; a long poll adds the time it asked for."""


def transport(inner: httpx.BaseTransport | None = None) -> RetryTransport:
    """Retries lost connections and the answers 429, 502, 503 and 504, keeping to `Retry-After`.

    POST is retried too: every upload carries an `Idempotency-Key`, so a repeated one is the same job.
    """
    methods = (HTTPMethod.GET, HTTPMethod.DELETE, HTTPMethod.POST)
    retry = Retry(total=ATTEMPTS, allowed_methods=methods, backoff_factor=0.25, total_timeout=WAIT_S)
    return RetryTransport(transport=inner or httpx.HTTPTransport(), retry=retry)


def timeout(wait_s: float = 0.0) -> httpx.Timeout:
    """Timeouts of a request that asks the service to hold its answer for `wait_s`."""
    return httpx.Timeout(ANSWER_TIMEOUT_S + wait_s, connect=CONNECT_TIMEOUT_S)
