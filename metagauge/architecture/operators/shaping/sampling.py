"""The shape of a sampled grid."""

from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.shaping.rules import Shape, Shapes
from metagauge.errors import ArchitectureMismatchError


def shape(operator: Sample, inputs: Shapes) -> Shape | None:
    """One value for each channel and point."""
    source, points = inputs
    if source is None or points is None:
        return None
    axes = len(source) - 2
    if axes < 1 or len(points) < 2 or points[-1] != axes or points[0] != source[0]:
        message = f"{operator.kind} reads a grid of shape {list(source)} at points of shape {list(points)}"
        raise ArchitectureMismatchError(message)
    if 0 in source[2:]:
        raise ArchitectureMismatchError(f"{operator.kind} reads a grid without elements, of shape {list(source)}")
    return (*source[:2], *points[1:-1])
