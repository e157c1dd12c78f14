"""The graph that a metanetwork is shown: one for all networks that differ in copies and scales of neurons alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from metagauge.graph.parameter_graph import ParameterGraph
from models.canonical.copies import copies
from models.canonical.merge import merged
from models.canonical.rescale import rescale


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """A graph in canonical form, and which of the neurons it was made of are left."""

    graph: ParameterGraph
    kept: Mapping[int, Int[np.ndarray, " kept"]]
    """By the number of a group the neurons that stand for themselves and their copies; other groups have all."""


def canonical(graph: ParameterGraph) -> ParameterGraph:
    """Neurons of unit norm (see `rescale`) and no copies (see `merge`): exactly the same function.

    Copies may have been scaled apart, so scales come first; adding their weights up changes norms, so scales come
    last, too. The very same graph where nothing applies.
    """
    return canonical_form(graph).graph


def canonical_form(graph: ParameterGraph) -> Canonical:
    """The same, with the neurons that are left."""
    scaled = rescale(graph)
    found = copies(scaled)
    if not found:
        return Canonical(graph=scaled, kept={})
    kept = {number: np.unique(classes) for number, classes in found.items()}
    return Canonical(graph=rescale(merged(scaled, found)), kept=kept)
