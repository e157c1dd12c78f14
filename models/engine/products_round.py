"""One round of matrix-product messages over tiles of weights, with each block's weights read once.

A tile's functions are made, used for what its targets and for what its sources hear, and forgotten. What a group says
and hears is kept only from the first of its blocks to the last: the next features of its neurons are made then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from metagauge.graph.parameter_graph import Block, ParameterGraph
from models import features
from models.engine.products_exchange import Exchange, Traffic
from models.engine.products_tiles import ALL, Chosen, Scale, TileReader
from models.metanetworks.products import ProductRound
from models.metanetworks.rows import PRODUCTS, place

ROWS = 512
"""Neurons whose features are worked on at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a block is read in a round: whole, or at some inputs for its targets and at some outputs for its sources.

    What was not read is made up for by what was, in expectation.
    """

    scale: Scale
    inputs: Chosen = ALL
    """What its targets hear of."""
    outputs: Chosen = ALL
    """What its sources hear of."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out, so that one pass serves both ends."""
        return self.inputs.is_all and self.outputs.is_all


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Features of the neurons of each group, and of the network."""

    nodes: list[Float[Tensor, "_size node_width"]]
    world: Float[Tensor, "one global_width"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voices:
    """What is said to and heard by the neurons of groups with blocks still to come, along and against the pass."""

    said: tuple[dict[int, Tensor], dict[int, Tensor]]
    heard: tuple[dict[int, Tensor], dict[int, Tensor]]


class RoundEngine:
    """Computes a `ProductRound` for one graph."""

    def __init__(
        self, weights: ProductRound, graph: ParameterGraph, readings: Sequence[Reading], reader: TileReader
    ) -> None:
        self._weights, self._graph, self._readings, self._reader = weights, graph, readings, reader
        self._width = weights.say_forward.out_features // PRODUCTS

    def __call__(self, state: State, blocks: Float[Tensor, "blocks node_width"]) -> State:
        """The next state."""
        gates, offsets = (1 + self._weights.gate(blocks)).chunk(2, dim=1), self._weights.offset(blocks).chunk(2, dim=1)
        voices, nodes = _Voices(said=({}, {}), heard=({}, {})), list(state.nodes)
        ends = [(block.source, block.target) for block in self._graph.blocks]
        last = {group: number for number, pair in enumerate(ends) for group in pair}
        for number, (block, reading) in enumerate(zip(self._graph.blocks, self._readings, strict=True)):
            self._listen(voices, state, block, tuple(each[number] for each in offsets))
            self._exchange(voices, block, reading, tuple(each[number] for each in gates))
            for group in {block.source, block.target}:
                if last[group] == number:
                    nodes[group] = self._updated(voices, state, group)
        for group in set(range(len(nodes))) - set(last):
            nodes[group] = self._updated(voices, state, group)
        mean = torch.stack([each.mean(0) for each in nodes]).mean(0, keepdim=True)
        world = state.world + self._weights.update_global(torch.cat([mean, state.world], dim=1))
        return State(nodes=nodes, world=world)

    def _listen(self, voices: _Voices, state: State, block: Block, offsets: tuple[Tensor, ...]) -> None:
        """Lets the ends of a block speak and hear, if they do not yet, and hear the block's offsets."""
        say = (self._weights.say_forward, self._weights.say_backward)
        ends = ((block.source, block.target), (block.target, block.source))
        for (speaker, listener), layer, said, heard, offset in zip(
            ends, say, voices.said, voices.heard, offsets, strict=True
        ):
            if speaker not in said:
                said[speaker] = layer(self._weights.norm(state.nodes[speaker]))
            if listener not in heard:
                like = state.nodes[listener]
                heard[listener] = like.new_zeros(len(like), PRODUCTS * self._width)
            heard[listener] += offset

    def _exchange(self, voices: _Voices, block: Block, reading: Reading, gates: tuple[Tensor, ...]) -> None:
        """Adds the messages of a block to what its ends hear."""
        outputs, (inputs, positions) = len(block.weight) // block.groups, block.weight.shape[1:]
        edges, share = inputs * positions, inputs / outputs
        to_targets = voices.said[0][block.source] * (gates[0] * self._factors(1.0, 1 / edges))
        to_sources = voices.said[1][block.target] * (gates[1] * self._factors(share * positions, share / edges))
        at_targets, at_sources = voices.heard[0][block.target], voices.heard[1][block.source]
        if reading.is_whole:
            forward = Traffic(said=to_targets, heard=at_targets, width=self._width)
            backward = Traffic(said=to_sources, heard=at_sources, width=self._width)
            self._pass(block, reading, ALL, Exchange(block, forward, backward))
            return
        said = made_up(to_targets, reading.inputs.inputs)
        forward = Traffic(said=said, heard=at_targets, width=self._width)
        self._pass(block, reading, reading.inputs, Exchange(block, forward, None))
        said = made_up(to_sources, reading.outputs.outputs)
        backward = Traffic(said=said, heard=at_sources, width=self._width)
        self._pass(block, reading, reading.outputs, Exchange(block, None, backward))

    def _pass(self, block: Block, reading: Reading, chosen: Chosen, exchange: Exchange) -> None:
        like = self._weights.gate.weight
        places = place(torch.from_numpy(features.position_features(block)).to(like.device, like.dtype))
        for tile in self._reader.tiles(block, chosen):
            exchange.add(tile, self._reader.functions(tile, places, reading.scale))

    def _factors(self, odd: float, even: float) -> Float[Tensor, " said"]:
        """What makes sums of the functions of weights what is heard."""
        like = self._weights.gate.weight
        return torch.tensor([odd, odd, even, even], dtype=like.dtype).repeat_interleave(self._width).to(like.device)

    def _updated(self, voices: _Voices, state: State, group: int) -> Float[Tensor, "size node_width"]:
        """The next features of a group that has heard everything, which is forgotten."""
        nodes, heard = state.nodes[group], [each.pop(group, None) for each in voices.heard]
        for each in voices.said:
            each.pop(group, None)
        silence = nodes.new_zeros(1, PRODUCTS * self._width)
        fresh = torch.empty_like(nodes)
        for first in range(0, len(nodes), ROWS):
            old = nodes[first : first + ROWS]
            parts = [silence.expand(len(old), -1) if each is None else each[first : first + ROWS] for each in heard]
            own = [
                self._weights.norm(old),
                functional.softsign(torch.cat(parts, dim=1)),
                state.world.expand(len(old), -1),
            ]
            fresh[first : first + ROWS] = old + self._weights.update_node(torch.cat(own, dim=1))
        return fresh


def made_up(said: Float[Tensor, "speakers said"], chosen: Int[np.ndarray, " chosen"] | None) -> Tensor:
    """What the chosen say, the louder the fewer they are."""
    if chosen is None:
        return said
    return said[torch.from_numpy(chosen).to(said.device)] * (len(said) / len(chosen))
