"""What families are written in: parts of a network, with the names of their tensors, and no sizes.

Widths, kernels and groups are read off the tensors; a part says only what a file of weights cannot tell. Names are
modules, `layer1.0.conv1`, to which `.weight` and `.bias` are added; a bias is there if the file has one.
"""

from dataclasses import dataclass
from typing import Literal

from metagauge.architecture.templates.vision.canvas import Layout
from metagauge.architecture.templates.vision.token_parts import (
    Attention,
    ClassToken,
    Embedding,
    MergePatches,
    PositionTable,
    Recurrent,
    SelectToken,
    ToTokens,
    WindowAttention,
)

Padding = int | Literal["half", "tensorflow"] | tuple[tuple[int, int], ...]
"""The same on all sides; half the (dilated) kernel, rounded down; TensorFlow's SAME, the odd one behind; or (before,
after) for each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """A convolution; groups follow from the weight's second axis. `outputs` is checked where it is known."""

    name: str
    stride: int = 1
    padding: Padding = "half"
    dilation: int = 1
    outputs: int | None = None
    transposed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A linear map of the last axis; of a map with one position, the channels are taken for it."""

    name: str
    outputs: int | None = None
    transposed: bool = False
    """The weight is (inputs, outputs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm:
    """Batch norm with its running statistics."""

    name: str
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNorm:
    """Layer norm over the channels of each position."""

    name: str
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseNorm:
    """Global response normalisation (Woo et al. 2023), on a map: `x (weight n / (mean(n) + eps) + 1) + bias`.

    n is the l2 norm over positions of each channel.
    """

    weight: str
    bias: str
    epsilon: float = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """An elementwise function: a name of transformers' ACT2FN, or selu, hardsigmoid, identity."""

    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PRelu:
    """A leaky ReLU whose slopes are learned, one for each channel or one for all."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A function of each element that the file says nothing of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Windows of a map."""

    reduction: Literal["max", "mean"]
    kernel: int
    stride: int
    padding: int = 0
    ceil: bool = False
    count_padding: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalPool:
    """One position left: the mean or the largest."""

    reduction: Literal["max", "mean"] = "mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """All axes behind the batch become one, channels first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelScale:
    """One learned factor for each channel: layer scale."""

    tensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """`shortcut(x) + body(x)`; an empty shortcut is x."""

    body: "Parts"
    shortcut: "Parts" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`x * body(x)`: squeeze and excitation (Hu et al. 2018)."""

    body: "Parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenwise:
    """The body works on a map's positions as tokens, row by row; the map is put together again behind it."""

    body: "Parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcrossTokens:
    """The body mixes tokens, (1, tokens, channels), with the channels in the place of positions."""

    body: "Parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """Several parts read one value, and their channels are put one behind the other."""

    branches: "tuple[Parts, ...]"


Part = (
    Conv
    | Linear
    | BatchNorm
    | LayerNorm
    | ResponseNorm
    | Activation
    | PRelu
    | Unknown
    | Pool
    | GlobalPool
    | Flatten
    | ChannelScale
    | Residual
    | Gate
    | Tokenwise
    | AcrossTokens
    | Branches
    | ToTokens
    | ClassToken
    | PositionTable
    | SelectToken
    | Attention
    | WindowAttention
    | MergePatches
    | Recurrent
    | Embedding
)
Parts = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A family's reading of one file: the input of one sample, without the batch axis, and the parts in order."""

    family: str
    input_shape: tuple[int, ...]
    parts: Parts
    layout: Layout = "map"
    dtype: str = "F32"
    assumed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    """Tensors that no part names and that change nothing, such as tables computed from sizes."""
