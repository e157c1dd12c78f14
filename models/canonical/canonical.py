"""The graph that a metanetwork is shown: one for all networks that differ in copies and scales of neurons alone."""

from metagauge.graph.parameter_graph import ParameterGraph
from models.canonical.merge import merge
from models.canonical.rescale import rescale


def canonical(graph: ParameterGraph) -> ParameterGraph:
    """Neurons of unit norm (see `rescale`) and no copies (see `merge`): exactly the same function.

    Copies may have been scaled apart, so scales come first; adding their weights up changes norms, so scales come
    last, too. The very same graph where nothing applies.
    """
    scaled = rescale(graph)
    merged = merge(scaled)
    return scaled if merged is scaled else rescale(merged)
