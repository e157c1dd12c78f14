"""What has to be done now and then: jobs that fell between two stools are queued again, old things are removed."""

import threading
from logging import getLogger

from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

from metagauge.service import queue
from metagauge.service.blobs import BlobStore
from metagauge.service.settings import Settings
from worker.store import JobStore

LOOK_EVERY_S = 10.0
SWEEP_EVERY = 360
"""Looks between two sweeps of old blobs: an hour."""

logger = getLogger(__name__)


class Housekeeping:
    """Runs beside the work, in every worker; doing it twice does no harm.

    A job can be lost to the queue: the API died between keeping the job and queueing it, or Redis restarted while it
    handed the message out. Such a job is unfinished, is in no queue and has no lease; when it is found so at two looks
    in a row it is queued again. Should its message turn up after all, the second delivery finds nothing to do.
    """

    def __init__(self, store: JobStore, blobs: BlobStore, broker: RedisBroker, settings: Settings) -> None:
        self._store = store
        self._blobs = blobs
        self._broker = broker
        self._settings = settings
        self._suspects: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keeping, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """One look for lost jobs."""
        waiting = self._waiting()
        lost = {job for job in self._store.unfinished() if job not in waiting and not self._store.leased(job)}
        again = lost & self._suspects
        for job_id in again:
            logger.warning("job %s was in no queue and nobody's; it is queued again", job_id)
            self._broker.enqueue(queue.message(job_id))
        self._suspects = frozenset(lost - again)

    def sweep(self) -> None:
        """Removes what is past its time."""
        self._store.trim()
        removed = self._blobs.sweep(older_than_s=self._settings.blob_ttl_s)
        logger.info("%d old blobs removed", removed)

    def _waiting(self) -> frozenset[str]:
        return frozenset(queue.waiting(self._broker.client))

    def _keeping(self) -> None:
        looks = 0
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                self.look()
                if looks % SWEEP_EVERY == 0:
                    self.sweep()
            except (RedisError, OSError) as error:
                logger.warning("housekeeping put off: %s", error)
            looks += 1
