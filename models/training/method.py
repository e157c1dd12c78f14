"""A metanetwork with what it needs to look at networks: fitted, it reads any networks of a zoo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from models.metanetworks.config import AnyMetanetwork, load_config
from models.probes.images import ProbeSet, draw_probes
from models.training.fit import FitConfig, apply, fit
from models.training.fit_store import FitStore
from models.training.networks import JobNetworks
from models.training.probe_images import ProbeFitConfig, learn_probes
from models.training.probing import ask_learned

Name = Literal["gmn", "product", "weights", "hybrid"]

DRAWN_PROBES = 32
"""Drawn probe images of each kind."""
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
        fitted = store.metanetwork(model, networks, config, seed, lambda: fit(networks, model, config, seed))
        return Fitted(metanetwork=fitted)
    learned = store.images(networks, probes, seed, lambda: learn_probes(networks, probes, seed))
    settings = (config, probes, DRAWN_PROBES)
    fitted = store.metanetwork(
        model, networks, settings, seed, lambda: fit(ask_learned(networks, learned), model, config, seed)
    )
    return Fitted(metanetwork=fitted, learned=learned)
