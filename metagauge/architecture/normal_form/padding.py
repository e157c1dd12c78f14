"""Zeros around positions belong to the window that reads them: exporters write uneven padding as a step of its own."""

from dataclasses import replace

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.operators.contraction import Convolve
from metagauge.architecture.operators.movement import Pad
from metagauge.architecture.operators.reduction import WindowPool


def take_padding(draft: Draft, call: Call) -> Call | None:
    """A convolution, or a mean that counts its padding, of a value padded with zeros along positions."""
    match call.operator:
        case Convolve(transposed=False) | WindowPool(reduction="mean", ceil=False):
            operator = call.operator
        case _:
            return None
    if not call.inputs:
        return None
    inner = draft.call(call.inputs[0])
    if inner is None or not isinstance(inner.operator, Pad):
        return None
    pad = inner.operator
    before, widths = pad.widths[:2], pad.widths[2:]
    if pad.mode != "constant" or pad.value != 0 or any(width for pair in before for width in pair):
        return None
    if any(width < 0 for pair in widths for width in pair) or len(widths) != len(operator.padding):
        return None
    is_padded = any(width for pair in operator.padding for width in pair)
    if isinstance(operator, WindowPool) and is_padded and not operator.count_padding:
        return None
    total = tuple(
        (ours[0] + theirs[0], ours[1] + theirs[1]) for ours, theirs in zip(operator.padding, widths, strict=True)
    )
    inputs = (inner.inputs[0], *call.inputs[1:])
    if isinstance(operator, WindowPool):
        return Call(operator=replace(operator, padding=total, count_padding=True), inputs=inputs)
    return Call(operator=replace(operator, padding=total), inputs=inputs)
