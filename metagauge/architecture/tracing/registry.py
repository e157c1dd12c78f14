"""Which function traces which operator: one table for each theme."""

from metagauge.architecture.tracing import (
    activation,
    arithmetic,
    attention,
    contraction,
    control,
    conversion,
    convolution,
    creation,
    function,
    indexing,
    legacy,
    loops,
    movement,
    normalisation,
    pooling,
    quantised,
    recurrent,
    reduction,
    resizing,
    sequences,
)
from metagauge.architecture.tracing.tracing import Registry

REGISTRY: Registry = {
    **activation.OPERATORS,
    **arithmetic.OPERATORS,
    **attention.OPERATORS,
    **contraction.OPERATORS,
    **conversion.OPERATORS,
    **convolution.OPERATORS,
    **creation.OPERATORS,
    **indexing.OPERATORS,
    **legacy.OPERATORS,
    **movement.OPERATORS,
    **normalisation.OPERATORS,
    **pooling.OPERATORS,
    **recurrent.OPERATORS,
    **reduction.OPERATORS,
    **resizing.OPERATORS,
    **sequences.OPERATORS,
    **control.OPERATORS,
    **loops.OPERATORS,
    **function.OPERATORS,
    **quantised.OPERATORS,
}
"""By domain and operator; `("", "")` is the call of a function that the file defines."""
