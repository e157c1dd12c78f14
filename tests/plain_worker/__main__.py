"""A worker whose predictor always says the same: `python -m tests.plain_worker`.

While the file named by METAGAUGE_TEST_GATE exists it does not answer, and it writes its process id into the file
beside it, `<gate>.pids`, at every attempt: so a test can act during a job, without guessing at times.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from metagauge.service.settings import Settings
from models.prediction import Interval, Prediction
from models.subject import Subject
from worker.main import serve


class PlainPredictor:
    """Says 0.6, with a gap of 0.1, whatever it is called."""

    def __init__(self, folder: Path) -> None:
        self.name, _, version = folder.name.rpartition("-v")
        self.version = int(version)

    def predict(self, subjects: Sequence[Subject]) -> list[Prediction]:
        gate = os.environ.get("METAGAUGE_TEST_GATE")
        if gate is not None:
            with Path(f"{gate}.pids").open("a") as pids:
                pids.write(f"{os.getpid()}\n")
            while Path(gate).exists():
                time.sleep(0.02)
        accuracy = Interval(value=0.6, low=0.5, high=0.7, coverage=0.9)
        gap = Interval(value=0.1, low=0.0, high=0.2, coverage=0.9)
        return [
            Prediction(
                test_accuracy=accuracy,
                generalization_gap=gap,
                score=0.1,
                threshold=0.9,
                basis="weights only" if subject.network is None else "weights and probes",
            )
            for subject in subjects
        ]


if __name__ == "__main__":
    serve(Settings(), PlainPredictor)
