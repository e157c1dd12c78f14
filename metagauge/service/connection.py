"""Connections to Redis: the embedded server's socket unless `REDIS_URL` says otherwise."""

from pathlib import Path
from urllib.parse import quote

from redis import Redis, exceptions
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from metagauge.service.embedded import socket_path
from metagauge.service.settings import Settings

LOST = (exceptions.BusyLoadingError, exceptions.ConnectionError, exceptions.TimeoutError)
"""What a restarting Redis looks like from here."""


def redis_url(settings: Settings) -> str:
    """Where Redis is."""
    return settings.redis_url or _unix_url(socket_path(settings.state))


def connect(settings: Settings, *, patience: int) -> Redis:
    """A blocking client that repeats a lost command up to `patience` times, at most a second apart."""
    retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=patience)
    return Redis.from_url(redis_url(settings), retry=retry, retry_on_error=list(LOST), health_check_interval=30)


def connect_async(settings: Settings, *, patience: int) -> AsyncRedis:
    """The same for the event loop; answers are text."""
    retry = AsyncRetry(ExponentialBackoff(cap=1.0, base=0.05), retries=patience)
    return AsyncRedis.from_url(
        redis_url(settings), retry=retry, retry_on_error=list(LOST), health_check_interval=30, decode_responses=True
    )


def _unix_url(path: Path) -> str:
    return f"unix://{quote(str(path))}"
