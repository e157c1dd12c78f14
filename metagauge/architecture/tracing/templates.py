"""Operators that only programs written by templates have."""

from metagauge.architecture.tracing.arithmetic import unary
from metagauge.architecture.tracing.states import Inputs, Tensorlike, required
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node


def _unknown(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """A function of each element of which nothing is known, as between the layers of a bare chain."""
    return unary(tracing, "unknown", required(inputs, 0))


OPERATORS: Registry = {("metagauge", "Unknown"): _unknown}
