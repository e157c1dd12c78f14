"""The worker's folder: gone with the worker, at once or when the next one starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.service.processes import ROOT, until
from worker.scratch import PREFIX, remove_abandoned, scratch_folder

PROGRAM = """
import time
from pathlib import Path
from worker.scratch import scratch_folder
with scratch_folder(Path({root!r})) as folder:
    (folder / "tensors").write_bytes(bytes(1000))
    time.sleep(3600)
"""


def test_a_folder_goes_with_its_block(tmp_path: Path):
    with scratch_folder(tmp_path) as folder:
        (folder / "file").touch()
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_what_a_killed_worker_left_is_removed_and_what_a_living_one_uses_is_not(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", PROGRAM.format(root=str(tmp_path))], cwd=ROOT)
    try:
        until(lambda: bool(list(tmp_path.glob(f"{PREFIX}*/tensors"))), "the folder")
        assert remove_abandoned(tmp_path, older_than_s=-1) == 0
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert remove_abandoned(tmp_path, older_than_s=3600) == 0
    assert remove_abandoned(tmp_path, older_than_s=-1) == 1
    assert not list(tmp_path.iterdir())


def test_other_folders_are_left_alone(tmp_path: Path):
    (tmp_path / "other").mkdir()
    assert remove_abandoned(tmp_path, older_than_s=-1) == 0
    assert (tmp_path / "other").is_dir()
