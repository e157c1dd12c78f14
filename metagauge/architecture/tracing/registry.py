"""Which function traces which operator: one table for each theme."""

from metagauge.architecture.tracing import arithmetic, movement
from metagauge.architecture.tracing.tracing import Registry

REGISTRY: Registry = {
    **arithmetic.OPERATORS,
    **movement.OPERATORS,
}
"""By domain and operator; `("", "")` is the call of a function that the file defines."""
