"""The worker process: `python -m worker`."""

import os

import torch

from metagauge.service.settings import Settings
from models.predictor import Predictor
from worker.main import serve


def main() -> None:
    """Works until it is told to stop."""
    settings = Settings()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // settings.worker_threads))
    serve(settings, Predictor.load)


if __name__ == "__main__":
    main()
