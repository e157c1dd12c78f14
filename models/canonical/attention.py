"""Attention as graphs of layers draw it: query, key and value neurons in runs, one for each head."""

from collections.abc import Iterator
from dataclasses import dataclass

from metagauge.graph.parameter_graph import ParameterGraph
from models.canonical.blocks import incoming


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The groups of one attention, by number."""

    query: int
    key: int
    value: int
    heads: int
    count: int
    """How many heads there are."""


def attentions(graph: ParameterGraph) -> Iterator[Heads]:
    """The attentions of a graph whose groups are all there, and are used as attention uses them."""
    into = incoming(graph)
    for number, group in enumerate(graph.groups):
        members = [block for block in into[number] if block.role == "head"]
        parts: dict[str, int] = {}
        for member in members:
            roles = {block.role for block in into[member.source]} - {"bias", "attend"}
            if len(roles) == 1 and member.groups == group.size:
                parts[roles.pop()] = member.source
        if len(members) == len(into[number]) == len(parts) == 3 and parts.keys() == {"query", "key", "value"}:
            yield Heads(query=parts["query"], key=parts["key"], value=parts["value"], heads=number, count=group.size)
