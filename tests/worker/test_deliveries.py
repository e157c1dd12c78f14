"""The queue with its middleware, in this process: delivered, died over, failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import Worker
from redis import Redis

from metagauge.contract import JobStatus
from metagauge.service import keys, queue
from metagauge.service.blobs import BlobStore
from metagauge.service.settings import Settings
from tests.service.jobs import keep
from tests.service.processes import until
from worker.deliveries import Deliveries
from worker.housekeeping import Housekeeping
from worker.leases import Leases
from worker.store import JobStore


@pytest.fixture
def store(redis: Redis, settings: Settings) -> JobStore:
    return JobStore(redis, settings)


@contextmanager
def working(redis: Redis, store: JobStore, judge: Callable[[str, int], None]) -> Iterator[RedisBroker]:
    broker = queue.broker(redis)
    broker.add_middleware(Deliveries(store, Leases(store, "test"), most=3, put_off_ms=50))
    dramatiq.Actor(judge, broker=broker, actor_name=queue.ACTOR, queue_name=queue.QUEUE, priority=0, options={})
    worker = Worker(broker, queues={queue.QUEUE}, worker_threads=1, worker_timeout=20)
    worker.start()
    try:
        yield broker
    finally:
        worker.stop(timeout=5000)


def final(store: JobStore, job_id: str) -> JobStatus:
    until(lambda: store.get(job_id).status.is_final, "the end of the job")
    return store.get(job_id).status


def test_a_job_that_killed_its_worker_three_times_is_dead(redis: Redis, store: JobStore):
    job = keep(redis)
    for attempt in (1, 2, 3):  # three workers took it and were never heard of again
        assert store.deliver(job.id) == attempt
        redis.delete(keys.lease(job.id))
    judged: list[str] = []
    with working(redis, store, lambda job_id, attempt: judged.append(job_id)) as broker:
        broker.enqueue(queue.message(job.id))
        assert final(store, job.id) is JobStatus.DEAD
        until(lambda: redis.zcard(f"dramatiq:{queue.QUEUE}.XQ") == 1, "the dead letter")
    failure = store.get(job.id).failure
    assert failure is not None
    assert failure.code == "worker_lost"
    assert judged == []


def test_a_job_that_killed_its_worker_twice_is_tried_again(redis: Redis, store: JobStore):
    job = keep(redis)
    for _ in (1, 2):
        store.deliver(job.id)
        redis.delete(keys.lease(job.id))
    with working(redis, store, lambda job_id, attempt: _succeed(store, job_id, attempt)) as broker:
        broker.enqueue(queue.message(job.id))
        assert final(store, job.id) is JobStatus.SUCCEEDED
    assert store.get(job.id).attempts == 3


def test_a_fault_of_ours_fails_the_job_and_not_the_worker(redis: Redis, store: JobStore):
    broken, fine = keep(redis), keep(redis)

    def judge(job_id: str, attempt: int) -> None:
        if job_id == broken.id:
            raise ZeroDivisionError
        _succeed(store, job_id, attempt)

    with working(redis, store, judge) as broker:
        broker.enqueue(queue.message(broken.id))
        broker.enqueue(queue.message(fine.id))
        assert final(store, broken.id) is JobStatus.FAILED
        assert final(store, fine.id) is JobStatus.SUCCEEDED
    failure = store.get(broken.id).failure
    assert failure is not None
    assert failure.code == "internal_error"


def test_a_message_that_came_twice_is_done_once(redis: Redis, store: JobStore):
    job, judged = keep(redis), []

    def judge(job_id: str, attempt: int) -> None:
        judged.append(attempt)
        _succeed(store, job_id, attempt)

    with working(redis, store, judge) as broker:
        broker.enqueue(queue.message(job.id))
        broker.enqueue(queue.message(job.id))
        until(lambda: redis.hlen(f"dramatiq:{queue.QUEUE}.msgs") == 0, "the end of both messages")
    assert judged == [1]


def test_a_message_whose_job_seems_to_be_in_other_hands_is_kept_until_that_is_known(redis: Redis, store: JobStore):
    job, judged = keep(redis), []
    store.deliver(job.id)

    def judge(job_id: str, attempt: int) -> None:
        judged.append(attempt)
        _succeed(store, job_id, attempt)

    with working(redis, store, judge) as broker:
        broker.enqueue(queue.message(job.id))
        until(lambda: redis.hlen(f"dramatiq:{queue.QUEUE}.DQ.msgs") == 1, "the message to be put off")
        assert judged == []
        redis.delete(keys.lease(job.id))
        assert final(store, job.id) is JobStatus.SUCCEEDED
    assert judged == [2]


def housekeeping(redis: Redis, store: JobStore, settings: Settings) -> Housekeeping:
    return Housekeeping(store, BlobStore(settings.blobs), queue.broker(redis), settings)


def test_a_job_that_fell_out_of_the_queue_is_queued_at_the_second_look(
    redis: Redis, store: JobStore, settings: Settings
):
    job = keep(redis)
    keeper = housekeeping(redis, store, settings)
    keeper.look()
    assert queue.waiting(redis) == ()
    keeper.look()
    assert queue.waiting(redis) == (job.id,)


def test_a_job_that_waits_or_is_worked_on_or_is_done_is_left_alone(redis: Redis, store: JobStore, settings: Settings):
    waiting, running, done = keep(redis), keep(redis), keep(redis)
    queue.broker(redis).enqueue(queue.message(waiting.id))
    store.deliver(running.id)
    _succeed(store, done.id, store.deliver(done.id))
    keeper = housekeeping(redis, store, settings)
    for _ in range(3):
        store.renew([(running.id, 1)])
        keeper.look()
    assert queue.waiting(redis) == (waiting.id,)


def _succeed(store: JobStore, job_id: str, attempt: int) -> None:
    assert store.succeed(store.get(job_id), attempt, "{}")


def test_a_lease_is_renewed_while_the_job_is_in_hand_and_not_after(redis: Redis, store: JobStore):
    job = keep(redis)
    attempt = store.deliver(job.id)
    leases = Leases(store, "test")
    leases.take(job.id, attempt)
    redis.delete(keys.lease(job.id))
    leases.start()
    try:
        until(lambda: store.leased(job.id), "the lease")
        assert redis.exists(keys.worker("test"))
        leases.drop(job.id, attempt)
        redis.delete(keys.lease(job.id))
    finally:
        leases.stop()
    assert not store.leased(job.id)
    assert not redis.exists(keys.worker("test"))
