"""What a metanetwork is told about groups, blocks and neurons, besides the weights themselves.

Static features come from the graph's structure, statistics from its weights. Both are functions of a group, a block or
a neuron alone, so that relabelling hidden neurons relabels the features and changes nothing else.
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import log1p, log10, prod
from typing import get_args

import numpy as np

from metagauge.architecture.layers import ActivationFunction, Reduction
from metagauge.architecture.operators.elementwise import UnaryFunction
from metagauge.graph.parameter_graph import Block, GroupKind, NodeGroup, NormKind, Operation, ParameterGraph, Role

ROLES = get_args(Role)
KINDS = get_args(GroupKind)
NORMS = get_args(NormKind)
OPERATIONS = get_args(Operation)
ACTIVATIONS = tuple(dict.fromkeys((*get_args(ActivationFunction), *get_args(UnaryFunction))))
REDUCTIONS = get_args(Reduction)
MAX_ORDER = 16
"""Neurons of an ordered group (channels of an image, classes) that are told apart one by one."""
AXES = 3
"""Position axes that are told apart."""
DETAILS = 8
"""Numbers that stand for the text of a group's details."""

KIND_WIDTH, NORM_WIDTH, OPERATION_WIDTH, ACTIVATION_WIDTH, ROLE_WIDTH, REDUCTION_WIDTH = 6, 8, 32, 72, 32, 4
"""Wider than the vocabularies: a word added to the end of one does not need another metanetwork."""
POSITION_FEATURES = AXES + 2
ORDER_FEATURES = MAX_ORDER + 1 + POSITION_FEATURES
GROUP_FEATURES = KIND_WIDTH + NORM_WIDTH + OPERATION_WIDTH + ACTIVATION_WIDTH + DETAILS + 8
FIRST_ACTIVATION = KIND_WIDTH + NORM_WIDTH + OPERATION_WIDTH
"""Where a group's activations begin."""
BLOCK_FEATURES = ROLE_WIDTH + REDUCTION_WIDTH + 21 + 8 * AXES
BLOCK_STATISTICS = 14
NODE_STATISTICS = 11
BIAS_STATISTIC, SCALE_STATISTIC, SHIFT_STATISTIC = 8, 9, 10
"""Where a neuron's statistics have its bias, norm scale and norm shift."""
EDGE_FEATURES = 4
"""Elementwise functions of one weight: see `edge_features`."""

_USUAL_EPSILON = 1e-5
_TINY = 1e-8
_CLIP = 20.0


def group_features(group: NodeGroup, deepest: int) -> np.ndarray:
    """Structure of a node group: (GROUP_FEATURES,)."""
    return np.array(
        [
            *_one_hot(group.kind, KINDS, KIND_WIDTH),
            *_one_hot(group.norm, NORMS, NORM_WIDTH),
            *_one_hot(group.operation, OPERATIONS, OPERATION_WIDTH),
            *_one_hot(group.activation, ACTIVATIONS, ACTIVATION_WIDTH),
            *_hashed(group.detail),
            log1p(group.size) / 5,
            log1p(group.positions) / 5,
            group.depth / max(deepest, 1),
            log1p(group.depth) / 3,
            log1p(group.norm_groups) / 5,
            group.slope,
            float(group.is_causal),
            log10(max(group.epsilon, _TINY**2) / _USUAL_EPSILON) / 5 if group.epsilon else 0.0,
        ],
        np.float32,
    )


def order_features(group: NodeGroup) -> np.ndarray:
    """Which neuron it is: (size, ORDER_FEATURES).

    Its number, for ordered groups only, and its place, for neurons that a flatten made of positions.
    """
    features = np.zeros((group.size, ORDER_FEATURES), np.float32)
    if group.ordered:
        known = min(group.size, MAX_ORDER)
        features[np.arange(known), np.arange(known)] = 1
        features[:, MAX_ORDER] = np.arange(group.size) / group.size
    if group.places:
        channels = group.size // prod(group.places)
        features[:, MAX_ORDER + 1 :] = np.tile(_place_features(group.places), (channels, 1))
    return features


def block_features(block: Block) -> np.ndarray:
    """Structure of a block: (BLOCK_FEATURES,)."""
    reading, axes = block.reading, max(len(block.kernel), 1)
    fan_in = block.weight.shape[1] * block.weight.shape[2]
    return np.array(
        [
            *_one_hot(block.role, ROLES, ROLE_WIDTH),
            *_one_hot(reading.reduction, REDUCTIONS, REDUCTION_WIDTH),
            log1p(prod(reading.window)) / 5,
            log1p(prod(reading.stride)) / 5,
            log1p(sum(sum(pair) for pair in reading.padding)) / 5,
            float(reading.broadcast),
            float(reading.raster),
            float(reading.token >= 0),
            log1p(reading.token + 1) / 5,
            len(block.kernel) / 3,
            log1p(prod(block.kernel)) / 5,
            log1p(prod(block.stride) - 1) / 3 if block.stride else 0.0,
            log1p(prod(block.dilation) - 1) / 3 if block.dilation else 0.0,
            log1p(sum(sum(pair) for pair in block.padding)) / axes,
            log1p(block.groups - 1) / 5,
            log1p(block.heads) / 3,
            log1p(fan_in) / 5,
            log1p(block.weight.shape[0]) / 5,
            float(not reading.count_padding),
            log1p(block.operand),
            float(block.transposed),
            float(block.sharing is not None),
            0.0 if block.sharing is None else log1p(len(np.unique(block.sharing))) / 5,
            *_unevenness(reading.window),
            *_unevenness(reading.stride),
            *_unevenness([sum(pair) + 1 for pair in reading.padding]),
            *_unevenness(block.stride),
            *_unevenness(block.dilation),
            *_unevenness([sum(pair) + 1 for pair in block.padding]),
            *_lopsidedness(block.padding),
            *_lopsidedness(reading.padding),
        ],
        np.float32,
    )


def position_features(block: Block) -> np.ndarray:
    """Where in the kernel (or flattened map) an edge reads: (positions, POSITION_FEATURES)."""
    positions = block.weight.shape[2]
    if positions == 1:
        return np.array([[*(0,) * (POSITION_FEATURES - 1), 1]], np.float32)
    return _place_features(block.kernel or (positions,))


def _place_features(sizes: tuple[int, ...]) -> np.ndarray:
    """Every position of a grid, in raster order: (positions, POSITION_FEATURES).

    Coordinates of the first axes from -1 to 1, the distance from the middle, and a number that is zero here and one for
    a position that is the only one.
    """
    places = np.stack(np.unravel_index(np.arange(prod(sizes)), sizes), axis=1).astype(np.float32)
    middles = (np.array(sizes, np.float32) - 1) / 2
    coordinates = (places - middles) / np.maximum(middles, 1)
    known = np.zeros((len(places), AXES), np.float32)
    known[:, : min(AXES, len(sizes))] = coordinates[:, :AXES]
    distance = np.linalg.norm(coordinates, axis=1, keepdims=True)
    return np.concatenate([known, distance, np.zeros((len(places), 1))], axis=1, dtype=np.float32)


def _unevenness(sizes: Sequence[int]) -> list[float]:
    """How the logarithm of each axis' size differs from their mean: zeros for a square, (AXES,)."""
    logs = np.log(np.array(sizes[:AXES], np.float64)) if sizes else np.zeros(1)
    return [*(logs - logs.mean()), *(0.0,) * (AXES - len(logs))]


def _lopsidedness(padding: Sequence[tuple[int, int]]) -> list[float]:
    """How much more is padded after than before each axis: (AXES,)."""
    found = [log1p(after) - log1p(before) for before, after in padding[:AXES]]
    return [*found, *(0.0,) * (AXES - len(found))]


def _hashed(texts: Sequence[str]) -> list[float]:
    """Numbers from -1 to 1 that differ when texts differ, zeros for none: (DETAILS,)."""
    sums = np.zeros(DETAILS)
    for text in texts:
        digest = blake2b(text.encode(), digest_size=DETAILS).digest()
        sums += np.frombuffer(digest, np.uint8) / 127.5 - 1
    return [float(each) for each in sums / max(len(texts), 1)]


def block_statistics(block: Block) -> np.ndarray:
    """Distribution of a block's weights: (BLOCK_STATISTICS,), zeros for wiring."""
    if block.is_wiring:
        return np.zeros(BLOCK_STATISTICS, np.float32)
    weight = np.asarray(block.weight, np.float64)
    fan_in = weight.shape[1] * weight.shape[2]
    spread = float(weight.std()) + _TINY
    size = float(np.sqrt(np.square(weight).mean())) + _TINY
    rows = np.sqrt(np.square(weight).mean(axis=(1, 2))) + _TINY
    columns = np.sqrt(np.square(weight).mean(axis=(0, 2))) + _TINY
    places = np.sqrt(np.square(weight).mean(axis=(0, 1))) + _TINY
    quantiles = np.quantile(weight, (0.05, 0.25, 0.5, 0.75, 0.95)) / size
    statistics = [
        np.log(size),
        np.log(size * np.sqrt(fan_in)),
        weight.mean() / size,
        np.log(np.abs(weight).max() / size + _TINY),
        np.log(np.square(np.square((weight - weight.mean()) / spread)).mean() + _TINY),
        *quantiles,
        np.log(rows).std(),
        np.log(columns).std(),
        np.log(places).std(),
        rows.max() / rows.mean(),
    ]
    return np.clip(np.array(statistics, np.float32), -_CLIP, _CLIP)


def node_statistics(graph: ParameterGraph) -> list[np.ndarray]:
    """For each group, what its neurons' weights look like: (size, NODE_STATISTICS).

    Size, mean and peak of the incoming and of the outgoing weights, the number of such blocks, and the neuron's bias,
    norm scale and norm shift. What normalises a run of neurons together looks as they do on average.
    """
    found = [np.zeros((group.size, NODE_STATISTICS)) for group in graph.groups]
    for block in graph.blocks:
        target = found[block.target]
        match block.role:
            case "bias":
                target[:, BIAS_STATISTIC] += block.weight[:, 0, 0]
            case "norm_scale":
                target[:, SCALE_STATISTIC] += block.weight[:, 0, 0]
            case "norm_shift":
                target[:, SHIFT_STATISTIC] += block.weight[:, 0, 0]
            case _ if block.is_wiring:
                pass
            case _:
                weight = np.asarray(block.weight, np.float64)
                target[:, 0:4] += _side(weight.reshape(len(weight), -1))
                if graph.groups[block.source].kind != "parameter":
                    outputs, inputs, positions = weight.shape
                    runs = weight.reshape(block.groups, outputs // block.groups, inputs, positions)
                    found[block.source][:, 4:8] += _side(runs.transpose(0, 2, 1, 3).reshape(block.groups * inputs, -1))
    for statistics in found:
        statistics[:, 0:3] /= np.maximum(statistics[:, 3:4], 1)
        statistics[:, 4:7] /= np.maximum(statistics[:, 7:8], 1)
    for block in graph.blocks:
        if block.role == "member":
            found[block.target] = found[block.source].reshape(block.groups, -1, NODE_STATISTICS).mean(axis=1)
    return [np.clip(statistics, -_CLIP, _CLIP).astype(np.float32) for statistics in found]


def _side(rows: np.ndarray) -> np.ndarray:
    """Log size (times the root of the row's length), mean by size, log peak by size, one: (rows, 4)."""
    size = np.sqrt(np.square(rows).mean(axis=1)) + _TINY
    return np.stack(
        [
            np.log(size * np.sqrt(rows.shape[1])),
            rows.mean(axis=1) / size,
            np.log(np.abs(rows).max(axis=1) / size + _TINY),
            np.ones(len(rows)),
        ],
        axis=1,
    )


def _one_hot(value: str | None, choices: tuple[str, ...], width: int) -> list[float]:
    return [float(number < len(choices) and value == choices[number]) for number in range(width)]
