"""The worker process: `python -m worker`."""

import os
from pathlib import Path

import torch

from metagauge.service.settings import Settings
from models.predictor import Predictor
from worker.main import serve
from worker.predicting import Judge


def load(name: str | Path) -> Judge:
    """The predictor of that name, or in that folder."""
    return Predictor.load(name)


def main() -> None:
    """Works until it is told to stop."""
    settings = Settings()
    torch.set_flush_denormal(True)  # before there are threads, which take it over; see docs/probes.md
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // settings.worker_threads))
    serve(settings, load)


if __name__ == "__main__":
    main()
