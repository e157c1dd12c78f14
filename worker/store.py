"""Jobs as the worker sees them: taken, moved on, concluded. The API's half is `app/store.py`."""

from collections.abc import Iterable
from datetime import UTC, datetime

from redis import Redis

from metagauge.contract import JobStatus, Stage
from metagauge.errors import JobSupersededError
from metagauge.service import keys, scripts
from metagauge.service.record import Failure, JobRecord, decode, now
from metagauge.service.settings import Settings

LEASE_MS = 4000
"""Shorter than the five seconds after which the queue gives a lost worker's job to another."""
NOTHING_TO_DO = 0
IN_OTHER_HANDS = -1


class JobStore:
    """Jobs in Redis. `metagauge.service.keys` lists what is kept there."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._deliver = redis.register_script(scripts.DELIVER)
        self._advance = redis.register_script(scripts.ADVANCE)
        self._conclude = redis.register_script(scripts.CONCLUDE)

    def deliver(self, job_id: str) -> int:
        """Takes the job. Returns the number of this attempt, or NOTHING_TO_DO, or IN_OTHER_HANDS."""
        index = (keys.jobs(JobStatus.QUEUED), keys.jobs(JobStatus.RUNNING))
        arguments = [job_id, now().isoformat(), LEASE_MS]
        return int(self._deliver(keys=[keys.job(job_id), *index, keys.lease(job_id)], args=arguments))

    def renew(self, leases: Iterable[tuple[str, int]]) -> None:
        """Says that the attempts at these jobs are alive."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id, attempt in leases:
                pipeline.set(keys.lease(job_id), attempt, px=LEASE_MS)
            pipeline.execute()

    def get(self, job_id: str) -> JobRecord:
        """The job.

        Raises:
            JobSupersededError: it is gone.
        """
        fields: dict[bytes, bytes] = self._redis.hgetall(keys.job(job_id))  # type: ignore[assignment]
        if not fields:
            raise JobSupersededError(f"job {job_id} is gone")
        return decode({name.decode(): value.decode() for name, value in fields.items()})

    def holds(self, job_id: str, attempt: int) -> bool:
        """Whether the job still is this attempt's."""
        status, held = self._redis.hmget(keys.job(job_id), ["status", "attempts"])  # type: ignore[misc]
        return status == JobStatus.RUNNING.value.encode() and held == str(attempt).encode()

    def advance(self, job_id: str, attempt: int, stage: Stage) -> None:
        """Notes that the attempt begins this stage.

        Raises:
            JobSupersededError: the job was cancelled, or another attempt has it.
        """
        progress = tuple(Stage).index(stage) / len(Stage)
        if not self._advance(keys=[keys.job(job_id)], args=[job_id, attempt, stage.value, progress]):
            raise JobSupersededError(f"job {job_id} is no longer attempt {attempt}'s")

    def succeed(self, job: JobRecord, attempt: int, report: str, *, cached: bool = False) -> bool:
        """Finishes the job, and keeps the report for the same upload. False if it is not ours."""
        fields = {"report": report, "progress": "1.0", "cached": str(int(cached))}
        if not self._final(job.id, str(attempt), JobStatus.SUCCEEDED, fields):
            return False
        self._redis.set(keys.result(job.identity), report, ex=self._settings.result_ttl_s)
        return True

    def fail(self, job_id: str, attempt: int | None, status: JobStatus, failure: Failure) -> bool:
        """Finishes the job without a report. False if it is final, or another attempt (None: any) has it."""
        fields = {"failure_code": failure.code, "failure_detail": failure.detail}
        return self._final(job_id, "" if attempt is None else str(attempt), status, fields)

    def result(self, identity: str) -> str | None:
        """The report kept for this content and predictor, as JSON."""
        found: bytes | None = self._redis.get(keys.result(identity))  # type: ignore[assignment]
        return None if found is None else found.decode()

    def unfinished(self) -> tuple[str, ...]:
        """Ids of the jobs that are waiting or running."""
        found: list[bytes] = []
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            found += self._redis.zrange(keys.jobs(status), 0, -1)  # type: ignore[operator]
        return tuple(job_id.decode() for job_id in found)

    def leased(self, job_id: str) -> bool:
        """Whether a live worker is at the job."""
        return bool(self._redis.exists(keys.lease(job_id)))

    def trim(self) -> None:
        """Takes the jobs whose time to live is over out of the indexes."""
        bound = f"({keys.job_id_floor(datetime.now(UTC).timestamp() - self._settings.job_ttl_s)}"
        final = (status for status in JobStatus if status.is_final)
        for index in (keys.ALL_JOBS, *(keys.jobs(status) for status in final)):
            self._redis.zremrangebylex(index, "-", bound)

    def announce(self, worker: str, *, ttl_s: int) -> None:
        """Says that this worker is up."""
        self._redis.set(keys.worker(worker), "", ex=ttl_s)

    def leave(self, worker: str) -> None:
        """Says that this worker is going."""
        self._redis.delete(keys.worker(worker))

    def _final(self, job_id: str, attempt: str, status: JobStatus, fields: dict[str, str]) -> bool:
        index = (keys.jobs(JobStatus.QUEUED), keys.jobs(JobStatus.RUNNING), keys.jobs(status))
        pairs = [part for pair in {**fields, "finished_at": now().isoformat()}.items() for part in pair]
        outcome = self._conclude(
            keys=[keys.job(job_id), *index, keys.lease(job_id)],
            args=[job_id, attempt, status.value, self._settings.job_ttl_s, *pairs],
        )
        return outcome == 1
