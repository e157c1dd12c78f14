"""Jobs as the API sees them: created, looked up, listed, cancelled. The worker's half is `worker/store.py`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

from metagauge.contract import JobStatus
from metagauge.errors import JobFinishedError, JobNotFoundError, QueueFullError
from metagauge.service import keys, scripts
from metagauge.service.record import JobRecord, decode, encode, now
from metagauge.service.settings import Settings

RESERVED_S = 60
"""How long an idempotency key is held by a request that never gets through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some jobs, newest first; `cursor` leads to the older ones."""

    jobs: tuple[JobRecord, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What is known of an idempotency key: of which request it is, and its jobs once there are some."""

    fingerprint: str
    job_ids: tuple[str, ...]


class JobStore:
    """Jobs in Redis. `metagauge.service.keys` lists what is kept there."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._create = redis.register_script(scripts.CREATE)
        self._conclude = redis.register_script(scripts.CONCLUDE)

    async def ping(self) -> None:
        """Raises a RedisError when Redis does not answer."""
        await self._redis.ping()

    async def counts(self) -> Mapping[JobStatus, int]:
        """How many jobs are kept, by status."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for status in JobStatus:
                pipeline.zcard(keys.jobs(status))
            found: list[int] = await pipeline.execute()
        return dict(zip(JobStatus, found, strict=True))

    async def workers(self) -> int:
        """How many workers are up."""
        return len([name async for name in self._redis.scan_iter(match=keys.WORKER_PATTERN, count=1000)])

    async def check_room(self) -> None:
        """Raises QueueFullError when a new job would be refused."""
        counts = await self.counts()
        if counts[JobStatus.QUEUED] + counts[JobStatus.RUNNING] >= self._settings.queue_limit:
            raise self._full()

    async def create(self, job: JobRecord) -> None:
        """Keeps a new job, which is queued, or final already.

        Raises:
            QueueFullError: as many jobs are unfinished as are allowed.
        """
        limit = 0 if job.status.is_final else self._settings.queue_limit
        fields = [part for pair in encode(job).items() for part in pair]
        index = (keys.ALL_JOBS, keys.jobs(job.status), keys.jobs(JobStatus.QUEUED), keys.jobs(JobStatus.RUNNING))
        if not await self._create(keys=[keys.job(job.id), *index], args=[job.id, limit, *fields]):
            raise self._full()
        if job.status.is_final:
            await self._redis.expire(keys.job(job.id), self._settings.job_ttl_s)

    async def get(self, job_id: str) -> JobRecord:
        """The job as it is.

        Raises:
            JobNotFoundError: there is none (any more).
        """
        fields: dict[str, str] = await self._redis.hgetall(keys.job(job_id))  # type: ignore[misc]
        if not fields:
            raise JobNotFoundError(f"no job is called {job_id!r}; finished jobs are kept for some days only")
        return decode(fields)

    async def page(self, *, status: JobStatus | None, limit: int, before: str | None) -> Page:
        """Up to `limit` jobs, the newest that are older than the job `before`."""
        index = keys.ALL_JOBS if status is None else keys.jobs(status)
        top = "+" if before is None else f"({before}"
        ids = _texts(await self._redis.zrevrangebylex(index, top, "-", start=0, num=limit + 1))
        async with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in ids[:limit]:
                pipeline.hgetall(keys.job(job_id))
            found: list[dict[str, str]] = await pipeline.execute()
        jobs = tuple(decode(fields) for fields in found if fields)
        return Page(jobs=jobs, cursor=ids[limit - 1] if len(ids) > limit else None)

    async def cancel(self, job_id: str) -> JobRecord:
        """Makes the job final; a worker that is at it notices at its next step.

        Raises:
            JobNotFoundError: there is none.
            JobFinishedError: it is final already.
        """
        index = (keys.jobs(JobStatus.QUEUED), keys.jobs(JobStatus.RUNNING), keys.jobs(JobStatus.CANCELED))
        fields = ["finished_at", now().isoformat()]
        outcome = await self._conclude(
            keys=[keys.job(job_id), *index, keys.lease(job_id)],
            args=[job_id, "", JobStatus.CANCELED.value, self._settings.job_ttl_s, *fields],
        )
        job = await self.get(job_id)
        if not outcome:
            raise JobFinishedError(f"job {job_id} has {job.status} already")
        return job

    async def forget(self, job: JobRecord) -> None:
        """Removes a job that was never accepted."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(keys.job(job.id))
            pipeline.zrem(keys.ALL_JOBS, job.id)
            pipeline.zrem(keys.jobs(job.status), job.id)
            await pipeline.execute()

    async def result(self, identity: str) -> str | None:
        """The report kept for this content and predictor, as JSON."""
        found = await self._redis.get(keys.result(identity))
        return None if found is None else str(found)

    async def reserve(self, key: str, fingerprint: str) -> Reservation | None:
        """Takes the idempotency key for this request; or says who has it."""
        mine = json.dumps({"fingerprint": fingerprint, "jobs": []})
        held = None
        while held is None:
            if await self._redis.set(keys.idempotency(key), mine, nx=True, ex=RESERVED_S):
                return None
            held = await self._redis.get(keys.idempotency(key))  # None if it ran out between the two
        stored = json.loads(held)
        return Reservation(fingerprint=stored["fingerprint"], job_ids=tuple(stored["jobs"]))

    async def remember(self, key: str, reservation: Reservation) -> None:
        """Keeps the answer to the request that reserved `key`."""
        stored = json.dumps({"fingerprint": reservation.fingerprint, "jobs": reservation.job_ids})
        await self._redis.set(keys.idempotency(key), stored, ex=self._settings.idempotency_ttl_s)

    async def release(self, key: str) -> None:
        """Gives up a reservation whose request was refused."""
        await self._redis.delete(keys.idempotency(key))

    def _full(self) -> QueueFullError:
        return QueueFullError(f"{self._settings.queue_limit} jobs are waiting already; try again in a moment")


def _texts(found: Iterable[object]) -> list[str]:
    return [str(text) for text in found]
