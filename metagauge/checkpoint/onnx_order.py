"""Execution order of an ONNX graph: every value has one source, and comes before those who read it."""

import heapq
from collections.abc import Iterable, Sequence

from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, TensorMissingError


def in_order(nodes: Sequence[Node], given: Iterable[str]) -> tuple[Node, ...]:
    """`nodes` with each after those whose outputs it reads, otherwise as they were; `given` values need no node.

    Raises:
        TensorMissingError: a node reads a value that nothing gives.
        ArchitectureMismatchError: a value has two sources, or nodes read each other's outputs in a circle.
    """
    known = set(given)
    source = _sources(nodes, known)
    waits = [{source[name] for name in _reads(node) if _source_exists(name, node, source, known)} for node in nodes]
    readers: dict[int, list[int]] = {}
    for number, sources in enumerate(waits):
        for other in sources:
            readers.setdefault(other, []).append(number)
    ready = [number for number, sources in enumerate(waits) if not sources]
    missing = [len(sources) for sources in waits]
    order: list[Node] = []
    while ready:  # ascending numbers: the heap keeps the order of the file wherever it is allowed
        number = heapq.heappop(ready)
        order.append(nodes[number])
        for reader in readers.get(number, ()):
            missing[reader] -= 1
            if missing[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(nodes):
        stuck = next(node for node, count in zip(nodes, missing, strict=True) if count)
        message = f"node {_shown(stuck)} waits for its own output, directly or through others: the graph has a circle"
        raise ArchitectureMismatchError(message)
    return tuple(order)


def _sources(nodes: Sequence[Node], known: set[str]) -> dict[str, int]:
    source: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for name in node.outputs:
            if name in source or name in known:
                raise ArchitectureMismatchError(f"value {name!r} has two sources, the second being node {_shown(node)}")
            if name:
                source[name] = number
    return source


def _reads(node: Node) -> Iterable[str]:
    yield from (name for name in node.inputs if name)
    for body in node.bodies.values():
        yield from body.captures


def _source_exists(name: str, node: Node, source: dict[str, int], known: set[str]) -> bool:
    if name in source:
        return True
    if name not in known:
        message = f"node {_shown(node)} reads {name!r}, which is no input, no tensor and no node's output"
        raise TensorMissingError(message)
    return False


def _shown(node: Node) -> str:
    return f"{node.name or next(iter(node.outputs), '')!r} ({node.operator})"
