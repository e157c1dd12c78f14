"""A published predictor: a metanetwork with its intervals and its domain."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file, save_file

from metagauge.errors import PredictorUnknownError
from metagauge.graph.parameter_graph import ParameterGraph
from models.calibration import Calibration
from models.domain import Neighbourhood, Task
from models.graph_tensors import GraphTensors, stack
from models.metanetworks.edges_v2 import GmnConfig, GraphMetanetwork, accuracy_and_gap
from models.prediction import Prediction

PRETRAINED = Path(__file__).parent / "pretrained"
_DOMAIN = "domain."
"""Prefix of the neighbourhood's tensors in the weights file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorConfig:
    """Everything about a predictor but its tensors: `config.json`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    name: str
    version: int
    title: str
    domain: str
    """The networks it knows, in words."""
    metanetwork: GmnConfig
    task: Task
    test_accuracy: Calibration
    generalization_gap: Calibration
    threshold: float
    """Domain score from which on the predictor abstains."""


class Predictor:
    """Predicts the properties of networks from their parameter graphs."""

    def __init__(self, config: PredictorConfig, metanetwork: GraphMetanetwork, neighbourhood: Neighbourhood) -> None:
        self.config = config
        self.metanetwork = metanetwork.eval()
        self._neighbourhood = neighbourhood

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
        domain = {key.removeprefix(_DOMAIN): tensors.pop(key) for key in list(tensors) if key.startswith(_DOMAIN)}
        metanetwork = GraphMetanetwork(config.metanetwork)
        metanetwork.load_state_dict(tensors)
        return cls(config, metanetwork, Neighbourhood(**domain))

    def save(self, folder: Path) -> None:
        """Writes config.json and model.safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        domain = {f"{_DOMAIN}{key}": tensor.contiguous() for key, tensor in asdict(self._neighbourhood).items()}
        save_file({**self.metanetwork.state_dict(), **domain}, folder / "model.safetensors")
        (folder / "config.json").write_bytes(TypeAdapter(PredictorConfig).dump_json(self.config, indent=2) + b"\n")

    def predict(self, graphs: Sequence[ParameterGraph]) -> list[Prediction]:
        """One prediction for each graph; none depends on the others."""
        return [self._predict(graph) for graph in graphs]

    @torch.inference_mode()
    def domain_scores(self, graphs: GraphTensors) -> np.ndarray:
        """How far out stacked networks are: (networks,) from 0 to 1."""
        return self._neighbourhood.score(self.metanetwork.embed(graphs)).numpy()

    @torch.inference_mode()
    def _predict(self, graph: ParameterGraph) -> Prediction:
        objections = self.config.task.objections(graph)
        if objections:
            return _abstain(objections, None, None)
        embedded = self.metanetwork.embed(stack([graph]))
        if not embedded.isfinite().all():
            return _abstain(("the graph's numbers are too large to compute with",), None, None)
        score, threshold = float(self._neighbourhood.score(embedded)), self.config.threshold
        if score >= threshold:
            reason = "the weights lie further from the zoo's networks than those that intervals were calibrated on"
            return _abstain((reason,), score, threshold)
        accuracy, gap = accuracy_and_gap(self.metanetwork.head(embedded))
        return Prediction(
            test_accuracy=self.config.test_accuracy.interval(float(accuracy)),
            generalization_gap=self.config.generalization_gap.interval(float(gap)),
            score=score,
            threshold=threshold,
        )


def available(folder: Path = PRETRAINED) -> list[str]:
    """Names with version of all published predictors, oldest first."""
    return sorted(path.parent.name for path in folder.glob("*-v*/config.json"))


def _abstain(reasons: tuple[str, ...], score: float | None, threshold: float | None) -> Prediction:
    return Prediction(test_accuracy=None, generalization_gap=None, score=score, threshold=threshold, reasons=reasons)


def _folder(name: str | Path) -> Path:
    if isinstance(name, Path):
        return name
    versions = {
        found: int(found.rpartition("-v")[2]) for found in available() if name in (found, found.rpartition("-v")[0])
    }
    if not versions:
        raise PredictorUnknownError(f"no predictor is called {name!r}; there are: {', '.join(available()) or 'none'}")
    return PRETRAINED / max(versions, key=lambda found: versions[found])
