"""The coarse kind of a network that is known as a dataflow."""

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.contraction import Convolve
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import Softmax


def family_of(dataflow: Dataflow) -> str:
    """For people: recurrent, transformer, cnn, embedding, or other."""
    operators = [step.operator for step in dataflow.steps]
    inner = operators[: -max(len(operators) // 20, 1)]
    if any(isinstance(operator, Recurrent) for operator in operators):
        return "recurrent"
    if any(isinstance(operator, Softmax) for operator in inner):
        return "transformer"
    if any(isinstance(operator, Convolve) for operator in operators):
        return "cnn"
    return "embedding" if any(isinstance(operator, Gather) for operator in operators) else "other"
