"""What a network's weights look like beside random numbers of the same size: does training show, do layers fit?

Training leaves traces that a histogram does not have. Rows and columns of a weight differ in size, one direction is
larger than chance makes it, kernels are smooth, and what a layer writes is what the next one reads. Numbers are about a
whole network, do not depend on the order of hidden neurons, and are zero where there is nothing to measure.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import WIRING
from models import features
from models.graph_tensors import BlockTensors, GraphTensors

MEASURES = (
    "the size of weights",
    "the mean of weights",
    "how heavy the tails of weights are",
    "the largest weights beside the usual",
    "how many different values weights have",
    "how much neurons differ in the size of what they read",
    "how much neurons differ in the size of what is read of them",
    "how smooth kernels are",
    "how much of a layer is one direction",
)
"""Of each weight matrix."""
_SUMMARIES = ("on average", "at least", "at most", "in the first layer", "in the last layer")
_VECTORS = ("bias", "norm_scale", "norm_shift")
_OF_VECTORS = ("the size of {}", "the mean of {}", "how much neurons differ in {}", "whether there is {}")
_WORDS = {"bias": "biases", "norm_scale": "norms' scales", "norm_shift": "norms' shifts"}
_FITS = ("how well layers fit together", "how well neurons' sizes in and out fit together")
WEIGHT_SHAPE = (
    *(f"{measure} {summary}" for summary in _SUMMARIES for measure in MEASURES),
    *(text.format(_WORDS[role]) for role in _VECTORS for text in _OF_VECTORS),
    *(f"{fit} {summary}" for summary in _SUMMARIES[:3] for fit in _FITS),
)
"""What each number is, in words."""

DISTINCT = 32
"""Values from which on a weight counts as not quantised; rounding to eight bits leaves more."""
LARGEST = 512
"""Neurons of a group from which on it is not asked how its layers fit, which takes their square."""
_TINY = 1e-12


def shape_of(graphs: GraphTensors) -> Float[Tensor, "networks weight_shape"]:
    """The numbers called `WEIGHT_SHAPE`, which the graphs may have already."""
    return weight_shape(graphs) if graphs.shape is None else graphs.shape


@torch.inference_mode()
def weight_shape(graphs: GraphTensors) -> Float[Tensor, "networks weight_shape"]:
    """The numbers called `WEIGHT_SHAPE`."""
    none = torch.zeros(graphs.networks, len(MEASURES), dtype=torch.float64)
    matrices = torch.stack([_of_matrix(block) for block in graphs.blocks if _is_matrix(block)] or [none])
    fits = torch.stack([*_fits(graphs)] or [none[:, :2]])
    parts = [matrices.mean(0), matrices.amin(0), matrices.amax(0), matrices[0], matrices[-1]]
    parts += [_of_vectors([block for block in graphs.blocks if _role(block) == role], none) for role in _VECTORS]
    return torch.cat([*parts, fits.mean(0), fits.amin(0), fits.amax(0)], dim=1).nan_to_num().float()


def _role(block: BlockTensors) -> str:
    return features.ROLES[int(block.static[: len(features.ROLES)].argmax())]


def _is_matrix(block: BlockTensors) -> bool:
    return _role(block) not in (*WIRING, *_VECTORS)


def _of_matrix(block: BlockTensors) -> Float[Tensor, "networks measures"]:
    weight = block.weight.double()
    networks, groups, outputs, inputs, positions = weight.shape
    flat, fan_in = weight.reshape(networks, -1), inputs * positions
    size = flat.square().mean(1).sqrt() + _TINY
    centred = flat - flat.mean(1, keepdim=True)
    kurtosis = centred.pow(4).mean(1) / (centred.square().mean(1).square() + _TINY**2)
    nothing = torch.zeros_like(size)
    columns = [
        (size * fan_in**0.5).log(),
        flat.mean(1) / size,
        (kurtosis + 1e-3).log(),
        (flat.abs().amax(1) / size + 1e-3).log(),
        _distinct(flat),
        _unevenness(weight.square().mean((3, 4)), fan_in),
        _unevenness(weight.square().mean((2, 4)), outputs * positions),
        (positions * weight.mean(4).square().mean((1, 2, 3)) / size.square() + 1e-3).log()
        if positions > 1
        else nothing,
        _one_direction(weight.reshape(networks, groups, outputs, fan_in), size),
    ]
    return torch.stack(columns, dim=1)


def _distinct(flat: Float[Tensor, "networks values"]) -> Float[Tensor, " networks"]:
    """Log of the share of DISTINCT different values that there are."""
    ordered = flat.sort(dim=1).values
    count = (ordered[:, 1:] != ordered[:, :-1]).sum(1).double() + 1
    return (count / min(flat.shape[1], DISTINCT)).clamp_max(1).log()


def _unevenness(squares: Float[Tensor, "networks groups neurons"], count: int) -> Float[Tensor, " networks"]:
    """Log of how much sizes differ, in units of how much those of `count` normal numbers do (one over root 2 count)."""
    if squares[0].numel() < 3 or count < 2:
        return squares.new_zeros(len(squares))
    return ((squares + _TINY**2).sqrt().log().flatten(1).std(dim=1) * (2 * count) ** 0.5 + 0.01).log()


def _one_direction(
    weight: Float[Tensor, "networks groups outputs fan_in"], size: Float[Tensor, " networks"]
) -> Float[Tensor, " networks"]:
    """Log of the largest singular value by that of a random matrix, root outputs plus root fan_in."""
    outputs, fan_in = weight.shape[2:]
    if min(outputs, fan_in) < 2:
        return torch.zeros_like(size)
    gram = weight @ weight.mT if outputs <= fan_in else weight.mT @ weight
    top = torch.linalg.eigvalsh(gram)[..., -1].clamp_min(_TINY**2).sqrt().amax(1)
    return (top / (size * (outputs**0.5 + fan_in**0.5))).log()


def _of_vectors(blocks: list[BlockTensors], none: Tensor) -> Float[Tensor, "networks 4"]:
    """Means over blocks of log size, mean and spread, and one; zeros where there are none."""
    if not blocks:
        return none[:, :4]
    vectors = [block.weight.double().flatten(1) for block in blocks]
    found = [
        torch.stack([(each.square().mean(1).sqrt() + 1e-4).log(), each.mean(1), each.std(1, correction=0)], dim=1)
        for each in vectors
    ]
    return torch.cat([torch.stack(found).mean(0), torch.ones_like(none[:, :1])], dim=1)


def _fits(graphs: GraphTensors) -> Iterator[Float[Tensor, "networks 2"]]:
    """For each group between two weights, how alike the products are of what its neurons read and of what reads them.

    The correlation of their off-diagonal entries (Mantel 1967) and of the logarithms of their diagonals, in units of
    what chance makes of them; the first on a scale that does not run away.
    """
    for number, group in enumerate(graphs.groups):
        size = group.statistics.shape[1]
        if not 4 <= size <= LARGEST:
            continue
        into = [_gram(block, 2) for block in graphs.blocks if block.target == number and _is_plain(block)]
        out = [_gram(block, 3) for block in graphs.blocks if block.source == number and _is_plain(block)]
        if into and out:
            read, written = torch.stack(out).sum(0), torch.stack(into).sum(0)
            others = ~torch.eye(size, dtype=torch.bool)
            like = _correlation(read[:, others], written[:, others]) * (size * (size - 1) / 2) ** 0.5
            sizes = [(torch.diagonal(each, dim1=1, dim2=2) + _TINY).log() for each in (read, written)]
            yield torch.stack([torch.asinh(like), _correlation(sizes[0], sizes[1]) * (size - 3) ** 0.5], dim=1)


def _is_plain(block: BlockTensors) -> bool:
    return _is_matrix(block) and block.weight.shape[1] == 1


def _gram(block: BlockTensors, axis: int) -> Float[Tensor, "networks neurons neurons"]:
    rows = block.weight.double().movedim(axis, 1).flatten(2)
    return rows @ rows.mT


def _correlation(one: Float[Tensor, "networks n"], other: Float[Tensor, "networks n"]) -> Float[Tensor, " networks"]:
    one, other = (each - each.mean(1, keepdim=True) for each in (one, other))
    return (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1) + _TINY)
