"""A published predictor: it judges networks by weights and probes, or by weights alone where it cannot run them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file, save_file
from torch import Tensor

from metagauge.architecture.architecture import Architecture
from metagauge.errors import ArchitectureMismatchError, PredictorUnknownError, TensorMissingError
from models.assumptions import NotRun, assumptions
from models.canonical.canonical import Canonical, canonical_form
from models.domain import Task
from models.graph_tensors import GraphTensors, stack
from models.judge import Judge, JudgeConfig, under
from models.metanetworks.targets import accuracy_and_gap
from models.neighbourhood.signals import signal_names, signals
from models.neighbourhood.weight_shape import weight_shape
from models.prediction import Basis, Prediction
from models.probes.convention import COMMON, Convention
from models.probes.cost import is_affordable
from models.probes.images import ProbeSet
from models.probes.probe import Probed, alone, probe
from models.stability import stability
from models.subject import Subject

PRETRAINED = Path(__file__).parent / "pretrained"
_PROBES = "probes/"
_HYBRID, _WEIGHTS = "hybrid/", "weights/"
"""Prefixes in the weights file."""
MOST_EDGES = 5_000_000
"""Of a graph that is brought into canonical form before it is asked whether it is too large: copies do not count."""
_ALL: Mapping[int, np.ndarray] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorConfig:
    """Everything about a predictor but its tensors: `config.json`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    name: str
    version: int
    title: str
    domain: str
    """The networks it knows, in words."""
    task: Task
    convention: Convention
    """How the zoo's networks read images and order classes: assumed where nothing else is declared."""
    hybrid: JudgeConfig
    weights: JudgeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What one way of reading images makes of a network."""

    subject: Subject
    """With that way declared, so that nothing needs to be tried again."""
    prediction: Prediction
    estimate: float = 0.0
    """Of the test accuracy, and its upper bound: there even if the prediction abstains."""
    high: float = 0.0


class Predictor:
    """Predicts the properties of networks."""

    def __init__(self, config: PredictorConfig, hybrid: Judge, weights: Judge, probes: ProbeSet) -> None:
        self.config = config
        self.hybrid, self.weights = hybrid, weights
        self.probes = probes
        self.tries_symmetries = True
        """Whether answers come with their stability, which takes up to four more predictions each."""
        self.other_pixels = COMMON
        """Means and spreads that are tried where none is declared, beside that of the convention."""

    @property
    def name(self) -> str:
        """The predictor's name without its version."""
        return self.config.name

    @property
    def version(self) -> int:
        """Counts up whenever predictions may change."""
        return self.config.version

    @classmethod
    def load(cls, name: str | Path) -> "Predictor":
        """A predictor by name (`cifar10-accuracy`, the newest version), by name and version, or by folder.

        Raises:
            PredictorUnknownError: there is none.
        """
        folder = _folder(name)
        config = TypeAdapter(PredictorConfig).validate_json((folder / "config.json").read_bytes())
        tensors = load_file(folder / "model.safetensors")
        arrays = {key: tensor.numpy() for key, tensor in under(_PROBES, tensors).items()}
        return cls(
            config,
            Judge.of(config.hybrid, under(_HYBRID, tensors)),
            Judge.of(config.weights, under(_WEIGHTS, tensors)),
            ProbeSet.from_tensors(arrays),
        )

    def save(self, folder: Path) -> None:
        """Writes config.json and model.safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"{_PROBES}{key}": torch.from_numpy(array) for key, array in self.probes.tensors().items()}
        for prefix, judge in ((_HYBRID, self.hybrid), (_WEIGHTS, self.weights)):
            tensors |= {f"{prefix}{key}": tensor.contiguous() for key, tensor in judge.tensors().items()}
        save_file(tensors, folder / "model.safetensors")
        (folder / "config.json").write_bytes(TypeAdapter(PredictorConfig).dump_json(self.config, indent=2) + b"\n")

    def predict(self, subjects: Sequence[Subject]) -> list[Prediction]:
        """One prediction for each subject; none depends on the others."""
        return [self._with_stability(self._find(subject)) for subject in subjects]

    def _with_stability(self, finding: "_Finding") -> Prediction:
        prediction = finding.prediction
        if not (prediction.in_domain and self.tries_symmetries):
            return prediction

        def again(copies: Sequence[Subject]) -> list[Prediction]:  # the first is the subject
            return [prediction, *(self._find(copy).prediction for copy in copies[1:])]

        return replace(prediction, stability=stability(again, finding.subject, seed=0))

    @torch.inference_mode()
    def _find(self, subject: Subject) -> "_Finding":
        too_much = self.config.task.objections(subject.graph) if subject.graph.edges > MOST_EDGES else ()
        form = Canonical(graph=subject.graph, kept={}) if too_much else canonical_form(subject.graph)
        objections = too_much or self.config.task.objections(form.graph)
        if objections:
            return _Finding(subject=subject, prediction=_abstain(objections))
        graphs = stack([form.graph])
        graphs = replace(graphs, shape=weight_shape(graphs))
        outputs = self.weights.metanetwork([graphs])
        found = self._ask(subject, graphs, form, outputs)
        if isinstance(found, NotRun):
            alone = self._judged(self.weights, outputs, signals(graphs, outputs, None), subject)
            return replace(alone, prediction=replace(alone.prediction, assumptions=(found.consequence(),)))
        usual, best = self.config.convention, found
        is_open = subject.declared.mean is None and subject.declared.spread is None
        for mean, spread in self.other_pixels if is_open else ():
            read_so = replace(subject, declared=replace(subject.declared, mean=mean, spread=spread))
            other = self._ask(read_so, graphs, form, outputs)
            if (
                isinstance(other, _Finding)
                and other.prediction.in_domain
                and other.estimate > max(found.high, best.estimate)
            ):
                best = other
        read = usual.declared(best.subject.declared)
        taken = assumptions(subject.declared, read.mean, read.spread, None if best is found else usual.mean)
        settled = replace(subject, declared=replace(subject.declared, mean=read.mean, spread=read.spread))
        said = replace(best.prediction, assumptions=taken, pixels=(read.mean, read.spread))
        return _Finding(subject=settled, prediction=said)

    def _ask(self, subject: Subject, graphs: GraphTensors, form: Canonical, outputs: Tensor) -> "_Finding | NotRun":
        """What the hybrid finds, or why it cannot ask. outputs: of the metanetwork of weights alone."""
        probed = self._probed(subject)
        if isinstance(probed, NotRun):
            return probed
        told = told_answers(graphs, probed, form.kept)
        better = self.hybrid.metanetwork([told])
        return self._judged(self.hybrid, better, signals(told, outputs, better), subject)

    def _judged(self, judge: Judge, outputs: Tensor, known: Tensor, subject: Subject) -> "_Finding":
        """What a judge makes of what its metanetwork says, and of `known`, the signals: (1, signals)."""
        executed = judge is self.hybrid
        basis: Basis = "weights and probes" if executed else "weights only"
        if not (outputs.isfinite().all() and known.isfinite().all()):
            too_large = replace(_abstain(("the graph's numbers are too large to compute with",)), basis=basis)
            return _Finding(subject=subject, prediction=too_large)
        around, threshold = judge.neighbourhood, judge.config.threshold
        found = Prediction(
            test_accuracy=None,
            generalization_gap=None,
            score=float(around.score(known)),
            threshold=threshold,
            basis=basis,
            nearest=judge.landmarks.nearest(around.place(known)[0]),
            reasons=around.reasons(known[0], signal_names(executed=executed), threshold),
        )
        accuracy, gap = (float(each) for each in accuracy_and_gap(outputs))
        family = subject.graph.family
        interval = judge.config.test_accuracy.interval(accuracy, family)
        if not found.reasons:
            gaps = judge.config.generalization_gap.interval(gap, family)
            found = replace(found, test_accuracy=interval, generalization_gap=gaps)
        return _Finding(subject=subject, prediction=found, estimate=interval.value, high=interval.high)

    def _probed(self, subject: Subject) -> Probed | NotRun:
        """What the network answers, or why it is not asked."""
        network, tensors = subject.network, subject.tensors
        if tensors is None or not isinstance(network, Architecture):
            return NotRun(reason="its layers are not all known, or too many to be run here")
        try:
            mine = alone(network, tensors)
            if not is_affordable(network, mine):
                return NotRun(reason="running it on the probe images would cost too much")
            convention = self.config.convention.declared(subject.declared)
            return probe(network, mine, subject.graph, self.probes, convention)
        except (ArchitectureMismatchError, TensorMissingError) as error:
            return NotRun(reason=f"its tensors do not fit its layers: {error}")


def available(folder: Path = PRETRAINED) -> list[str]:
    """Names with version of all published predictors, oldest first."""
    return sorted(path.parent.name for path in folder.glob("*-v*/config.json"))


def told_answers(graphs: GraphTensors, probed: Probed, kept: Mapping[int, np.ndarray] = _ALL) -> GraphTensors:
    """The graphs with what their networks answered. kept: of which neurons, by the number of their group."""
    activity = [
        each[:, torch.from_numpy(kept[number])] if number in kept else each
        for number, each in enumerate(probed.activity)
    ]
    told = tuple(replace(group, activity=own) for group, own in zip(graphs.groups, activity, strict=True))
    return replace(graphs, groups=told, responses=probed.responses)


def _abstain(reasons: tuple[str, ...]) -> Prediction:
    return Prediction(test_accuracy=None, generalization_gap=None, score=None, threshold=None, reasons=reasons)


def _folder(name: str | Path) -> Path:
    if isinstance(name, Path):
        return name
    versions = {
        found: int(found.rpartition("-v")[2]) for found in available() if name in (found, found.rpartition("-v")[0])
    }
    if not versions:
        raise PredictorUnknownError(f"no predictor is called {name!r}; there are: {', '.join(available()) or 'none'}")
    return PRETRAINED / max(versions, key=lambda found: versions[found])
