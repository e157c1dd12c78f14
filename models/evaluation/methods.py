"""The methods that are compared, each as one function from training networks to predictions of test networks.

This is the one place that knows how metanetworks and baselines are fitted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from jaxtyping import Float

from models.baselines.baseline import Baseline
from models.baselines.catalogue import METHODS as BASELINES
from models.metanetworks.config import load_config
from models.metanetworks.ensemble import ProductEnsemble
from models.metanetworks.products import ProductConfig
from models.metanetworks.targets import accuracy_and_gap
from models.training.fit import FitConfig
from models.training.fit_reader import ReaderFitConfig
from models.training.fit_store import FitStore
from models.training.method import DRAWN_PROBES, Name, drawn_probes, fit_method
from models.training.networks import JobNetworks, load_networks
from models.training.probe_images import ProbeFitConfig
from models.training.probing import ask_drawn

Kind = Literal["metanetwork", "baseline"]

_METANETWORKS: Mapping[Name, str] = {
    "gmn": "GMN on blocks (edge MLPs)",
    "product": "GMN of matrix products",
    "weights": "weights: matrix products, statistics, readers",
    "hybrid": "hybrid: the same and probes",
}
_PARTS: Mapping[str, tuple[Name, float, str]] = {
    "weights-graph": ("weights", 0.0, "weights, its metanetworks alone"),
    "weights-readers": ("weights", 1.0, "weights, its readers alone"),
    "hybrid-graph": ("hybrid", 0.0, "hybrid, its metanetwork alone"),
    "hybrid-readers": ("hybrid", 1.0, "hybrid, its readers alone"),
}
"""What a metanetwork with readers beside it earns by which: the share of the readers is changed, and nothing fitted."""


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
    parts = {name: _metanetwork(of, words, store, share) for name, (of, share, words) in _PARTS.items()}
    return {**baselines, **{name: _metanetwork(name, words, store) for name, words in _METANETWORKS.items()}, **parts}


def load(zoos: Sequence[Path], chosen: Collection[Method]) -> list[JobNetworks]:
    """The networks of some zoos as one, with all that these methods read."""
    networks = load_networks(zoos)
    return ask_drawn(networks, drawn_probes()) if any(method.needs_answers for method in chosen) else networks


def _metanetwork(name: Name, words: str, store: FitStore, share: float | None = None) -> Method:
    asks, model = name == "hybrid", load_config(name)
    probes = (DRAWN_PROBES, ProbeFitConfig()) if asks else ()
    readers = (ReaderFitConfig(), share) if isinstance(model, ProductConfig) and model.readers else ()
    return Method(
        words=words,
        kind="metanetwork",
        run=partial(_fit_metanetwork, name, store, share),
        settings=repr((model, FitConfig(), *probes, *readers)),
        needs_answers=asks,
    )


def _baseline(baseline: Baseline, train: Sequence[JobNetworks], test: Sequence[JobNetworks], seed: int) -> Predicted:
    return Predicted(accuracy=baseline.fit(train, seed).predict(test))


def _fit_metanetwork(
    name: Name,
    store: FitStore,
    share: float | None,
    train: Sequence[JobNetworks],
    test: Sequence[JobNetworks],
    seed: int,
) -> Predicted:
    fitted = fit_method(name, train, seed, store=store)
    if share is not None and isinstance(fitted.metanetwork, ProductEnsemble):
        fitted = replace(fitted, metanetwork=fitted.metanetwork.leaning(share))
    accuracy, gap = accuracy_and_gap(fitted.outputs(test))
    return Predicted(
        accuracy=accuracy.double().numpy(),
        gap=gap.double().numpy(),
        parameters=sum(tensor.numel() for tensor in fitted.metanetwork.parameters()),
    )
