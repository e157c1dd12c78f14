"""The development corpus of real and broken files, which lies beside the repository and is not part of it."""

import os
from pathlib import Path

import pytest


def corpus(part: str) -> Path:
    """The folder `part` of the corpus; skips the test where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "corpus"
    folder = Path(os.environ.get("METAGAUGE_CORPUS", beside)) / part
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}; METAGAUGE_CORPUS tells where it is")
    return folder
