"""A window that covers all positions is a reduction."""

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.operators.reduction import Reduce, ReduceFunction, WindowPool


def reduce_whole(draft: Draft, call: Call) -> Call | None:
    """A mean or maximum over windows as large as the value, without padding."""
    match call.operator:
        case WindowPool(reduction="mean" | "max" as reduction):
            pool = call.operator
        case _:
            return None
    shape = draft.shape(call.inputs[0])
    if shape is None or any(width for pair in pool.padding for width in pair):
        return None
    positions = shape[2:]
    covers = all(size <= width for size, width in zip(positions, pool.kernel, strict=True))
    if not covers or any(each != 1 for each in pool.dilation):
        return None
    if not pool.ceil and any(size < width for size, width in zip(positions, pool.kernel, strict=True)):
        return None
    function: ReduceFunction = reduction
    return Call(operator=Reduce(function=function, axes=tuple(range(2, len(shape)))), inputs=call.inputs)
