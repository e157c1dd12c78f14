"""Waiting for jobs: one subscription for the whole process, however many clients wait."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.store import JobStore
from metagauge.service import keys
from metagauge.service.record import JobRecord

LOOK_AGAIN_S = 2.0
"""How late a waiting client is at most, should a message be lost while Redis restarts."""


class Feed:
    """Tells those who wait for a job that it changed."""

    def __init__(self, redis: Redis, store: JobStore) -> None:
        self._redis = redis
        self._store = store
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def run(self) -> None:
        """Listens until cancelled, through restarts of Redis."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.psubscribe(keys.CHANGED_PATTERN)
                    async for message in channel.listen():
                        self._announce(message["channel"].rpartition(":")[2])
            except (RedisError, OSError):
                await asyncio.sleep(LOOK_AGAIN_S / 4)

    async def changes(self, job: JobRecord, *, seconds: float) -> AsyncIterator[JobRecord]:
        """Later states of `job`, until it is final or the time is over; steps that follow fast may be left out."""
        clock = asyncio.get_running_loop()
        deadline = clock.time() + seconds
        with self._listener(job.id) as changed:
            while not job.status.is_final:
                fresh = await self._store.get(job.id)
                if fresh != job:
                    job = fresh
                    yield job
                    continue
                left = deadline - clock.time()
                if left <= 0:
                    return
                await _wait(changed, min(left, LOOK_AGAIN_S))

    async def final(self, job: JobRecord, *, seconds: float) -> JobRecord:
        """The job when it is final or the time is over, whichever is first."""
        if seconds > 0:
            async for fresh in self.changes(job, seconds=seconds):
                job = fresh
        return job

    @contextmanager
    def _listener(self, job_id: str) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._waiting[job_id].add(changed)
        try:
            yield changed
        finally:
            self._waiting[job_id].discard(changed)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    def _announce(self, job_id: str) -> None:
        for changed in self._waiting.get(job_id, ()):
            changed.set()


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return
    changed.clear()
