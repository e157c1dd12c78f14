"""Parts that work on tokens: patches of an image and steps of a sequence, and attention between them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTokens:
    """A map's positions become tokens, row by row, with the channels last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassToken:
    """Learned tokens (1, count, width) put in front."""

    tensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionTable:
    """A learned table (1, tokens, width), or (tokens, width), added to the tokens."""

    tensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectToken:
    """One token, as a vector; without an index, the mean of all but the first `skipped`."""

    index: int | None = None
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Self-attention of all tokens (Vaswani et al. 2017), its queries, keys and values of one matrix, in this order.

    `projection` is the full name of the (3 width, width) weight, `bias` that of its bias.
    """

    projection: str
    bias: str
    output: str
    heads: int
    query_norm: str = ""
    key_norm: str = ""
    norm_epsilon: float = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAttention:
    """Self-attention within square windows of a map, with a table of relative positions (Liu et al. 2021).

    `table` is ((2 window - 1) ** 2, heads). With `shifted`, windows begin half a window later, wrapped around.
    """

    projection: str
    output: str
    table: str
    shifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePatches:
    """Each two by two positions become one: their channels in the order (0, 0), (1, 0), (0, 1), (1, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrent:
    """One layer of torch's nn.RNN, nn.GRU or nn.LSTM: tensors `{name}.weight_ih{suffix}` and so on.

    Both directions if the file has `{suffix}_reverse`. The states of all steps, side by side for two directions.
    """

    name: str
    suffix: str
    cell: Literal["rnn", "gru", "lstm"]
    function: Literal["Tanh", "Relu"] = "Tanh"
    """Of an rnn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """Rows of a table, by number."""

    tensor: str
