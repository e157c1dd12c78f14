"""Jobs put straight into Redis, as the API puts them there."""

from redis import Redis

from metagauge.contract import Declarations, JobStatus
from metagauge.declarations import NOTHING
from metagauge.service import keys, scripts
from metagauge.service.record import JobRecord, encode, now


def keep(
    redis: Redis,
    *,
    sha256: str = "0" * 64,
    sidecar: str | None = None,
    job_id: str | None = None,
    declared: Declarations = NOTHING,
) -> JobRecord:
    """A queued job that is in no queue."""
    job = JobRecord(
        id=job_id or keys.new_job_id(),
        status=JobStatus.QUEUED,
        created_at=now(),
        filename="net.onnx",
        sha256=sha256,
        size_bytes=1,
        sidecar=sidecar,
        declared=declared,
        predictor="cifar10-accuracy",
        predictor_version=1,
    )
    index = (keys.ALL_JOBS, keys.jobs("queued"), keys.jobs("queued"), keys.jobs("running"))
    fields = [part for pair in encode(job).items() for part in pair]
    assert redis.register_script(scripts.CREATE)(keys=[keys.job(job.id), *index], args=[job.id, 0, *fields])
    return job
