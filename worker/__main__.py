"""The worker process: `python -m worker`."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from metagauge.service.settings import Settings
from models.prediction import Prediction
from models.predictor import Predictor
from models.subject import Subject
from worker.main import serve
from worker.predicting import Judge


class _OfGraphs:
    """A predictor that looks at graphs only."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.name, self.version = predictor.name, predictor.version

    def predict(self, subjects: Sequence[Subject]) -> list[Prediction]:
        return self._predictor.predict([subject.graph for subject in subjects])


def load(name: str | Path) -> Judge:
    """The predictor of that name, or in that folder."""
    return _OfGraphs(Predictor.load(name))


def main() -> None:
    """Works until it is told to stop."""
    settings = Settings()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // settings.worker_threads))
    serve(settings, load)


if __name__ == "__main__":
    main()
