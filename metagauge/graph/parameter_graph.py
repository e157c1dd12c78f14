"""The parameter graph: groups of neurons, and dense blocks of parameters between them.

Lim et al. 2024, sec. 3: one node per neuron or channel, one edge per parameter. A weight tensor is a complete bipartite
block, so it is kept as a block; `edge_list` writes the edges out.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from metagauge.architecture.layers import ActivationFunction, Reduction
from metagauge.architecture.operators.elementwise import UnaryFunction

GroupKind = Literal["input", "hidden", "output", "parameter"]
NormKind = Literal["none", "batch", "group", "layer", "rms", "instance"]
Function = ActivationFunction | UnaryFunction
Operation = Literal[
    "sum",
    "product",
    "quotient",
    "contract",
    "binary",
    "choose",
    "softmax",
    "reduce",
    "window",
    "accumulate",
    "extreme",
    "gather",
    "scatter",
    "resample",
    "local_norm",
    "standardise",
    "requantise",
    "recurrent",
    "join",
    "rearrange",
    "opaque",
]
"""How a group's neurons combine what comes in: `sum` adds it up, the others say what they do in `detail`."""
Role = Literal[
    "linear",
    "conv",
    "bias",
    "norm_scale",
    "norm_shift",
    "residual",
    "query",
    "key",
    "value",
    "attention_output",
    "attend",
    "head",
    "position",
    "token",
    "scale",
    "embedding",
    "recurrent_input",
    "recurrent_state",
    "recurrent_bias",
    "peephole",
    "operand",
    "wire",
    "member",
]
RETURNED = "output "
"""In `NodeGroup.detail`, before the number of a network's output that is not its first."""
WIRING: tuple[Role, ...] = ("residual", "attend", "head", "wire", "member")
"""Roles of blocks that have no parameters of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """Neurons that a symmetry may permute among themselves, unless the group is `ordered`.

    Normalisation, then activation, act on every neuron of the group in this order. A "parameter" group is the source
    of biases, norm parameters and tables.
    """

    name: str
    kind: GroupKind
    size: int
    positions: int = 1
    """Positions or tokens at which each neuron has a value."""
    extent: tuple[int, ...] = ()
    """Of an input: sizes of the axes of its positions, whose product they are; axes of size one are left out."""
    depth: int = 0
    """Longest path from the input, in blocks."""
    norm: NormKind = "none"
    norm_groups: int = 1
    epsilon: float = 0.0
    """What a norm adds to the variance; 0 where no statistics are taken from the input."""
    places: tuple[int, ...] = ()
    """Sizes of the positions that a flatten made neurons of: neuron = channel * prod(places) + position."""
    activation: Function = "identity"
    slope: float = 0.0
    operation: Operation = "sum"
    detail: tuple[str, ...] = ()
    """What else the operation depends on, `name=value`, for people and for the digest."""
    is_causal: bool = False
    """For the heads of an attention: whether a token sees only earlier ones."""
    ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What happens to the source's values on their way into a block: pooling, flattening, selection."""

    reduction: Reduction | None = None
    window: tuple[int, ...] = ()
    """Sizes of a pool's window, one for each position axis; all positions for a global pool."""
    stride: tuple[int, ...] = ()
    """Of that pool."""
    padding: tuple[tuple[int, int], ...] = ()
    """Of that pool, before and after each axis."""
    count_padding: bool = True
    """Whether a mean counts padded positions. True where there are none, and for a maximum."""
    broadcast: bool = False
    """Whether the pooled value is given to every position again (DeepSets)."""
    raster: bool = False
    """Whether two position axes were read as one, in raster order."""
    token: int = -1
    """Which token is selected; -1 for none."""
    turn: tuple[int, ...] = ()
    """The source's runs of positions in the order in which they are read; empty if that is their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A dense block of parameters: one edge per element of `weight`.

    `weight` is (targets, sources / groups, kernel positions): target o belongs to run o * groups // targets of the
    sources. A wiring block (residual, attend, head) has weight one and no parameters of its own.
    """

    source: int
    target: int
    role: Role
    weight: np.ndarray
    name: str = ""
    groups: int = 1
    kernel: tuple[int, ...] = ()
    """Sizes whose product is the kernel positions; the coordinates of a position are features of its edges."""
    stride: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    padding: tuple[tuple[int, int], ...] = ()
    heads: int = 0
    reading: Reading = Reading()
    operand: int = 0
    """Which input of the target's operation this is, where that matters."""
    transposed: bool = False
    """Whether a convolution is a transposed one."""
    sharing: np.ndarray | None = None
    """For each element of `weight` the number of its coefficient (Lim et al. 2024, app. B), -1 where it has none and is
    no edge. None if each element is its own."""

    @property
    def is_wiring(self) -> bool:
        """Whether the edges stand for wiring, not for parameters."""
        return self.role in WIRING


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeList:
    """The explicit graph, one row per edge. Nodes count through the groups in order."""

    source: np.ndarray
    target: np.ndarray
    value: np.ndarray
    block: np.ndarray
    position: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterGraph:
    """Groups in order of creation, the ordered input first; blocks name groups by number."""

    groups: tuple[NodeGroup, ...]
    blocks: tuple[Block, ...]
    family: str
    """Coarse kind of the network, for the user: mlp, cnn, resnet, cnn1d, deepsets, vit or other."""
    coverage: float = 1.0
    """Share of the checkpoint's parameters that the graph stands for."""
    guessed: tuple[str, ...] = ()
    """What was filled in, in words, where neither the file nor the names of its tensors tell."""

    @property
    def nodes(self) -> int:
        """Number of neurons and parameter nodes."""
        return sum(group.size for group in self.groups)

    @property
    def edges(self) -> int:
        """Number of edges, wiring included."""
        return sum(block.weight.size for block in self.blocks)

    @property
    def output(self) -> NodeGroup:
        """The group whose values the network returns."""
        return next(group for group in self.groups if group.kind == "output")

    def edge_list(self) -> EdgeList:
        """Every edge, in the order of the blocks and, inside one, of `weight`'s elements."""
        offsets = np.cumsum([0, *(group.size for group in self.groups)])
        rows = [_edges(block, offsets, number) for number, block in enumerate(self.blocks)]
        source, target, value, number, position = (np.concatenate(column) for column in zip(*rows, strict=True))
        return EdgeList(source=source, target=target, value=value, block=number, position=position)


def _edges(block: Block, offsets: np.ndarray, number: int) -> tuple[np.ndarray, ...]:
    targets, sources_per_run, _ = block.weight.shape
    target, source, position = (axis.ravel() for axis in np.indices(block.weight.shape))
    run = target * block.groups // targets
    return (
        offsets[block.source] + run * sources_per_run + source,
        offsets[block.target] + target,
        block.weight.ravel(),
        np.full(block.weight.size, number),
        position,
    )
