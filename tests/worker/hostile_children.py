"""What may run in the reading child's place. Importable, since the child process looks them up by name."""

import os
import resource
import signal
import sys
import time
from multiprocessing.connection import Connection

from worker.reading.bounds import restrict
from worker.reading.child import Task, leave_outcome
from worker.reading.outcome import MORE, OUTCOME, Reading


def sleeps(task: Task, _: Connection) -> None:
    restrict(task.bounds)
    time.sleep(3600)


def spins(task: Task, _: Connection) -> None:
    restrict(task.bounds)
    while True:
        pass


def hoards(task: Task, _: Connection) -> None:
    def work() -> Reading:
        hoard = []
        while True:
            hoard.append(bytearray(64 * 1024**2))

    leave_outcome(task, work)


def is_killed(_: Task, __: Connection) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def floods_the_disk(task: Task, _: Connection) -> None:
    restrict(task.bounds)
    with (task.folder / MORE).open("wb") as file:
        while True:
            file.write(bytes(16 * 1024**2))


def raises(_: Task, __: Connection) -> None:
    raise ZeroDivisionError


def says_nothing(_: Task, __: Connection) -> None:
    return


def says_nonsense(task: Task, _: Connection) -> None:
    (task.folder / OUTCOME).write_text('{"kind": "reading"}')


def reports_itself(task: Task, _: Connection) -> None:
    restrict(task.bounds)
    names = {name.partition(".")[0] for name in sys.modules}
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    (upload,) = task.files.values()
    upload.with_suffix(".self").write_text(f"{' '.join(names)}\n{limit}\n")
