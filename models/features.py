"""What a metanetwork is told about groups, blocks and neurons, besides the weights themselves.

Static features come from the graph's structure, statistics from its weights. Both are functions of a group, a block or
a neuron alone, so that relabelling hidden neurons relabels the features and changes nothing else.
"""

from math import log1p, prod
from typing import get_args

import numpy as np

from metagauge.architecture.layers import ActivationFunction, Reduction
from metagauge.graph.parameter_graph import Block, GroupKind, NodeGroup, NormKind, ParameterGraph, Role

ROLES = get_args(Role)[:14]
"""Those the published metanetwork was trained with, and so are NORMS."""
KINDS = get_args(GroupKind)
NORMS = get_args(NormKind)[:4]
ACTIVATIONS = get_args(ActivationFunction)
REDUCTIONS = get_args(Reduction)
MAX_ORDER = 16
"""Neurons of an ordered group (channels of an image, classes) that are told apart one by one."""

GROUP_FEATURES = len(KINDS) + len(NORMS) + len(ACTIVATIONS) + 7
BLOCK_FEATURES = len(ROLES) + len(REDUCTIONS) + 16
BLOCK_STATISTICS = 14
NODE_STATISTICS = 11
POSITION_FEATURES = 4
EDGE_FEATURES = 4
"""Elementwise functions of one weight: see `edge_features`."""

_TINY = 1e-8
_CLIP = 20.0


def group_features(group: NodeGroup, deepest: int) -> np.ndarray:
    """Structure of a node group: (GROUP_FEATURES,)."""
    return np.array(
        [
            *_one_hot(group.kind, KINDS),
            *_one_hot(group.norm, NORMS),
            *_one_hot(group.activation, ACTIVATIONS),
            log1p(group.size) / 5,
            log1p(group.positions) / 5,
            group.depth / max(deepest, 1),
            log1p(group.depth) / 3,
            log1p(group.norm_groups) / 5,
            group.slope,
            float(group.is_causal),
        ],
        np.float32,
    )


def order_features(group: NodeGroup) -> np.ndarray:
    """Which neuron it is, for ordered groups only: (size, MAX_ORDER + 1)."""
    features = np.zeros((group.size, MAX_ORDER + 1), np.float32)
    if group.ordered:
        known = min(group.size, MAX_ORDER)
        features[np.arange(known), np.arange(known)] = 1
        features[:, MAX_ORDER] = np.arange(group.size) / group.size
    return features


def block_features(block: Block) -> np.ndarray:
    """Structure of a block: (BLOCK_FEATURES,)."""
    reading, axes = block.reading, max(len(block.kernel), 1)
    fan_in = block.weight.shape[1] * block.weight.shape[2]
    return np.array(
        [
            *_one_hot(block.role, ROLES),
            *_one_hot(reading.reduction, REDUCTIONS),
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
        ],
        np.float32,
    )


def position_features(block: Block) -> np.ndarray:
    """Where in the kernel (or flattened map) an edge reads: (positions, POSITION_FEATURES).

    Up to two coordinates from -1 to 1, the distance from the middle, and whether the position is the only one.
    """
    positions = block.weight.shape[2]
    if positions == 1:
        return np.array([[0, 0, 0, 1]], np.float32)
    sizes = block.kernel if len(block.kernel) > 0 else (positions,)
    places = np.stack(np.unravel_index(np.arange(positions), sizes), axis=1).astype(np.float32)
    middles = (np.array(sizes, np.float32) - 1) / 2
    coordinates = (places - middles) / np.maximum(middles, 1)
    two = np.zeros((positions, 2), np.float32)
    two[:, : min(2, coordinates.shape[1])] = coordinates[:, :2]
    distance = np.linalg.norm(coordinates, axis=1, keepdims=True)
    return np.concatenate([two, distance, np.zeros((positions, 1))], axis=1, dtype=np.float32)


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
    norm scale and norm shift.
    """
    found = [np.zeros((group.size, NODE_STATISTICS)) for group in graph.groups]
    for block in graph.blocks:
        target = found[block.target]
        match block.role:
            case "bias":
                target[:, 8] += block.weight[:, 0, 0]
            case "norm_scale":
                target[:, 9] += block.weight[:, 0, 0]
            case "norm_shift":
                target[:, 10] += block.weight[:, 0, 0]
            case "residual" | "attend" | "head":
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


def _one_hot(value: str | None, choices: tuple[str, ...]) -> list[float]:
    return [float(value == choice) for choice in choices]
