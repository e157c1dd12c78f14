"""A network in a few words, such as "12-24-48 channels, batch norm, relu"."""

from itertools import groupby

from metagauge.graph.parameter_graph import NodeGroup, ParameterGraph

SHOWN = 6
"""Widths that are named one by one."""
_PLAIN = ("identity", "softmax")


def describe(graph: ParameterGraph) -> str:
    """Widths of its layers from input to output, its norms and its activations."""
    hidden = sorted((group for group in graph.groups if _is_layer(group)), key=lambda group: group.depth)
    if not hidden:
        return "no hidden layer"
    widths = [width for width, _ in groupby(group.size for group in hidden)]
    shown = "-".join(map(str, widths[:SHOWN])) + ("-..." if len(widths) > SHOWN else "")
    kind = "channels" if any(block.role == "conv" for block in graph.blocks) else "neurons"
    norms = dict.fromkeys(f"{group.norm} norm" for group in hidden if group.norm != "none")
    functions = dict.fromkeys(
        str(group.activation).replace("_", " ") for group in hidden if group.activation not in _PLAIN
    )
    return ", ".join([f"{shown} {kind}", *(norms or ["no norm"]), *functions])


def _is_layer(group: NodeGroup) -> bool:
    return group.kind == "hidden" and group.activation != "softmax"
