"""The HTTP status a verdict stands for."""

from app.problems import KINDS, OK, UNKNOWN
from bench.coverage.outcome import GRAPH, TIMEOUT
from metagauge.errors import ReadTimeoutError


def status_of(verdict: str) -> int:
    """What the service answers when a file ends with `verdict`."""
    if verdict == GRAPH:
        return OK
    return KINDS.get(ReadTimeoutError.code if verdict == TIMEOUT else verdict, UNKNOWN).status
