"""Which jobs this worker is busy with, told to Redis every second."""

import threading
from collections.abc import Callable
from logging import getLogger

from redis.exceptions import RedisError

from worker.store import JobStore

EVERY_S = 1.0
PRESENCE_S = 10

logger = getLogger(__name__)


class Leases:
    """Jobs in hand. A worker that dies stops renewing, so its jobs can be told from jobs that take long."""

    def __init__(self, store: JobStore, name: str) -> None:
        """`name` is this worker's."""
        self._store = store
        self._name = name
        self._held: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renewing, name="leases", daemon=True)

    def take(self, job_id: str, attempt: int) -> None:
        """This worker is at the job from now on."""
        with self._lock:
            self._held.add((job_id, attempt))

    def drop(self, job_id: str, attempt: int) -> None:
        """This worker is done with the job."""
        with self._lock:
            self._held.discard((job_id, attempt))

    def start(self) -> None:
        """Begins to renew."""
        self._store.announce(self._name, ttl_s=PRESENCE_S)
        self._thread.start()

    def stop(self) -> None:
        """Ends renewing."""
        self._stop.set()
        self._thread.join()
        self._store.leave(self._name)

    def _renewing(self) -> None:
        while not self._stop.wait(EVERY_S):
            with self._lock:
                held = tuple(self._held)
            _tolerant(lambda held=held: self._store.renew(held))
            _tolerant(lambda: self._store.announce(self._name, ttl_s=PRESENCE_S))


def _tolerant(call: Callable[[], None]) -> None:
    try:
        call()
    except RedisError as error:
        logger.warning("leases not renewed: %s", error)
