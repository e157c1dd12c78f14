"""Makes judges of fitted metanetworks: intervals, domain and landmarks, from networks that were not trained on."""

from collections.abc import Sequence

import numpy as np
import torch

from metagauge.graph.build import build, family_of
from models.calibration import Calibration, calibrate
from models.in_memory import checkpoint_of
from models.judge import Judge, JudgeConfig
from models.metanetworks.edges import GraphMetanetwork
from models.metanetworks.targets import accuracy_and_gap
from models.neighbourhood.landmarks import Landmarks, choose
from models.neighbourhood.neighbourhood import locate, threshold_for
from models.neighbourhood.signals import signals
from models.neighbourhood.words import describe
from models.training.fit import apply
from models.training.method import Fitted
from models.training.networks import JobNetworks

COVERAGE = 0.9
ANSWERED = 0.98
"""Share of networks of unseen architectures that a judge means to answer."""


def judge(
    weights: Fitted,
    hybrid: Fitted | None,
    seen: Sequence[JobNetworks],
    unseen: Sequence[JobNetworks],
    broken: Sequence[JobNetworks],
    held_out: Sequence[JobNetworks],
) -> Judge:
    """The hybrid's judge, or with None that of the weights alone.

    Args:
        weights: Reads weights alone.
        hybrid: Reads answers, too.
        seen: What both were fitted to.
        unseen: Networks of other architectures, which set the border of the domain.
        broken: Damaged copies of networks seen.
        held_out: Networks of architectures that were not fitted to, which calibrate the intervals.
    """
    metanetwork = (hybrid or weights).metanetwork
    if isinstance(metanetwork, GraphMetanetwork):
        raise TypeError("predictors are made of matrix-product metanetworks")
    known, new, damage = (_signals(weights, hybrid, each) for each in (seen, unseen, broken))
    around = locate(known, new, damage, seed=0)
    accuracy, gap = (each.numpy() for each in accuracy_and_gap(apply(metanetwork, held_out)))
    config = JudgeConfig(
        metanetwork=metanetwork.config,
        test_accuracy=_calibration(accuracy, np.concatenate([job.accuracy.numpy() for job in held_out]), held_out, 0.0),
        generalization_gap=_calibration(gap, np.concatenate([job.gap.numpy() for job in held_out]), held_out, -1.0),
        threshold=threshold_for(around.score(new), ANSWERED),
    )
    snapshots = [(job, row) for job in seen for row in range(len(job.entries))]
    chosen = choose([job.architecture for job, _ in snapshots], seed=0)
    landmarks = Landmarks(
        places=around.place(known[chosen]),
        test_accuracies=torch.tensor([snapshots[each][0].entries[snapshots[each][1]].test_accuracy for each in chosen]),
        families=tuple(snapshots[each][0].family for each in chosen),
        descriptions=tuple(_described(snapshots[each][0]) for each in chosen),
    )
    return Judge(config=config, metanetwork=metanetwork, neighbourhood=around, landmarks=landmarks)


def _signals(weights: Fitted, hybrid: Fitted | None, networks: Sequence[JobNetworks]) -> torch.Tensor:
    found = []
    for job in networks:
        own = apply(weights.metanetwork, [job])
        other = None if hybrid is None else apply(hybrid.metanetwork, [job])
        found.append(signals(job.graphs, own, other))
    return torch.cat(found)


def _described(job: JobNetworks) -> str:
    tensors = {name: tensor[0].numpy() for name, tensor in job.tensors.items()}
    return describe(build(job.network, checkpoint_of(tensors)))


def _calibration(
    predicted: np.ndarray, measured: np.ndarray, networks: Sequence[JobNetworks], least: float
) -> Calibration:
    families = [family_of(job.network) for job in networks for _ in job.entries]
    architectures = [job.architecture for job in networks for _ in job.entries]
    return calibrate(predicted, measured, families, architectures, COVERAGE, (least, 1.0))
