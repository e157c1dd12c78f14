"""Whether two checkpoints are one network: their canonical graphs, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile
from typing import Literal

from metagauge.cli.inspection.inspection import Inspected, Inspection
from metagauge.graph.digest import differences
from metagauge.graph.parameter_graph import ParameterGraph

TOLERANCE = 1e-4
"""Weights this far apart, as a share of a block's largest, are the same: exporters fold batch norms in other orders."""
_INTEGERS = frozenset({"I8", "U8", "I4", "U4", "I16", "U16"})
"""Element types in which weights are quantised; indices and shapes are I64 or I32."""
_QUANTISED_OPERATORS = frozenset({"requantise", "unpack"})

Verdict = Literal["same", "other weights", "other structure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two, in short."""

    file: str
    family: str
    parameters: int
    form: str
    inputs: tuple[tuple[int, ...], ...]
    graph_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two graphs do not share, in words; nothing if they are the same to TOLERANCE.

    Neurons are compared in the order of the files: a network whose hidden neurons were reordered is another one here.
    """

    first: Side
    second: Side
    verdict: Verdict
    same_digest: bool
    """May be so although weights differ: a digest is made of each block's size and its products with two directions."""
    tolerance: float
    differences: tuple[str, ...]
    explanations: tuple[str, ...]
    """What is known of the two that may be why they differ."""


def comparison(one: Inspected, other: Inspected) -> Comparison:
    """Of two networks that were inspected; every sentence speaks of the first and the second."""
    first, second = _side(one.inspection), _side(other.inspection)
    found = differences(one.graph, other.graph, TOLERANCE)
    has_one_structure = first.graph_digest.split("-")[0] == second.graph_digest.split("-")[0]
    verdict: Verdict = "same" if not found else "other weights" if has_one_structure else "other structure"
    return Comparison(
        first=first,
        second=second,
        verdict=verdict,
        same_digest=first.graph_digest == second.graph_digest,
        tolerance=TOLERANCE,
        differences=found,
        explanations=tuple(_explanations(one, other)) if found else (),
    )


def _side(found: Inspection) -> Side:
    return Side(
        file=found.file,
        family=found.family,
        parameters=found.parameters,
        form=found.form,
        inputs=tuple(each.shape for each in found.inputs),
        graph_digest=found.graph_digest,
    )


def _explanations(one: Inspected, other: Inspected) -> Iterator[str]:
    ours, theirs = (_sizes(side.inspection) for side in (one, other))
    if ours != theirs:
        yield f"the first reads {' and '.join(ours)}, the second {' and '.join(theirs)}"
    sides = (("first", one, other), ("second", other, one))
    for name, side, opposite in sides:
        if _is_quantised(side.inspection) and not _is_quantised(opposite.inspection):
            yield f"the {name} is quantised, and the other one is not"
    for name, side, opposite in sides:
        if _has_unknown_activations(side.graph) and not _has_unknown_activations(opposite.graph):
            yield f"the activations of the {name} are not known, as its file does not tell them"
    for name, side, opposite in sides:
        for assumption in side.inspection.assumed:
            if assumption not in opposite.inspection.assumed:
                yield f"what is assumed of the {name}: {assumption}"
    for name, side, _ in sides:
        if side.inspection.unsupported:
            pieces = tuple(dict.fromkeys(piece.operator for piece in side.inspection.unsupported))
            yield f"what is not understood of the {name}: {', '.join(pieces)}"


def _sizes(found: Inspection) -> list[str]:
    """What a sample is, leading axes of one aside, as some forms have a batch axis and others have none."""
    shapes = [tuple(dropwhile(lambda size: size == 1, each.shape)) or (1,) for each in found.inputs]
    return ["x".join(map(str, shape)) for shape in shapes]


def _is_quantised(found: Inspection) -> bool:
    return not _INTEGERS.isdisjoint(found.dtypes) or not _QUANTISED_OPERATORS.isdisjoint(found.operators)


def _has_unknown_activations(graph: ParameterGraph) -> bool:
    return any(group.activation == "unknown" for group in graph.groups)
