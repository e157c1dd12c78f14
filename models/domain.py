"""Whether a network is of the kind a predictor was trained on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from metagauge.graph.parameter_graph import RETURNED, Block, NodeGroup, ParameterGraph
from models.oddities import SHOWN, oddities, reads_indices

_SHARES = frozenset({"softmax", "log_softmax"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a network must look like from outside to be judged: the task of the zoo."""

    channels: int
    extent: tuple[int, ...]
    """Height and width."""
    classes: int
    coverage: float
    """Least share of a checkpoint's parameters that the graph must stand for."""
    edges: int
    """Most edges of a graph: what the zoo's largest networks have."""
    blocks: int
    """Most blocks of a graph, likewise."""

    def objections(self, graph: ParameterGraph) -> tuple[str, ...]:
        """Why a graph is outside; empty if nothing speaks against it. Weights are looked at last."""
        objections = self._objections_to_structure(graph)
        with np.errstate(over="ignore"):  # too large for float32 is infinite
            if not objections and not all(_is_finite(block) for block in graph.blocks):
                return ("some weights are NaN or infinite",)
        return objections

    def _objections_to_structure(self, graph: ParameterGraph) -> tuple[str, ...]:
        return (
            *self._objections_to_ends(graph),
            *self._objections_to_size(graph),
            *_objections_to_operations(graph),
            *_objections_to_guesses(graph),
        )

    def _objections_to_ends(self, graph: ParameterGraph) -> Iterator[str]:
        inputs = [number for number, group in enumerate(graph.groups) if group.kind == "input"]
        outputs = [group for group in graph.groups if group.kind == "output"]
        known = f"{_extent(self.channels, self.extent)} (CIFAR-10 images)"
        if len(inputs) != 1:
            named = ", ".join(f"{graph.groups[number].name!r}" for number in inputs[:SHOWN]) or "none"
            yield f"the network has {len(inputs)} inputs ({named}); this predictor knows networks that read one image"
        elif reads_indices(graph, inputs[0]):
            yield f"the input is token ids or other indices; this predictor knows networks that read {known}"
        else:
            source = graph.groups[inputs[0]]
            if (source.size, source.extent) != (self.channels, self.extent):
                found = _extent(source.size, source.extent)
                yield f"the input has {found}; this predictor knows networks that read {known}"
        returned = len({_returned(group) for group in outputs})
        if returned != 1:
            yield f"the network has {returned} outputs; this predictor knows networks with one"
        elif (size := sum(group.size for group in outputs)) != self.classes:
            yield f"the output has {size} values; this predictor knows {self.classes} classes"
        elif any(group.positions != 1 for group in outputs):
            yield f"the output has {self.classes} values at each of several positions; this predictor knows one answer"
        elif len(outputs) > 1:
            yield f"the output is joined of {len(outputs)} parts; this predictor knows networks that compute it in one"
        yield from _objections_to_answers(graph)

    def _objections_to_size(self, graph: ParameterGraph) -> Iterator[str]:
        if graph.coverage < self.coverage:
            yield (
                f"only {graph.coverage:.1%} of the checkpoint's parameters are understood, and at least"
                f" {self.coverage:.0%} are needed"
            )
        if graph.edges > self.edges:
            yield f"the network has {graph.edges:,} connections; this predictor knows networks of up to {self.edges:,}"
        elif graph.nodes > self.edges:  # every neuron of the zoo has an edge
            yield f"the network has {graph.nodes:,} neurons; this predictor knows networks of up to {self.edges:,}"
        if len(graph.blocks) > self.blocks:
            yield (
                f"the network has {len(graph.blocks):,} weights, biases and connections between layers; this predictor"
                f" knows networks of up to {self.blocks}"
            )
        elif len(graph.groups) > 2 * self.blocks:  # and every group is an end of a block
            yield f"the network has {len(graph.groups):,} sets of neurons; this predictor knows up to {2 * self.blocks}"


def _is_finite(block: Block) -> bool:
    return bool(np.isfinite(np.asarray(block.weight, np.float32)).all())


def _returned(group: NodeGroup) -> str:
    """Which of the network's outputs a group is part of."""
    return next((detail for detail in group.detail if detail.startswith(RETURNED)), f"{RETURNED}0")


def _extent(size: int, extent: tuple[int, ...]) -> str:
    return f"{size} channels of {'x'.join(map(str, extent))} positions" if extent else f"{size} values"


def _objections_to_answers(graph: ParameterGraph) -> Iterator[str]:
    """What else is done to logits keeps the accuracy, and changes how sure the network looks."""
    known = "this predictor knows networks that answer with logits, or with one softmax or log-softmax of them"
    for number, group in enumerate(graph.groups):
        if group.kind != "output":
            continue
        before = {graph.groups[block.source].activation for block in graph.blocks if block.target == number}
        if group.activation not in ("identity", *_SHARES):
            yield f"the output goes through the function {group.activation}; {known}"
        elif before & _SHARES:
            yield f"the output is computed from what a softmax says; {known}"


def _objections_to_guesses(graph: ParameterGraph) -> Iterator[str]:
    """Predictions are for the network that was trained, and not for one that its tensors would fit as well."""
    if graph.guessed:
        more = f"; and {len(graph.guessed) - SHOWN} more" if len(graph.guessed) > SHOWN else ""
        yield (
            "the file does not tell how its layers are connected, and what was assumed instead may not be what was"
            f" trained: {'; '.join(graph.guessed[:SHOWN])}{more}. An ONNX export, or metagauge.declare.save, tells it"
        )


def _objections_to_operations(graph: ParameterGraph) -> Iterator[str]:
    named = oddities(graph)
    if named:
        more = f"; and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        yield f"it has what no network had that this predictor learned from: {'; '.join(named[:SHOWN])}{more}"
