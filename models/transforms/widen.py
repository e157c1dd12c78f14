"""Copies of hidden neurons that share what they say: a wider network of the same function."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import Attention, Conv
from models.transforms.orbits import Orbit, Orbits, is_depthwise
from models.transforms.transform import Changed, NotApplicableError


def widen(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, *, factor: int = 2
) -> Changed:
    """`factor` copies of every hidden neuron; weights that read them are divided by it (Chen et al. 2016, sec. 2.2).

    All neurons get as many copies, so that norms find the statistics that they found before; those of one group of a
    norm stay in it. Attention gets copies of its heads. Channels of grouped convolutions stay as they are, unless
    every channel is a group. Nothing is drawn.

    Raises:
        NotApplicableError: no neuron may be copied, or a tensor is shared.
    """
    del rng
    orbits = Orbits(architecture, tensors)
    changed = dict(tensors)
    for use in orbits.uses:
        orbit = orbits.of(use.orbit)
        if not _can_widen(orbit):
            continue
        index = use.spread(_copies(orbit, factor), orbit.size)
        wider = changed[use.tensor].take(index, axis=use.axis)
        changed[use.tensor] = (wider / np.float32(factor)).astype(np.float32) if use.reads else wider
    if not any(_can_widen(orbits.of(use.orbit)) for use in orbits.uses):
        raise NotApplicableError("no hidden neuron can be copied")
    operations = tuple(_wider(operation, orbits, factor) for operation in architecture.operations)
    return replace(architecture, operations=operations), changed


def _can_widen(orbit: Orbit) -> bool:
    return not orbit.is_fixed and not orbit.is_counted


def _copies(orbit: Orbit, factor: int) -> np.ndarray:
    """For each neuron of the wider network, which one it copies."""
    if orbit.heads_of:
        heads = np.arange(orbit.size).reshape(orbit.runs, -1)
        return np.repeat(heads, factor, axis=0).ravel()
    return np.repeat(np.arange(orbit.size), factor)


def _wider(operation: Operation, orbits: Orbits, factor: int) -> Operation:
    """The operation with as many heads, or groups of one channel, as it has now."""
    layer = operation.layer
    if isinstance(layer, Attention):
        return replace(operation, layer=replace(layer, heads=layer.heads * factor))
    if isinstance(layer, Conv) and is_depthwise(layer, orbits.tensors) and _can_widen(orbits.of(operation.name)):
        return replace(operation, layer=replace(layer, groups=layer.groups * factor))
    return operation
