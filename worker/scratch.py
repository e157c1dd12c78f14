"""The folder for files that live as long as a job: one for each worker, and what killed workers left is removed."""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging import getLogger
from pathlib import Path

PREFIX = "metagauge-worker-"
_LOCK = "lock"
_YOUNG_S = 60.0
"""A folder this young may be about to be locked by the worker that made it."""

logger = getLogger(__name__)


@contextmanager
def scratch_folder(root: Path | None = None) -> Iterator[Path]:
    """A folder that nobody else uses, below `root` or the system's temporary folder; removed with the block.

    A worker holds a lock in its folder, which the system lets go of however the worker ends.
    """
    parent = Path(tempfile.gettempdir()) if root is None else root
    remove_abandoned(parent, older_than_s=_YOUNG_S)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path, *, older_than_s: float) -> int:
    """Removes the folders of workers that are gone; says how many."""
    removed = 0
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another worker's user, or another worker was faster
            if time.time() - folder.stat().st_mtime < older_than_s or not _is_abandoned(folder):
                continue
            shutil.rmtree(folder)
            removed += 1
    if removed:
        logger.info("removed %d folders of workers that were killed", removed)
    return removed


def _is_abandoned(folder: Path) -> bool:
    if not (folder / _LOCK).exists():
        return True
    with (folder / _LOCK).open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
