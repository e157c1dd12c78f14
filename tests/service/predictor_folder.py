"""A folder of predictors as `models/pretrained` is one, for tests which do not look at the prediction itself."""

import json
from pathlib import Path


def write_predictor(folder: Path, *, name: str = "cifar10-accuracy", version: int = 1) -> Path:
    """Writes the files that say what a predictor is, without a network."""
    path = folder / f"{name}-v{version}"
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"title": "CIFAR-10 accuracy", "domain": "CIFAR-10 classifiers"}))
    (path / "metrics.json").write_text(json.dumps({"scores": {"r2": 0.7, "kendall_tau": 0.6}}))
    (path / "card.md").write_text("# A predictor for tests\n")
    return path
