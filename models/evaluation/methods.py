"""The methods that are compared, each as one function from training networks to predictions of test networks.

This is the one place that knows how metanetworks and baselines are fitted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Float

from models.baselines.baseline import Baseline
from models.baselines.catalogue import METHODS as BASELINES
from models.metanetworks.config import load_config
from models.metanetworks.targets import accuracy_and_gap
from models.training.fit import FitConfig
from models.training.fit_store import FitStore
from models.training.method import DRAWN_PROBES, Name, drawn_probes, fit_method
from models.training.networks import JobNetworks, load_networks
from models.training.probe_images import ProbeFitConfig
from models.training.probing import ask_drawn

Kind = Literal["metanetwork", "baseline"]

_METANETWORKS: Mapping[Name, str] = {
    "gmn": "GMN on blocks (edge MLPs)",
    "product": "GMN of matrix products",
    "weights": "GMN of matrix products, weight statistics",
    "hybrid": "hybrid: the same and probes",
}


_NOWHERE = FitStore()


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What a fitted method says about test snapshots."""

    accuracy: Float[np.ndarray, " snapshots"]
    gap: Float[np.ndarray, " snapshots"] | None = None
    """None where the method does not predict it."""
    parameters: int | None = None
    """Fitted numbers, of metanetworks."""


class Fit(Protocol):
    """Fits to some networks and predicts others."""

    def __call__(self, train: Sequence[JobNetworks], test: Sequence[JobNetworks], seed: int, /) -> Predicted:
        """Predictions of all snapshots of `test`, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to predict accuracies."""

    words: str
    """What it is, in tables."""
    kind: Kind
    run: Fit
    settings: str
    """Sizes and durations: a result of other settings is another result."""
    ranked_only: bool = False
    """Whether its numbers order networks and are no accuracies."""
    needs_answers: bool = False
    """Whether networks must have been asked about probe images."""


def methods(store: FitStore = _NOWHERE) -> dict[str, Method]:
    """All methods by their short names, baselines first. store: where metanetworks are kept."""
    baselines = {
        name: Method(
            words=each.name,
            kind="baseline",
            run=partial(_baseline, each.baseline),
            settings=f"{each.name}{f', {DRAWN_PROBES} probes' if each.needs_responses else ''}",
            ranked_only=each.ranks_only,
            needs_answers=each.needs_responses,
        )
        for name, each in BASELINES.items()
    }
    return {**baselines, **{name: _metanetwork(name, words, store) for name, words in _METANETWORKS.items()}}


def load(zoos: Sequence[Path], chosen: Collection[Method]) -> list[JobNetworks]:
    """The networks of some zoos as one, with all that these methods read."""
    networks = load_networks(zoos)
    return ask_drawn(networks, drawn_probes()) if any(method.needs_answers for method in chosen) else networks


def _metanetwork(name: Name, words: str, store: FitStore) -> Method:
    asks = name == "hybrid"
    probes = (DRAWN_PROBES, ProbeFitConfig()) if asks else ()
    return Method(
        words=words,
        kind="metanetwork",
        run=partial(_fit_metanetwork, name, store),
        settings=repr((load_config(name), FitConfig(), *probes)),
        needs_answers=asks,
    )


def _baseline(baseline: Baseline, train: Sequence[JobNetworks], test: Sequence[JobNetworks], seed: int) -> Predicted:
    return Predicted(accuracy=baseline.fit(train, seed).predict(test))


def _fit_metanetwork(
    name: Name, store: FitStore, train: Sequence[JobNetworks], test: Sequence[JobNetworks], seed: int
) -> Predicted:
    fitted = fit_method(name, train, seed, store=store)
    accuracy, gap = accuracy_and_gap(fitted.outputs(test))
    return Predicted(
        accuracy=accuracy.double().numpy(),
        gap=gap.double().numpy(),
        parameters=sum(tensor.numel() for tensor in fitted.metanetwork.parameters()),
    )
