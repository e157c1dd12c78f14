"""Middleware that counts how often a job is delivered, and gives up on one that keeps killing its worker.

The queue delivers at least once: the job of a killed worker comes back, for ever if it is the job that kills. Each
delivery is an attempt with a number; a job that is delivered once more than allowed is dead.
"""

import dramatiq
from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import SkipMessage

from metagauge.contract import JobStatus
from metagauge.errors import MetagaugeError, WorkerLostError
from metagauge.service import queue
from metagauge.service.record import Failure
from worker.leases import Leases
from worker.store import IN_OTHER_HANDS, LEASE_MS, NOTHING_TO_DO, JobStore

FAULT = "the service failed while it judged this checkpoint; the reason is in the worker's log"


class Deliveries(dramatiq.Middleware):
    """Hands the actor the number of its attempt as the keyword argument `attempt`."""

    def __init__(self, store: JobStore, leases: Leases, *, most: int, put_off_ms: int = LEASE_MS) -> None:
        """`most` deliveries are made of one job; one that seems to be in other hands is looked at again later."""
        self._put_off_ms = put_off_ms
        self._store = store
        self._leases = leases
        self._most = most

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Counts; a message that has nothing left to do is skipped."""
        (job_id,) = message.args
        attempt = self._store.deliver(job_id)
        if attempt == NOTHING_TO_DO:
            raise SkipMessage(f"job {job_id} is final")
        if attempt == IN_OTHER_HANDS:
            broker.enqueue(queue.message(job_id), delay=self._put_off_ms)  # those hands may have died just now
            raise SkipMessage(f"job {job_id} is in other hands")
        if attempt > self._most:
            detail = f"the worker died {self._most} times while it judged this checkpoint; it is not tried again"
            self._store.fail(job_id, attempt, JobStatus.DEAD, Failure(code=WorkerLostError.code, detail=detail))
            message.fail()  # into the dead letters
            raise SkipMessage(detail)
        message.kwargs["attempt"] = attempt
        self._leases.take(job_id, attempt)

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Lets go of the job; a fault of ours, which the actor did not expect, fails it."""
        (job_id,) = message.args
        attempt = message.kwargs.get("attempt")
        if attempt is None:
            return  # Redis was away when the job was to be taken; housekeeping queues it again
        self._leases.drop(job_id, attempt)
        if exception is not None:
            message.fail()
            self._store.fail(job_id, attempt, JobStatus.FAILED, Failure(code=MetagaugeError.code, detail=FAULT))
