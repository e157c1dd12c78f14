"""`python -m models.training ZOO OUT`: fits a metanetwork to a zoo, calibrates it and writes it as a predictor."""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from tqdm import tqdm

from models.calibration import Calibration, calibrate
from models.domain import Task, locate
from models.metanetworks.edges_v2 import GmnConfig, GraphMetanetwork, accuracy_and_gap
from models.predictor import Predictor, PredictorConfig
from models.training.fit import FitConfig, apply, fit
from models.training.networks import JobNetworks, load_networks
from models.training.split import SplitKind, split
from models.zoo.images import MEAN, SPREAD
from models.zoo.store import ZooStore

COVERAGE = 0.9
THRESHOLD = 0.995
"""Share of in-domain networks that the predictor means to answer."""
TASK = Task(channels=3, positions=32 * 32, classes=10, coverage=0.99, edges=70_000, blocks=128)
"""CIFAR-10, and room for `models.zoo.families.MAX_PARAMETERS` with the wiring between them."""


def train(
    zoo: Annotated[Path, typer.Argument(help="Folder of a zoo")],
    out: Annotated[Path, typer.Argument(help="Folder of the predictor, NAME-vVERSION")],
    by: Annotated[str, typer.Option(help="Split by 'architecture' or by 'run'")] = "architecture",
    seed: int = 0,
    epochs: int = FitConfig().epochs,
    threads: int = 1,
) -> None:
    """Fit, calibrate and write the predictor; `python -m models.evaluation` measures it."""
    torch.set_num_threads(threads)
    kind: SplitKind = "run" if by == "run" else "architecture"
    parts = split(load_networks(ZooStore(zoo)), kind, seed)
    metanetwork = fit(parts.train, GmnConfig(), FitConfig(epochs=epochs), seed)
    name, _, version = out.name.rpartition("-v")
    accuracy, gap = _calibrations(metanetwork, parts.calibration)
    config = PredictorConfig(
        name=name,
        version=int(version),
        title="Test accuracy and generalization gap of CIFAR-10 classifiers",
        domain=(
            "Image classifiers with 10 outputs for 3x32x32 inputs, trained on CIFAR-10 with pixels normalised by"
            f" mean {MEAN} and standard deviation {SPREAD}: MLPs, 2-D and 1-D CNNs, ResNets, DeepSets and ViTs of"
            " up to 64 000 parameters"
        ),
        metanetwork=metanetwork.config,
        task=TASK,
        test_accuracy=accuracy,
        generalization_gap=gap,
        threshold=THRESHOLD,
    )
    neighbourhood = locate(_embed(metanetwork, parts.train), _embed(metanetwork, parts.calibration))
    Predictor(config, metanetwork, neighbourhood).save(out)
    typer.echo(f"wrote {out}")


def _calibrations(metanetwork: GraphMetanetwork, networks: tuple[JobNetworks, ...]) -> tuple[Calibration, Calibration]:
    accuracy, gap = (values.numpy() for values in accuracy_and_gap(apply(metanetwork, networks)))
    measured_accuracy = np.concatenate([job.accuracy.numpy() for job in networks])
    measured_gap = np.concatenate([job.gap.numpy() for job in networks])
    families = [job.family for job in networks for _ in job.entries]
    architectures = [job.architecture for job in networks for _ in job.entries]
    return (
        calibrate(accuracy, measured_accuracy, families, architectures, COVERAGE, (0.0, 1.0)),
        calibrate(gap, measured_gap, families, architectures, COVERAGE, (-1.0, 1.0)),
    )


@torch.no_grad()
def _embed(metanetwork: GraphMetanetwork, networks: tuple[JobNetworks, ...]) -> torch.Tensor:
    return torch.cat([metanetwork.embed(job.graphs) for job in tqdm(networks, desc="embedding", unit="job")])


if __name__ == "__main__":
    typer.run(train)
