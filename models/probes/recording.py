"""Runs networks of one architecture on probe images, a bounded number of elements at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.architecture.architecture import Architecture, Layout
from metagauge.architecture.layers import Activation
from metagauge.architecture.reachable import reachable
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import values
from metagauge.errors import ArchitectureMismatchError
from metagauge.graph.places import Place, hollow
from models.interpreter.layers import Part, run_population
from models.probes.convention import CLASSES
from models.probes.cost import beside
from models.probes.images import SIDE

TILE_ELEMENTS = 2**22
"""Numbers alive at once in a run: 16 MiB, which stays near the caches (measured by `python -m bench.probes`)."""
IMAGE = (3, SIDE, SIDE)

_TINY = 1e-30
"""The least probability that a logarithm is taken of."""

Stacked = Mapping[str, Tensor]
"""Tensors by name, each with a first axis of networks."""
Watch = Callable[[int, Float[Tensor, "networks images neurons positions"]], None]
"""Is shown the values of a group's neurons, and the group's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Networks to be run: an architecture, whose operations all reach its output, and their tensors."""

    architecture: Architecture
    tensors: Stacked
    places: tuple[Place | None, ...]
    """For each group of the graph, where its values are."""
    elements: int
    """Numbers alive at once for one image and one network."""
    is_softmax: bool
    """Whether the output is probabilities."""

    @property
    def networks(self) -> int:
        """How many there are."""
        return next(iter(self.tensors.values())).shape[0]

    def tiles(self, units: Sequence[int], copies: int, budget: int) -> Iterator[tuple[slice, Sequence[int]]]:
        """Networks and units to run together; a unit is `copies` images. At least one of each, whatever the budget."""
        most = max(budget // (self.elements * copies), 1)
        networks = min(self.networks, most)
        together = max(most // networks, 1)
        for first in range(0, self.networks, networks):
            for start in range(0, len(units), together):
                yield slice(first, min(first + networks, self.networks)), units[start : start + together]

    def run(
        self, chosen: slice, images: Float[Tensor, "images 3 32 32"], watch: Watch | None
    ) -> Float[Tensor, "networks images classes"]:
        """The logits of some of the networks.

        Raises:
            ArchitectureMismatchError: they are not as many as there are classes.
        """
        tensors = {name: tensor[chosen] for name, tensor in self.tensors.items()}
        networks = next(iter(tensors.values())).shape[0]
        side_by_side = images.repeat(1, networks, 1, 1)
        if networks * images.shape[1] > 1:
            side_by_side = side_by_side.contiguous(memory_format=torch.channels_last)
        observe = None if watch is None else self._observe(networks, watch)
        output, layout = run_population(self.architecture, tensors, side_by_side, training=False, observe=observe)
        logits = _neurons(output, layout, networks).flatten(2)
        if logits.shape[2] != CLASSES:
            raise ArchitectureMismatchError(f"the output is {logits.shape[2]} numbers, not one for each of {CLASSES}")
        return logits.clamp_min(_TINY).log() if self.is_softmax else logits

    def _observe(self, networks: int, watch: Watch) -> Callable[[str, Part, Layout, Tensor], None]:
        wanted: dict[tuple[str, Part], list[tuple[int, Place]]] = {}
        for number, place in enumerate(self.places):
            if place is not None:
                wanted.setdefault((place.value, place.part), []).append((number, place))

        def observe(name: str, part: Part, layout: Layout, tensor: Tensor) -> None:
            for number, place in wanted.get((name, part), ()):
                watch(number, _placed(_neurons(tensor, layout, networks), place))

        return observe


def shapes_of(tensors: Stacked) -> dict[str, tuple[int, ...]]:
    """The shapes of one network's tensors."""
    return {name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()}


def prepare(architecture: Architecture, tensors: Stacked, places: tuple[Place | None, ...]) -> Runner:
    """Networks, ready to be run on images.

    Raises:
        ArchitectureMismatchError: they do not read colour images of 32 x 32, or do not fit their tensors.
    """
    if architecture.input_layout != "map" or tuple(architecture.input_shape) != IMAGE:
        found = f"{architecture.input_layout} {list(architecture.input_shape)}"
        raise ArchitectureMismatchError(f"the network reads a {found}, and probe images are {list(IMAGE)}")
    kept = reachable(architecture)
    last = kept.operations[-1].layer
    return Runner(
        architecture=kept,
        tensors=tensors,
        places=places,
        elements=_elements(kept, tensors),
        is_softmax=isinstance(last, Activation) and last.function == "softmax",
    )


def _elements(architecture: Architecture, tensors: Stacked) -> int:
    """The most numbers alive at once for one image: what is still to be read, and what is being computed."""
    checkpoint = hollow(shapes_of(tensors))
    known = values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    size = {name: prod(value.shape) for name, value in known.items()}
    waiting = Counter(name for operation in architecture.operations for name in operation.inputs)
    alive, most = size[architecture.input_name], 0
    for operation in architecture.operations:
        alive += size[operation.name]
        sources = [known[name] for name in operation.inputs]
        most = max(most, alive + beside(operation.layer, known[operation.name], sources))
        waiting.subtract(operation.inputs)
        alive -= sum(size[name] for name in set(operation.inputs) if not waiting[name])
    return most


def _neurons(tensor: Tensor, layout: Layout, networks: int) -> Float[Tensor, "networks images neurons positions"]:
    """A value, with the networks apart and its features before its positions."""
    match layout:
        case "map":
            return tensor.unflatten(1, (networks, -1)).transpose(0, 1).flatten(3)
        case "sequence":
            return tensor.transpose(2, 3)
        case "vector":
            return tensor.unsqueeze(3)
        case _:
            assert_never(layout)


def _placed(
    tensor: Float[Tensor, "networks images features positions"], place: Place
) -> Float[Tensor, "networks images neurons places"]:
    """A value as its group's neurons have it."""
    if not place.flattened:
        return tensor
    features = tensor.flatten(2)
    positions = prod(place.flattened)
    if place.tokens_first:
        split = features.unflatten(2, (positions, -1)).transpose(2, 3)
    else:
        split = features.unflatten(2, (-1, positions))
    return split.flatten(2).unsqueeze(3) if place.spread else split
