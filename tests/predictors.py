"""Predictors with random weights: they answer for all networks that read and say what CIFAR-10's classifiers do."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.architecture.layers import GlobalPool
from metagauge.architecture.network import Network
from models.calibration import Calibration
from models.canonical.canonical import canonical_form
from models.domain import Task
from models.graph_tensors import GraphTensors, stack
from models.judge import Judge, JudgeConfig
from models.metanetworks.products import ProductConfig
from models.metanetworks.reader import ReaderConfig
from models.neighbourhood.landmarks import Landmarks
from models.neighbourhood.neighbourhood import locate
from models.neighbourhood.signals import signal_names
from models.prediction import Prediction
from models.predictor import Predictor, PredictorConfig, available, told_answers
from models.probes.activity import ACTIVITY_FEATURES
from models.probes.convention import Convention
from models.probes.images import LEARNED, ProbeSet, draw_probes
from models.probes.probe import alone, probe
from models.probes.responses import response_features
from models.subject import Subject
from models.training.rounded import rounded
from models.zoo.images import MEAN, SPREAD
from models.zoo.sketch import Sketch
from tests.product_networks import random_ensemble
from tests.sketches import IMAGE, finished
from tests.zoo_networks import Tensors, graph_of

PREDICTORS = ("random", *available())
TASK = Task(channels=3, extent=(32, 32), classes=10, coverage=0.99, edges=70_000, blocks=128)
ABSTAINED = -9.0
LEARNED_IMAGES = 2
WEIGHTS = ProductConfig(
    node_width=12,
    message_width=4,
    global_width=6,
    rounds=1,
    shape=True,
    told_width=16,
    members=2,
    readers=ReaderConfig(count=1, width=8, summary=True),
)
HYBRID = replace(
    WEIGHTS,
    activity=ACTIVITY_FEATURES,
    responses=response_features(LEARNED_IMAGES),
    members=1,
    readers=ReaderConfig(width=8),
)
EVERYWHERE, NOWHERE = 2.0, 0.0
"""Thresholds of domain scores, which are from 0 to 1."""


@cache
def predictor(name: str) -> Predictor:
    """A published one by name and version, or the `random` one."""
    return random_predictor() if name == "random" else Predictor.load(name)


def random_predictor(threshold: float = EVERYWHERE) -> Predictor:
    """A small one with few probe images."""
    config = PredictorConfig(
        name="anything",
        version=1,
        title="",
        domain="",
        task=replace(TASK, coverage=0.5, edges=10**9, blocks=10**6),
        convention=Convention(mean=MEAN, spread=SPREAD),
        hybrid=judge_config(HYBRID, threshold, 0.1),
        weights=judge_config(WEIGHTS, threshold, 0.2),
    )
    hybrid, weights = (random_judge(each, seed) for seed, each in enumerate((config.hybrid, config.weights)))
    return Predictor(config, hybrid, weights, draw_probes(2, seed=1).joined(noise()))


def bounded(judging: Predictor, task: Task) -> Predictor:
    """The predictor, for networks of this task."""
    return Predictor(replace(judging.config, task=task), judging.hybrid, judging.weights, judging.probes)


def judge_config(metanetwork: ProductConfig, threshold: float, half_width: float) -> JudgeConfig:
    flat = Calibration(coverage=0.9, edges=(), half_widths=(half_width,), bounds=(-1.0, 1.0))
    return JudgeConfig(metanetwork=metanetwork, test_accuracy=flat, generalization_gap=flat, threshold=threshold)


def random_judge(config: JudgeConfig, seed: int) -> Judge:
    """Random weights, and a zoo whose signals are noise."""
    generator = torch.Generator().manual_seed(seed)
    executed = bool(config.metanetwork.responses)
    zoo, others = torch.randn(2, 60, len(signal_names(executed=executed)), generator=generator)
    around = locate(zoo, others, zoo[:0], seed=0)
    landmarks = Landmarks(
        places=around.place(zoo[:5]),
        test_accuracies=torch.linspace(0.1, 0.5, 5),
        families=("mlp",) * 5,
        descriptions=tuple(f"{number} neurons" for number in range(5)),
    )
    metanetwork = rounded(random_ensemble(config.metanetwork, seed))
    return Judge(config=config, metanetwork=metanetwork, neighbourhood=around, landmarks=landmarks)


def noise() -> ProbeSet:
    """Learned images that nobody learned."""
    pixels = np.random.default_rng(9).integers(0, 256, (LEARNED_IMAGES, 3, 32, 32), dtype=np.uint8)
    return ProbeSet(images=pixels, kind_of=np.full(LEARNED_IMAGES, LEARNED))


def subject_of(network: Network, tensors: Tensors) -> Subject:
    """A network in memory, as a predictor takes it."""
    return Subject(graph=graph_of(network, tensors), network=network, tensors=tensors)


def unpadded() -> Subject:
    sketch = Sketch(IMAGE)
    sketch.conv("stem", 8, 4, 4, padding=0, bias=True)
    sketch.activation("act", "relu")
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", 10)
    return subject_of(*finished(sketch))


def renormalised(subject: Subject, usual: Convention, other: Convention) -> Subject:
    """The same classifier for pixels that are normalised as `other` says: its first layer undoes that.

    The network reads what is padded as well, so its first layer must not pad.
    """
    tensors = dict(subject.tensors)
    factor = np.array(other.spread) / np.array(usual.spread)
    offset = (np.array(other.mean) - np.array(usual.mean)) / np.array(usual.spread)
    weight = tensors["stem.weight"].astype(np.float64)
    tensors["stem.weight"] = (weight * factor[:, None, None]).astype(np.float32)
    tensors["stem.bias"] = (tensors["stem.bias"] + (weight.sum((2, 3)) * offset).sum(1)).astype(np.float32)
    return subject_of(subject.network, tensors)


def answers(quick: Predictor, subject: Subject) -> np.ndarray:
    """What the network says, as far as that depends on nothing else."""
    probed = quick._probed(subject)
    assert probed is not None
    return probed.responses.numpy()


def told(judging: Predictor, subject: Subject) -> GraphTensors:
    """A network's canonical graph, with what the network answers to the predictor's probe images."""
    form = canonical_form(subject.graph)
    tensors = alone(subject.network, subject.tensors)
    answers = probe(subject.network, tensors, subject.graph, judging.probes, judging.config.convention)
    return told_answers(stack([form.graph]), answers, form.kept)


@torch.inference_mode()
def executed(judging: Predictor, subject: Subject) -> Float[Tensor, " targets"]:
    """What the hybrid metanetwork says of a network, whether or not that is in the domain."""
    return judging.hybrid.metanetwork([told(judging, subject)])[0]


def numbers(predictions: Sequence[Prediction]) -> Float[np.ndarray, "predictions properties"]:
    """Accuracy and gap."""
    return np.array(
        [
            [ABSTAINED if each is None else each.value for each in (found.test_accuracy, found.generalization_gap)]
            for found in predictions
        ]
    )
