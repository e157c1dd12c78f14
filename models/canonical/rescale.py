"""A graph whose neurons have weights of one size: what is left of a network when the scale of each neuron is free.

A neuron whose activation is positively homogeneous (ReLU, leaky ReLU, none) may be multiplied by a positive number if
what reads it is divided by that (Neyshabur et al. 2015, sec. 2). Of all networks that differ in such factors this is
the one in which the weights and the bias that enter a neuron have a Euclidean norm of one. Behind a norm, the neuron's
scale and shift are what enters.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from metagauge.graph.parameter_graph import Block, ParameterGraph, Role
from models.canonical.blocks import AFFINE, HOMOGENEOUS, WEIGHTS, incoming, is_one_to_one, tiles
from models.canonical.sets import Sets

_SUMMED: tuple[Role, ...] = ("linear", "conv", "bias", "value", "attention_output", "position", "token", "residual")
"""Roles of what makes a neuron without a norm."""
_SNAP = 1e-6
"""A norm this close to one is one: a graph that was rescaled before stays the same object."""
_LEAST, _MOST = 1e-12, 1e12
"""Neurons of a norm outside this range stay as they are: they are dead, or float32 could not hold the factor."""

Factors = Float[np.ndarray, " neurons"]


def rescale(graph: ParameterGraph) -> ParameterGraph:
    """The same function with neurons of unit norm; blocks that stay are the very same, and so is a graph of them.

    Neurons that wiring adds to each other have one factor, which the first group of them gives. Groups that
    anything but a sum reads, or whose weights share coefficients, stay as they are. Takes time linear in the
    parameters, and memory for the blocks that change.
    """
    return Scaling(graph).graph()


class Scaling:
    """The factors of a graph's neurons, and the graph with them: those that make norms one unless others are given.

    Args:
        graph: What is scaled.
        draw: Gives the factors of the neurons of one group, by their number.
    """

    def __init__(self, graph: ParameterGraph, draw: Callable[[int], Factors] | None = None) -> None:
        self._graph = graph
        self._incoming = incoming(graph)
        self._sets = Sets(len(graph.groups))
        self._factors: dict[int, Factors] = {}
        for number in range(len(graph.groups)):
            if not self._can_be_made_larger(number):
                self._sets.bar(number)
        for block in graph.blocks:
            self._look_at_reader(block)
        for number in sorted(range(len(graph.groups)), key=lambda each: graph.groups[each].depth):
            root = self._sets.of(number)
            if root not in self._factors and not self._sets.is_barred(number):
                self._factors[root] = self._wanted(number) if draw is None else draw(graph.groups[number].size)

    def graph(self) -> ParameterGraph:
        """The graph with scaled neurons; the very same one if all factors are one."""
        blocks = tuple(self._changed(block) for block in self._graph.blocks)
        if all(new is old for new, old in zip(blocks, self._graph.blocks, strict=True)):
            return self._graph
        return replace(self._graph, blocks=blocks)

    def _changed(self, block: Block) -> Block:
        """The block with its rows and columns scaled, or itself."""
        rows = self._factors_of(block.target) if self._makes(block) else None
        shares = self._shares(block)
        if rows is None and shares is None:
            return block
        weight = np.empty(block.weight.shape, np.float32)
        for part, tile in tiles(block):
            scale = 1.0 if rows is None else rows[part, None, None]
            weight[part] = tile * (scale if shares is None else scale * shares(part)[:, :, None])
        return replace(block, weight=weight)

    def _can_be_made_larger(self, number: int) -> bool:
        """Whether a factor may go into what makes a group's neurons."""
        group, blocks = self._graph.groups[number], self._incoming[number]
        is_plain = group.kind == "hidden" and not group.ordered and group.operation == "sum"
        if not is_plain or group.activation not in HOMOGENEOUS or any(block.sharing is not None for block in blocks):
            return False
        if group.norm != "none":
            return any(block.role == "norm_scale" for block in blocks)
        return all(block.role in _SUMMED for block in blocks)

    def _look_at_reader(self, block: Block) -> None:
        """Bars a source whose reader cannot make up for its factor, or that is added to what has another one."""
        source, target = block.source, self._graph.groups[block.target]
        can_divide = target.operation == "sum" and block.sharing is None
        match block.role:
            case "residual" if can_divide and target.norm == "none":
                if not is_one_to_one(block, self._graph):
                    self._sets.bar(source, block.target)
                self._sets.join(source, block.target)
            case "residual":
                if not can_divide or target.norm != "batch" or self._wire_before_affine(block.target) is not block:
                    self._sets.bar(source)
            case "head":
                if not any(each.role == "value" for each in self._incoming[source]):
                    self._sets.bar(source)
            case "member":
                if target.operation != "standardise" or self._graph.groups[source].norm == "none":
                    self._sets.bar(source)
            case _:
                if block.role not in WEIGHTS or not can_divide:
                    self._sets.bar(source)

    def _wire_before_affine(self, number: int) -> Block | None:
        """The one wire into a batch norm that stands by itself."""
        own = [block for block in self._incoming[number] if block.role not in AFFINE]
        has_scale = any(block.role == "norm_scale" for block in self._incoming[number])
        return own[0] if len(own) == 1 and own[0].role == "residual" and has_scale else None

    def _makes(self, block: Block) -> bool:
        """Whether a factor of the target goes into this block."""
        if self._graph.groups[block.target].norm != "none":
            return block.role in AFFINE
        return not block.is_wiring

    def _factors_of(self, number: int) -> Factors | None:
        """The factors of a group's neurons; None if all are one."""
        found = self._factors.get(self._sets.of(number))
        return None if found is None or (found == 1).all() else found

    def _shares(self, block: Block) -> "_Shares | None":
        """What is left of a block's weights when the neurons that it reads say more."""
        wire = block
        if block.role == "norm_scale" and self._graph.groups[block.target].norm == "batch":
            wire = self._wire_before_affine(block.target)
        elif block.role not in WEIGHTS:
            return None
        factors = None if wire is None else self._factors_of(wire.source)
        return None if wire is None or factors is None else _Shares(factors, wire)

    def _wanted(self, number: int) -> Factors:
        """What makes the norm of each neuron's weights one."""
        squares = np.zeros(self._graph.groups[number].size)
        for block in self._incoming[number]:
            if self._makes(block):
                shares = self._shares(block)
                for part, tile in tiles(block):
                    seen = np.einsum("rsp,rsp->rs", tile, tile)
                    squares[part] += (seen if shares is None else seen * shares(part) ** 2).sum(1)
        norms = np.sqrt(squares)
        is_usual = (norms > _LEAST) & (norms < _MOST) & (np.abs(norms - 1) > _SNAP)
        return np.divide(1.0, norms, out=np.ones_like(norms), where=is_usual)


class _Shares:
    """One over the factor of the neuron at the other end, for each row and source of a block."""

    def __init__(self, factors: Factors, block: Block) -> None:
        self._runs = 1 / factors.reshape(block.groups, -1)
        self._groups, self._targets = block.groups, block.weight.shape[0]

    def __call__(self, part: slice) -> Float[np.ndarray, "rows sources"]:
        """For a run of the block's rows; one row stands for all of them where they read the same neurons."""
        if self._groups == 1:
            return self._runs
        return self._runs[np.arange(part.start, part.stop) * self._groups // self._targets]
