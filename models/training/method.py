"""A metanetwork with what it needs to look at networks: fitted, it reads any networks of a zoo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from models.metanetworks.config import AnyConfig, AnyMetanetwork, OneMetanetwork, alone, load_config, together
from models.probes.images import ProbeSet, draw_probes
from models.training.fit import FitConfig, apply, fit
from models.training.fit_store import FitStore
from models.training.networks import JobNetworks
from models.training.probe_images import ProbeFitConfig, learn_probes
from models.training.probing import ask_learned

Name = Literal["gmn", "product", "weights", "hybrid"]

DRAWN_PROBES = 32
"""Drawn probe images of each kind."""
IMAGES_SEED = 0
"""Images are learned once for given networks; other seeds are of metanetworks."""
_FIT, _PROBES, _NOWHERE = FitConfig(), ProbeFitConfig(), FitStore()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A metanetwork in evaluation mode, and the images it was taught to ask about; None if it asks nothing."""

    metanetwork: AnyMetanetwork
    learned: ProbeSet | None = None

    def asked(self, networks: Sequence[JobNetworks]) -> list[JobNetworks]:
        """The networks with everything that the metanetwork reads."""
        return list(networks) if self.learned is None else ask_learned(networks, self.learned)

    def outputs(self, networks: Sequence[JobNetworks]) -> Float[Tensor, "snapshots targets"]:
        """What it says about all snapshots, in order."""
        return apply(self.metanetwork, self.asked(networks))


def drawn_probes() -> ProbeSet:
    """The drawn images that all predictors ask about."""
    return draw_probes(DRAWN_PROBES, seed=0)


def fit_method(
    name: Name,
    networks: Sequence[JobNetworks],
    seed: int,
    config: FitConfig = _FIT,
    probes: ProbeFitConfig = _PROBES,
    store: FitStore = _NOWHERE,
) -> Fitted:
    """Fits the shipped metanetwork `name`, or takes it from the store. The hybrid first learns what to ask; its
    networks must have been asked about drawn images (`models.training.probing.ask_drawn`)."""
    model = load_config(name)
    if name != "hybrid":
        return Fitted(metanetwork=_fit_members(model, networks, lambda: networks, config, seed, config, store))
    learned = store.images(networks, probes, IMAGES_SEED, lambda: learn_probes(networks, probes, IMAGES_SEED))
    asked = cache(lambda: ask_learned(networks, learned))
    fitted = _fit_members(model, networks, asked, config, seed, (config, probes, DRAWN_PROBES), store)
    return Fitted(metanetwork=fitted, learned=learned)


def _fit_members(
    model: AnyConfig,
    networks: Sequence[JobNetworks],
    asked: Callable[[], Sequence[JobNetworks]],
    config: FitConfig,
    seed: int,
    settings: object,
    store: FitStore,
) -> AnyMetanetwork:
    """One metanetwork, or all members of an ensemble, with seeds of its own."""
    one, count = alone(model)
    found = [
        store.metanetwork(one, networks, settings, each, partial(_fit_one, one, asked, config, each))
        for each in range(seed * count, (seed + 1) * count)
    ]
    return together(model, found)


def _fit_one(
    model: AnyConfig, asked: Callable[[], Sequence[JobNetworks]], config: FitConfig, seed: int
) -> OneMetanetwork:
    return fit(asked(), model, config, seed)
