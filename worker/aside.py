"""Work that takes long, done aside, so that the one who waits for it can look up now and then."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from metagauge.errors import PredictTimeoutError

LOOK_EVERY_S = 0.5
"""How soon a cancelled job is let go of."""

Result = TypeVar("Result")


class Aside:
    """Threads for predictions, at most so many at once.

    Torch cannot be interrupted: a prediction that nobody waits for any more goes on to its end, and keeps its place
    until then. What it reads is mapped, and stays mapped while anything views it.
    """

    def __init__(self, *, most: int, deadline_s: float) -> None:
        self._places = threading.Semaphore(most)
        self._deadline_s = deadline_s

    def do(self, work: Callable[[], Result], look: Callable[[], None]) -> Result:
        """What `work` returns, or raises. `look` is called now and then; an error it raises ends the waiting.

        Raises:
            PredictTimeoutError: it took longer than the deadline.
        """
        deadline = time.monotonic() + self._deadline_s
        while not self._places.acquire(timeout=self._pause(deadline)):
            look()
        done: Future[Result] = Future()
        # A daemon, since a worker that is told to stop waits for nobody: a later delivery does the job again.
        threading.Thread(target=self._settle, args=(done, work), name="aside", daemon=True).start()
        while not wait((done,), timeout=self._pause(deadline)).done:
            look()
        return done.result()

    def _settle(self, done: "Future[Result]", work: Callable[[], Result]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            done.set_exception(error)
        else:
            done.set_result(result)
        finally:
            self._places.release()

    def _pause(self, deadline: float) -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise PredictTimeoutError(f"the prediction took longer than its deadline of {self._deadline_s:g} s")
        return min(left, LOOK_EVERY_S)
