"""What a network has that no network of a zoo has, in words for people who know networks and not our graphs."""

from collections.abc import Iterator, Mapping
from typing import get_args

from metagauge.architecture.layers import ActivationFunction
from metagauge.graph.parameter_graph import Block, Function, NodeGroup, NormKind, Operation, ParameterGraph, Role

OPERATIONS: tuple[Operation, ...] = ("sum", "standardise")
"""What zoos are made of; standardise, without details, stands for the groups of a group norm."""
NORMS: tuple[NormKind, ...] = ("none", "batch", "group", "layer")
FUNCTIONS: tuple[str, ...] = get_args(ActivationFunction)
ROLES: tuple[Role, ...] = (
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
    "member",
)
SHOWN = 6
"""Things that a reason names."""

_OPERATIONS: Mapping[Operation, str] = {
    "sum": "a sum",
    "standardise": "values that are standardised",
    "product": "values that are multiplied with each other, such as gates",
    "quotient": "values that are divided by each other",
    "contract": "products of computed matrices, such as another attention than a vision transformer's",
    "binary": "comparisons or other functions of two values",
    "choose": "values that are chosen after a condition",
    "softmax": "a softmax between its layers",
    "reduce": "a sum, mean or maximum over an axis",
    "window": "pooling of another kind",
    "accumulate": "running sums",
    "extreme": "the index of a largest or smallest value",
    "gather": "values that are looked up by index, such as embeddings of tokens",
    "scatter": "values that are written by index",
    "resample": "up- or downsampling",
    "local_norm": "local response normalisation",
    "requantise": "quantisation",
    "recurrent": "recurrent cells",
    "join": "values that are put one behind the other, as in DenseNets",
    "rearrange": "values that are put in another order or cut out",
    "opaque": "an operator that is not known",
}
_RECURRENT: tuple[Role, ...] = ("recurrent_input", "recurrent_state", "recurrent_bias", "peephole")
_ROLES: Mapping[Role, str] = {
    "scale": "a learned factor for each neuron, such as layer scale",
    "embedding": "a table of embeddings",
    **dict.fromkeys(_RECURRENT, _OPERATIONS["recurrent"]),
    "wire": "values that are wired in another way than a layer's",
    "operand": "parameters that are combined with values in another way than a layer's",
}
_NORMS: Mapping[NormKind, str] = {"rms": "RMS norm", "instance": "instance norm"}
_FUNCTIONS: Mapping[Function, str] = {
    "unknown": "an activation that is not known",
    "affine": "values that are scaled or shifted in another way than a layer's",
}
_CELLS = {"lstm": "LSTM cells", "gru": "GRU cells", "rnn": "plain recurrent cells"}


def oddities(graph: ParameterGraph) -> tuple[str, ...]:
    """Each once: what a metanetwork has features for, and has never learned what it means."""
    found = [word for group in graph.groups for word in _of_group(group)]
    found += [word for block in graph.blocks for word in _of_block(block, graph.groups[block.target])]
    once = dict.fromkeys(found)
    if not once.keys().isdisjoint(_CELLS.values()):
        once.pop(_OPERATIONS["recurrent"], None)
    return tuple(once)


def reads_indices(graph: ParameterGraph, number: int) -> bool:
    """Whether the group `number`, an input, says which rows of a table to take, as the ids of tokens do."""
    return any(
        block.role == "embedding" or graph.groups[block.target].operation == "gather"
        for block in graph.blocks
        if block.source == number
    )


def _of_group(group: NodeGroup) -> Iterator[str]:
    if group.operation not in OPERATIONS:
        yield _operation(group)
    has_extent = any(each.startswith("over=") for each in group.detail)
    if has_extent:
        yield f"{_NORMS.get(group.norm, f'{group.norm} norm')} over {_extent(group.detail)}"
    elif group.norm not in NORMS:
        yield _NORMS.get(group.norm, f"{group.norm} norm")
    if group.activation not in FUNCTIONS:
        yield _FUNCTIONS.get(group.activation, f"the function {group.activation}")
    elif group.operation in OPERATIONS and group.detail and not has_extent:
        yield _variant(group)


def _operation(group: NodeGroup) -> str:
    cell = next((each.removeprefix("cell=") for each in group.detail if each.startswith("cell=")), "")
    return _CELLS.get(cell, _OPERATIONS[group.operation])


def _variant(group: NodeGroup) -> str:
    """A sum of another kind."""
    if any(each.startswith("softmax") for each in group.detail):
        return _OPERATIONS["softmax"]
    if group.activation != "identity":
        return f"the function {group.activation} with other constants than usual"
    return _FUNCTIONS["affine"]


def _extent(detail: tuple[str, ...]) -> str:
    """What statistics are taken over: the graph says it as runs of neurons, a bar, and runs of positions."""
    over = next(each.removeprefix("over=") for each in detail if each.startswith("over="))
    neurons, _, positions = over.partition("|")
    if "all" not in positions:
        run = "runs of features" if "each" in neurons else "the features"
        return f"{run} of each token" if positions else run
    return "features and positions" if "all" in neurons else "positions"


def _of_block(block: Block, target: NodeGroup) -> Iterator[str]:
    if block.role == "wire":
        if target.operation in OPERATIONS:  # others are named as what they are
            yield _ROLES[block.role]
    elif block.role not in ROLES:
        yield _ROLES.get(block.role, block.role)
    if any(size < 0 for pair in (*block.padding, *block.reading.padding) for size in pair):
        yield "padding that cuts off instead of adding"
    if block.transposed:
        yield "a transposed convolution"
