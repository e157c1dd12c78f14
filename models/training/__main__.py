"""`python -m models.training OUT ZOO...`: fits a hybrid and its fallback, calibrates both, writes a predictor."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from models.domain import Task
from models.predictor import Predictor, PredictorConfig
from models.probes.convention import Convention
from models.training.damage import damaged
from models.training.fit import FitConfig
from models.training.fit_store import FitStore
from models.training.judging import judge
from models.training.method import drawn_probes, fit_method
from models.training.networks import JobNetworks, load_networks
from models.training.probe_images import ProbeFitConfig
from models.training.probing import ask_anew, ask_drawn
from models.training.split import SplitKind, split
from models.transforms.registry import DAMAGING
from models.zoo.images import MEAN, SPREAD

DAMAGED = 3
"""Snapshots of each job of which damaged copies are made."""
TASK = Task(channels=3, extent=(32, 32), classes=10, coverage=0.99, edges=70_000, blocks=128)
"""CIFAR-10, and room for `models.zoo.families.MAX_PARAMETERS` with the wiring between them."""
_FAMILIES = {
    "cnn": "2-D CNNs",
    "cnn1d": "1-D CNNs",
    "resnet": "ResNets",
    "vit": "vision transformers",
    "deepsets": "DeepSets",
    "mlp": "MLPs",
    "small_cnn": "the small CNN of Unterthiner et al.",
    "c4": "CNNs equivariant to quarter turns",
}


def train(
    out: Annotated[Path, typer.Argument(help="Folder of the predictor, NAME-vVERSION")],
    zoos: Annotated[list[Path], typer.Argument(help="Folders of zoos")],
    by: Annotated[str, typer.Option(help="Split by 'architecture' or by 'run'")] = "architecture",
    seed: int = 0,
    epochs: int = FitConfig().epochs,
    probe_epochs: int = ProbeFitConfig().epochs,
    threads: int = 1,
    fits: Annotated[Path | None, typer.Option(help="Where fits are kept, such as OUT/fits of an evaluation")] = None,
) -> None:
    """Fit, calibrate and write the predictor; `python -m models.evaluation` measures it."""
    torch.set_num_threads(threads)
    kind: SplitKind = "run" if by == "run" else "architecture"
    parts = split(ask_drawn(load_networks(zoos), drawn_probes()), kind, 0)
    predictor, _, version = out.name.rpartition("-v")
    settings = (FitConfig(epochs=epochs), ProbeFitConfig(epochs=probe_epochs))
    store = FitStore(fits)
    hybrid, weights = (fit_method(name, parts.train, seed, *settings, store) for name in ("hybrid", "weights"))
    if hybrid.learned is None:
        raise ValueError("a hybrid learns what to ask")
    probes = drawn_probes().joined(hybrid.learned)
    seen, unseen, test = (hybrid.asked(part) for part in (parts.train, parts.calibration, parts.test))
    broken = ask_anew(damaged([_some(job, seed) for job in parts.train], DAMAGING, seed), probes)
    executed, plain = (judge(weights, each, seen, unseen, broken, [*unseen, *test]) for each in (hybrid, None))
    families = [_FAMILIES[family] for family in sorted({job.family for job in parts.train})]
    subject = f"{families[0]} for CIFAR-10" if len(families) == 1 else "CIFAR-10 classifiers"
    config = PredictorConfig(
        name=predictor,
        version=int(version),
        title=f"Test accuracy and generalization gap of {subject}",
        domain=(
            "Image classifiers with 10 outputs for 3x32x32 inputs, trained on CIFAR-10:"
            f" {_listed(families)} of up to 64 000 parameters"
        ),
        task=TASK,
        convention=Convention(mean=MEAN, spread=SPREAD),
        hybrid=executed.config,
        weights=plain.config,
    )
    Predictor(config, executed, plain, probes).save(out)
    typer.echo(f"wrote {out}")


def _some(job: JobNetworks, seed: int) -> JobNetworks:
    """A few snapshots of a job."""
    rng = np.random.default_rng([seed, job.job])
    chosen = np.zeros(len(job.entries), bool)
    chosen[rng.permutation(len(job.entries))[:DAMAGED]] = True
    return job.where(chosen)


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


if __name__ == "__main__":
    typer.run(train)
