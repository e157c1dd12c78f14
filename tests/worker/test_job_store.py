"""The worker's hand on jobs: delivered, fenced, finished."""

from dataclasses import replace

import pytest
from redis import Redis

from metagauge.contract import JobStatus, Stage
from metagauge.declarations import NOTHING, parse
from metagauge.errors import JobSupersededError
from metagauge.service import keys
from metagauge.service.record import Failure, JobRecord, decode, encode
from metagauge.service.settings import Settings
from tests.service.jobs import keep
from tests.service.reports import REPORT
from worker.store import IN_OTHER_HANDS, NOTHING_TO_DO, JobStore

DONE = REPORT.model_dump_json()


@pytest.fixture
def store(redis: Redis, settings: Settings) -> JobStore:
    return JobStore(redis, settings)


def let_lease_run_out(redis: Redis, job_id: str) -> None:
    assert redis.delete(keys.lease(job_id))


def test_a_record_survives_its_hash(store: JobStore, redis: Redis):
    job = keep(redis)
    attempt = store.deliver(job.id)
    store.fail(job.id, attempt, JobStatus.FAILED, Failure(code="no_parameters", detail="none"))
    found = store.get(job.id)
    assert decode(encode(found)) == found
    assert found.failure == Failure(code="no_parameters", detail="none")


def test_what_was_declared_survives_the_hash(redis: Redis):
    declared = parse({"input_mean": "0.1,0.2,0.3", "input_std": "1,1,1", "class_order": "9,8,7,6,5,4,3,2,1,0"})
    job = replace(keep(redis), declared=declared)
    assert decode(encode(job)) == job
    assert decode({name: text for name, text in encode(job).items() if name != "declared"}).declared == NOTHING


def test_a_job_in_live_hands_is_not_delivered_again(store: JobStore, redis: Redis):
    job = keep(redis)
    assert store.deliver(job.id) == 1
    assert store.deliver(job.id) == IN_OTHER_HANDS


def test_a_job_whose_worker_fell_silent_is_delivered_as_the_next_attempt(store: JobStore, redis: Redis):
    job = keep(redis)
    store.deliver(job.id)
    let_lease_run_out(redis, job.id)
    assert store.deliver(job.id) == 2


@pytest.fixture
def overtaken(store: JobStore, redis: Redis) -> JobRecord:
    """A job whose first attempt was taken for dead, and is not."""
    job = keep(redis)
    store.deliver(job.id)
    let_lease_run_out(redis, job.id)
    store.deliver(job.id)
    return job


def test_an_overtaken_attempt_can_neither_move_nor_finish_the_job(store: JobStore, overtaken: JobRecord):
    with pytest.raises(JobSupersededError):
        store.advance(overtaken.id, 1, Stage.PREDICT)
    assert not store.succeed(overtaken, 1, DONE)
    assert not store.fail(overtaken.id, 1, JobStatus.FAILED, Failure(code="x", detail="y"))
    assert store.get(overtaken.id).status is JobStatus.RUNNING
    assert store.result(overtaken.identity) is None


def test_the_attempt_that_overtook_can(store: JobStore, overtaken: JobRecord):
    store.advance(overtaken.id, 2, Stage.PREDICT)
    assert store.succeed(overtaken, 2, DONE)
    assert store.get(overtaken.id).status is JobStatus.SUCCEEDED
    assert store.result(overtaken.identity) == DONE


def test_a_job_finishes_once(store: JobStore, redis: Redis):
    job = keep(redis)
    attempt = store.deliver(job.id)
    assert store.succeed(job, attempt, DONE)
    assert not store.succeed(job, attempt, DONE)
    assert store.deliver(job.id) == NOTHING_TO_DO


def test_a_finished_job_is_forgotten_in_time_and_an_unfinished_one_is_not(
    store: JobStore, redis: Redis, settings: Settings
):
    done, waiting = keep(redis), keep(redis)
    store.succeed(done, store.deliver(done.id), DONE)
    assert 0 < redis.ttl(keys.job(done.id)) <= settings.job_ttl_s
    assert redis.ttl(keys.job(waiting.id)) == -1


def test_an_unknown_job_is_not_delivered(store: JobStore):
    assert store.deliver("0123") == NOTHING_TO_DO


def test_only_jobs_past_their_time_leave_the_index(store: JobStore, redis: Redis):
    young = keep(redis)
    old = keep(redis, job_id=keys.job_id_floor(0.0) + "00")
    store.trim()
    assert redis.zrange(keys.ALL_JOBS, 0, -1) == [young.id.encode()]
    assert old.id < young.id
