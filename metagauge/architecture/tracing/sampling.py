"""GridSample: a grid, often of parameters, read between its points."""

from collections.abc import Mapping
from typing import get_args

from metagauge.architecture.attributes import flag, text
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_MODES = {"bilinear": "linear", "linear": "linear", "nearest": "nearest", "bicubic": "cubic", "cubic": "cubic"}
_OUTSIDE = frozenset(get_args(Sample.__annotations__["outside"]))


def _grid_sample(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    mode, outside = text(node, "mode", "linear"), text(node, "padding_mode", "zeros")
    if mode not in _MODES or outside not in _OUTSIDE:
        raise StructureNotInferableError(f"samples in mode {mode!r} with {outside!r} outside")
    operator = Sample(
        mode=_MODES[mode],  # type: ignore[arg-type]
        outside=outside,  # type: ignore[arg-type]
        corners=flag(node, "align_corners", False),
    )
    return tracing.apply(operator, required(inputs, 0), required(inputs, 1))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {("", "GridSample"): _grid_sample}
