"""Which neurons of a graph may change places, or become one, and with which others they do so."""

from metagauge.graph.parameter_graph import Block, ParameterGraph
from models.canonical.attention import Heads, attentions
from models.canonical.blocks import WEIGHTS, is_one_to_one
from models.canonical.sets import Sets

STATISTICS = ("layer", "group", "rms", "instance")
"""Norms that take statistics over neurons."""
_JOINT = ("softmax", "log_softmax")
"""Activations that look at all neurons of a group at once."""


class NeuronSets:
    """Sets of groups that wiring joins neuron by neuron.

    Barred are groups that are ordered, that anything but a sum makes or reads, or that are wired in a way we do not
    know. The features of an attention keep to their heads, and the neurons of a norm's group to it.
    """

    def __init__(self, graph: ParameterGraph) -> None:
        self._graph = graph
        self._sets = Sets(len(graph.groups))
        self.attentions = {each.heads: each for each in attentions(graph)}
        for number in range(len(graph.groups)):
            if not self._is_free(number):
                self._sets.bar(number)
        for block in graph.blocks:
            self._look(block)

    def of(self, number: int) -> int:
        """The number that stands for the set of a group."""
        return self._sets.of(number)

    def is_barred(self, number: int) -> bool:
        """Whether a group's neurons stay where they are."""
        return self._sets.is_barred(number)

    def attention_of(self, number: int) -> Heads | None:
        """The attention whose queries, keys or values a group's neurons are."""
        found = (each for each in self.attentions.values() if number in (each.query, each.key, each.value))
        return next(found, None)

    def _is_free(self, number: int) -> bool:
        group = self._graph.groups[number]
        is_plain = group.kind == "hidden" and not group.ordered and group.operation == "sum"
        if number in self.attentions:
            return is_plain
        return is_plain and not group.places and not group.detail and group.activation not in _JOINT

    def _look(self, block: Block) -> None:
        source, target = self._graph.groups[block.source], self._graph.groups[block.target]
        if block.role == "member" and target.operation == "standardise" and source.norm_groups == target.size:
            return
        if target.operation != "sum" or block.sharing is not None:
            self._sets.bar(block.source, block.target)
        elif source.kind == "parameter" or (block.role == "head" and block.target in self.attentions):
            return
        elif self._is_one_by_one(block):
            self._sets.join(block.source, block.target)
        elif block.role not in WEIGHTS or block.groups > 1:
            self._sets.bar(block.source, block.target)

    def _is_one_by_one(self, block: Block) -> bool:
        if block.role == "attend":
            return any(each.key == block.source for each in self.attentions.values())
        return block.role in ("residual", "conv") and is_one_to_one(block, self._graph)
