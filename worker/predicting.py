"""The predictors this process has loaded, each once."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from metagauge.errors import PredictorUnknownError
from models.prediction import Prediction
from models.subject import Subject


class Judge(Protocol):
    """What predicts; `models.predictor.Predictor` is the one."""

    @property
    def name(self) -> str:
        """Such as `cifar10-accuracy`."""
        ...

    @property
    def version(self) -> int:
        """Counts up from one."""
        ...

    def predict(self, subjects: Sequence[Subject]) -> list[Prediction]:
        """One prediction for each subject, in order."""
        ...


Load = Callable[[Path], Judge]
"""Reads a predictor from its folder."""


class Predictors:
    """Predictors by name and version, loaded when first asked for."""

    def __init__(self, folder: Path, load: Load) -> None:
        self._folder = folder
        self._load = load
        self._loaded: dict[Path, Judge] = {}
        self._lock = threading.Lock()

    def find(self, name: str, version: int) -> Judge:
        """The predictor.

        Raises:
            PredictorUnknownError: it is not installed here.
        """
        path = self._folder / f"{name}-v{version}"
        with self._lock:
            if path not in self._loaded:
                if not path.is_dir():
                    raise PredictorUnknownError(f"predictor {name!r} version {version} is not installed in this worker")
                self._loaded[path] = self._load(path)
            return self._loaded[path]

    def load_all(self) -> int:
        """Loads everything that is installed, so that the first job does not wait; says how many."""
        for path in sorted(self._folder.glob("*-v*")):
            name, _, version = path.name.rpartition("-v")
            if version.isdigit() and (path / "config.json").is_file():
                self.find(name, int(version))
        return len(self._loaded)
