"""From received uploads to jobs: cached, replayed, refused or queued."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace

from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool

from app.catalog import Offer
from app.store import JobStore, Reservation
from app.upload import CheckpointUpload, Uploads
from metagauge.contract import JobStatus
from metagauge.declarations import written
from metagauge.errors import IdempotencyConflictError, IdempotencyPendingError, JobFinishedError, JobNotFoundError
from metagauge.service import queue
from metagauge.service.keys import new_job_id
from metagauge.service.record import JobRecord, joint_sha256, now


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a request asks for, once its bytes are stored."""

    uploads: Uploads
    offer: Offer

    @property
    def fingerprint(self) -> str:
        """Equal for two requests which ask for the same."""
        sidecar, summary = self.uploads.sidecar, self.offer.summary
        stored = (file for upload in self.uploads.checkpoints for file in upload.files)
        files = (f"{file.filename}:{file.sha256}" for file in stored)
        declared = json.dumps(written(self.uploads.declared))
        text = "\n".join((summary.name, str(summary.version), sidecar.sha256 if sidecar else "-", declared, *files))
        return hashlib.sha256(text.encode()).hexdigest()


class Submitter:
    """Makes jobs."""

    def __init__(self, store: JobStore, broker: RedisBroker) -> None:
        self._store = store
        self._broker = broker

    async def submit(self, submission: Submission, key: str | None) -> list[JobRecord]:
        """One job for each checkpoint; the jobs of the earlier request when `key` was used before.

        Raises:
            QueueFullError: no more jobs are taken.
            IdempotencyConflictError: `key` came with another request.
            IdempotencyPendingError: the request that came first with `key` is not through yet.
        """
        if key is None:
            return await self._jobs(submission)
        held = await self._store.reserve(key, submission.fingerprint)
        if held is not None:
            return await self._replay(held, submission, key)
        try:
            jobs = await self._jobs(submission)
        except BaseException:
            await self._store.release(key)
            raise
        ids = tuple(job.id for job in jobs)
        await self._store.remember(key, Reservation(fingerprint=submission.fingerprint, job_ids=ids))
        return jobs

    async def _replay(self, held: Reservation, submission: Submission, key: str) -> list[JobRecord]:
        if held.fingerprint != submission.fingerprint:
            raise IdempotencyConflictError(f"the idempotency key {key!r} came with another upload; use a new key")
        if not held.job_ids:
            raise IdempotencyPendingError(f"the first request with idempotency key {key!r} is not through; try again")
        try:
            return [await self._store.get(job_id) for job_id in held.job_ids]
        except JobNotFoundError:
            return await self._jobs(submission)

    async def _jobs(self, submission: Submission) -> list[JobRecord]:
        jobs: list[JobRecord] = []
        try:
            for upload in submission.uploads.checkpoints:
                jobs.append(await self._job(upload, submission))
        except BaseException:
            # All of a batch or nothing: nobody would learn the ids of the jobs that were made.
            for job in jobs:
                if not job.status.is_final:
                    with suppress(JobFinishedError, JobNotFoundError):
                        await self._store.cancel(job.id)
            raise
        return jobs

    async def _job(self, upload: CheckpointUpload, submission: Submission) -> JobRecord:
        moment, summary, sidecar = now(), submission.offer.summary, submission.uploads.sidecar
        main, *others = upload.files
        job = JobRecord(
            id=new_job_id(),
            status=JobStatus.QUEUED,
            created_at=moment,
            filename=main.filename,
            sha256=joint_sha256(upload.files) if others else main.sha256,
            size_bytes=sum(file.size_bytes for file in upload.files),
            files=upload.files if others else (),
            sidecar=sidecar and sidecar.sha256,
            declared=submission.uploads.declared,
            predictor=summary.name,
            predictor_version=summary.version,
        )
        if upload.refusal is not None:
            job = replace(job, status=JobStatus.FAILED, failure=upload.refusal, finished_at=moment)
        elif (report := await self._store.result(job.identity)) is not None:
            job = replace(job, status=JobStatus.SUCCEEDED, report=report, finished_at=moment, progress=1.0, cached=True)
        await self._store.create(job)
        if not job.status.is_final:
            await self._enqueue(job)
        return job

    async def _enqueue(self, job: JobRecord) -> None:
        try:
            await run_in_threadpool(self._broker.enqueue, queue.message(job.id))
        except (RedisError, OSError):
            await self._store.forget(job)
            raise
