"""Asks networks about probe images: what their neurons say, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.values import layer_parameters
from metagauge.errors import ArchitectureMismatchError, TensorMissingError
from metagauge.graph.parameter_graph import ParameterGraph
from metagauge.graph.places import places
from models.probes.activity import ActivityMeter
from models.probes.convention import CLASSES, Convention
from models.probes.images import DRAWN, LEARNED, VIEWS, ProbeSet, views
from models.probes.recording import TILE_ELEMENTS, Runner, Stacked, prepare, shapes_of
from models.probes.responses import Answers, responses

VIEWED = 16
"""Images of each kind whose views are asked about, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Everything that probing says about networks of one architecture."""

    activity: tuple[Float[Tensor, "networks neurons activity_features"], ...]
    """For each group of their graph."""
    responses: Float[Tensor, "networks response_features"]


def alone(architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """One network's arrays, of any float type, as a population of one: those that the architecture names.

    Raises:
        TensorMissingError: one of them is not there.
    """
    layers = (operation.layer for operation in architecture.operations)
    names = {parameter.tensor for layer in layers for parameter in layer_parameters(layer)}
    missing = sorted(names - tensors.keys())
    if missing:
        raise TensorMissingError(f"the architecture names tensor {missing[0]!r}, which was not given")
    return {name: torch.from_numpy(np.array(tensors[name], np.float32))[None] for name in sorted(names)}


@torch.inference_mode()
def probe(
    architecture: Architecture,
    tensors: Stacked,
    graph: ParameterGraph,
    probes: ProbeSet,
    convention: Convention,
    budget: int = TILE_ELEMENTS,
) -> Probed:
    """Runs networks on probe images; what is said of one depends neither on the others nor on `budget`.

    Args:
        architecture: Shared by the networks.
        tensors: (networks, *shape) by name, float32.
        graph: Of any of the networks; activity is of its groups.
        probes: Images; activity is about those that are drawn.
        convention: How the networks read images and order their classes.
        budget: Numbers that may be alive at once while a network runs.

    Raises:
        ArchitectureMismatchError: the networks do not read such images, do not tell ten classes apart, or do not fit
            their tensors or the graph.
    """
    found = places(architecture, shapes_of(tensors))
    if len(found) != len(graph.groups):
        raise ArchitectureMismatchError(f"the graph has {len(graph.groups)} groups, and the network {len(found)}")
    asking = _Asking(prepare(architecture, tensors, found), probes, convention, budget)
    sizes = [group.size for group in graph.groups]
    meter = ActivityMeter(asking.runner.networks, sizes, asking.counts, len(asking.viewed))
    plain = np.setdiff1d(asking.drawn, asking.viewed)
    asking.ask(asking.viewed, meter, with_views=True)
    asking.ask(plain, meter, with_views=False)
    asking.ask(probes.of(LEARNED), None, with_views=False)
    return Probed(activity=meter.read(), responses=responses(asking.answers()))


class _Asking:
    """Logits in the making: of every image, and of the views of some."""

    def __init__(self, runner: Runner, probes: ProbeSet, convention: Convention, budget: int) -> None:
        self.runner = runner
        self._probes, self._convention, self._budget = probes, convention, budget
        self.drawn = np.flatnonzero(probes.kind_of != LEARNED)
        by_kind = [probes.of(kind) for kind in range(len(DRAWN))]
        self.counts = [len(each) for each in by_kind]
        self.viewed = np.concatenate([each[:VIEWED] for each in by_kind])
        self._logits = torch.zeros(runner.networks, len(probes.images), CLASSES)
        self._views = torch.zeros(runner.networks, len(probes.images), len(VIEWS), CLASSES)

    def ask(self, units: np.ndarray, meter: ActivityMeter | None, *, with_views: bool) -> None:
        """Runs the networks on some of the images."""
        copies = 1 + len(VIEWS) * with_views
        for networks, tile in self.runner.tiles(units.tolist(), copies, self._budget):
            images = self._probes.images[tile]
            seen = [images, *views(images).values()] if with_views else [images]
            kinds = self._probes.kind_of[tile].tolist()
            watch = None if meter is None else partial(meter.add, networks=networks, kinds=kinds)
            logits = self.runner.run(networks, self._convention.read(np.concatenate(seen)), watch)
            own, *others = self._convention.ordered(logits).split(len(tile), dim=1)
            self._logits[networks, tile] = own
            for number, other in enumerate(others):
                self._views[networks, tile, number] = other

    def answers(self) -> Answers:
        """What was answered."""
        viewed, drawn = torch.from_numpy(self.viewed), torch.from_numpy(self.drawn)
        return Answers(
            drawn=self._logits[:, drawn],
            kind_of=torch.from_numpy(self._probes.kind_of)[drawn],
            views={name: self._views[:, viewed, number] for number, name in enumerate(VIEWS)},
            viewed=torch.searchsorted(drawn, viewed),
            learned=self._logits[:, torch.from_numpy(self._probes.of(LEARNED))],
        )
