"""A metanetwork with what it needs to look at networks: fitted, it reads any networks of a zoo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from models.metanetworks.config import AnyConfig, AnyMetanetwork, alone, load_config, make, together
from models.metanetworks.edge_round import GmnConfig
from models.metanetworks.ensemble import numbers_read, read_of
from models.metanetworks.reader import Reader
from models.probes.images import ProbeSet, draw_probes
from models.training.fit import FitConfig, apply, fit
from models.training.fit_reader import ReaderFitConfig, fit_reader
from models.training.fit_store import FitStore
from models.training.networks import JobNetworks
from models.training.probe_images import ProbeFitConfig, learn_probes
from models.training.probing import ask_learned

Name = Literal["gmn", "product", "weights", "hybrid"]

DRAWN_PROBES = 32
"""Drawn probe images of each kind."""
IMAGES_SEED = 0
"""Of the first set of images. They are learned once for given networks; other seeds are of metanetworks."""
_FIT, _PROBES, _READING, _NOWHERE = FitConfig(), ProbeFitConfig(), ReaderFitConfig(), FitStore()


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
    reading: ReaderFitConfig = _READING,
) -> Fitted:
    """Fits the shipped metanetwork `name`, or takes it from the store. The hybrid first learns what to ask; its
    networks must have been asked about drawn images (`models.training.probing.ask_drawn`)."""
    model, learned = load_config(name), None
    if name == "hybrid":
        learned = _learn(networks, probes, _image_sets(model), store)
    asked = cache(lambda: networks if learned is None else ask_learned(networks, learned))
    seen = () if learned is None else (probes, DRAWN_PROBES, IMAGES_SEED)
    one, count = alone(model)
    members = [
        store.module(
            one.messages,
            networks,
            (one, config, *seen),
            number,
            lambda: make(one),
            lambda number=number: fit(asked(), one, config, number),
        )
        for number in range(seed * count, (seed + 1) * count)
    ]
    readers = _fit_readers(model, networks, asked, reading, seed, seen, store)
    return Fitted(metanetwork=together(model, members, readers), learned=learned)


def _image_sets(model: AnyConfig) -> int:
    """How many sets of images are learned for a metanetwork that asks."""
    return 1 if isinstance(model, GmnConfig) or model.readers is None else model.readers.sets


def _learn(networks: Sequence[JobNetworks], probes: ProbeFitConfig, sets: int, store: FitStore) -> ProbeSet:
    """Sets of images, learned apart, behind each other."""
    first, *others = (
        store.images(networks, probes, seed, lambda seed=seed: learn_probes(networks, probes, seed))
        for seed in range(IMAGES_SEED, IMAGES_SEED + sets)
    )
    return reduce(ProbeSet.joined, others, first)


def _fit_readers(
    model: AnyConfig,
    networks: Sequence[JobNetworks],
    asked: Callable[[], Sequence[JobNetworks]],
    reading: ReaderFitConfig,
    seed: int,
    seen: tuple,
    store: FitStore,
) -> list[Reader]:
    """The readers beside a metanetwork, with seeds of their own."""
    if isinstance(model, GmnConfig) or model.readers is None:
        return []
    beside = model.readers
    numbers = cache(lambda images: torch.cat([read_of(model, job.graphs, images) for job in asked()]))
    width = numbers_read(model)
    one = replace(model, members=1, readers=replace(beside, count=1, share=0.0))
    return [
        store.module(
            "reader",
            networks,
            (one, reading, *seen),
            number,
            lambda: Reader(beside, width),
            lambda number=number: fit_reader(numbers(number % beside.sets), networks, beside, reading, number),
        )
        for number in range(seed * beside.count, (seed + 1) * beside.count)
    ]
