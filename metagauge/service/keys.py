"""The Redis keys of the service, all of them.

Key                        Type     Holds                                              Lives
mg:job:{id}                hash     one job (`record.py` names the fields)             `job_ttl_s` after it is final
mg:jobs                    zset     ids of all jobs, score 0: ids sort by creation     trimmed to `job_ttl_s`
mg:jobs:{status}           zset     ids of the jobs in one status, score 0             trimmed to `job_ttl_s`
mg:lease:{id}              string   attempt that some worker is busy with              seconds; renewed by that worker
mg:result:{identity}       string   report as JSON, of one content and predictor       `result_ttl_s`
mg:idempotency:{key}       string   fingerprint of a request and its job ids           `idempotency_ttl_s`
mg:worker:{name}           string   empty; a worker that is up                         seconds; renewed by that worker
mg:changed:{id}            channel  empty message whenever the job changed             -
dramatiq:*                          the queue (brokers/redis/dispatch.lua in dramatiq) until done; dead letters 7 days

Uploaded bytes are never here: see `blobs.py`.
"""

import secrets
import time

ALL_JOBS = "mg:jobs"
CHANGED_PATTERN = "mg:changed:*"
WORKER_PATTERN = "mg:worker:*"


def job(job_id: str) -> str:
    """Hash of one job."""
    return f"mg:job:{job_id}"


def jobs(status: str) -> str:
    """Index of the jobs in `status`."""
    return f"mg:jobs:{status}"


def lease(job_id: str) -> str:
    """Present while a live worker is busy with the job."""
    return f"mg:lease:{job_id}"


def result(identity: str) -> str:
    """Report of one content and predictor."""
    return f"mg:result:{identity}"


def idempotency(key: str) -> str:
    """What was answered to the request that came with `key`."""
    return f"mg:idempotency:{key}"


def worker(name: str) -> str:
    """Present while this worker is up."""
    return f"mg:worker:{name}"


def changed(job_id: str) -> str:
    """Channel that announces changes of one job."""
    return f"mg:changed:{job_id}"


def new_job_id() -> str:
    """A job id: its creation in milliseconds, so that ids sort by age, then 80 random bits."""
    return job_id_floor(time.time()) + secrets.token_hex(10)


def job_id_floor(moment_s: float) -> str:
    """Sorts before every job id made at or after `moment_s` (seconds since 1970)."""
    return f"{int(moment_s * 1000):012x}"
