"""Whether two checkpoints are one network: their canonical graphs, side by side."""

from dataclasses import dataclass

from metagauge.cli.inspection.inspection import Inspected
from metagauge.graph.digest import differences

TOLERANCE = 1e-4
"""Weights this far apart, as a share of a block's largest, are the same: exporters fold batch norms in other orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two graphs do not share, in words; nothing if they are the same to TOLERANCE."""

    file: str
    other: str
    other_digest: str
    same_digest: bool
    tolerance: float
    differences: tuple[str, ...]


def comparison(one: Inspected, other: Inspected) -> Comparison:
    """Of two networks that were inspected; every sentence speaks of the first and the second."""
    return Comparison(
        file=one.inspection.file,
        other=other.inspection.file,
        other_digest=other.inspection.graph_digest,
        same_digest=one.inspection.graph_digest == other.inspection.graph_digest,
        tolerance=TOLERANCE,
        differences=differences(one.graph, other.graph, TOLERANCE),
    )
