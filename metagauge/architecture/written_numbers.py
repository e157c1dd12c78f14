"""Numbers that belong to the wiring and not to the checkpoint, written into the dataflow."""

from collections.abc import Collection
from dataclasses import replace

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.source import Weight
from metagauge.checkpoint.checkpoint import Checkpoint


def with_numbers(dataflow: Dataflow, checkpoint: Checkpoint, added: Collection[str]) -> Dataflow:
    """The dataflow with the tensors called `added`, which the file does not have, as constants.

    Raises:
        LimitExceededError: one is larger than a constant may be.
    """
    steps = tuple(
        replace(step, operator=pack(checkpoint.tensor(step.operator.tensor).array()))
        if isinstance(step.operator, Weight) and step.operator.tensor in added
        else step
        for step in dataflow.steps
    )
    return replace(dataflow, steps=steps)
