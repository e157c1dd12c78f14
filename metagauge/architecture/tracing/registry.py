"""Which function traces which operator: one table for each theme."""

from metagauge.architecture.tracing import arithmetic, control, function, loops, movement, quantised
from metagauge.architecture.tracing.tracing import Registry

REGISTRY: Registry = {
    **arithmetic.OPERATORS,
    **movement.OPERATORS,
    **control.OPERATORS,
    **loops.OPERATORS,
    **function.OPERATORS,
    **quantised.OPERATORS,
}
"""By domain and operator; `("", "")` is the call of a function that the file defines."""
