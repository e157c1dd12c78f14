"""Recurrent networks compute what onnxruntime computes."""

import numpy as np
import pytest
import torch

from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.errors import OperatorUnknownError
from models.interpreter.apply import apply
from tests.models.interpreter.runtime import ort

STEPS, BATCH, INPUTS, HIDDEN = 5, 2, 3, 4
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def compare(operator: Recurrent, inputs: list[np.ndarray | None], **attributes: object) -> None:
    outputs = 3 if operator.cell == "lstm" else 2
    x, weight, recurrence, *others = inputs
    bias, state, cell, peephole = (*others, None, None, None, None)[:4]
    given = [x, weight, recurrence, bias, None, state]
    given += [cell, peephole] if operator.cell == "lstm" else []
    expected = ort(
        operator.cell.upper(), given, outputs, hidden_size=HIDDEN, direction=operator.direction, **attributes
    )
    tensors = [None if array is None else torch.from_numpy(array) for array in inputs]
    found = apply(operator, tensors, {})
    assert len(found) == outputs
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left.numpy(), right, rtol=1e-4, atol=1e-5)


def weights(cell: str, directions: int) -> list[np.ndarray]:
    rows = GATES[cell] * HIDDEN
    return [
        random(STEPS, BATCH, INPUTS),
        random(directions, rows, INPUTS),
        random(directions, rows, HIDDEN),
        random(directions, 2 * rows),
    ]


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_cells_in_every_direction(cell: str, direction: str):
    directions = 2 if direction == "bidirectional" else 1
    start = random(directions, BATCH, HIDDEN)
    compare(Recurrent(cell=cell, direction=direction, hidden=HIDDEN), [*weights(cell, directions), start])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_without_bias_or_start(cell: str):
    compare(Recurrent(cell=cell, direction="forward", hidden=HIDDEN), weights(cell, 1)[:3])


def test_a_gru_that_multiplies_before_it_resets():
    operator = Recurrent(cell="gru", direction="forward", hidden=HIDDEN, linear_before_reset=True)
    compare(operator, weights("gru", 1), linear_before_reset=1)


def test_an_lstm_with_peepholes_and_clipping():
    operator = Recurrent(cell="lstm", direction="forward", hidden=HIDDEN, clip=0.5)
    start = random(1, BATCH, HIDDEN)
    compare(operator, [*weights("lstm", 1), start, 2 * start, random(1, 3 * HIDDEN)], clip=0.5)


def test_other_activations_per_direction():
    names = ("HardSigmoid", "Relu", "Sigmoid", "Tanh")
    operator = Recurrent(cell="gru", direction="bidirectional", hidden=HIDDEN, activations=names)
    compare(operator, weights("gru", 2), activations=list(names))


def test_an_unknown_activation_is_named():
    operator = Recurrent(cell="rnn", direction="forward", hidden=HIDDEN, activations=("Sinus",))
    with pytest.raises(OperatorUnknownError, match="Sinus"):
        compare(operator, weights("rnn", 1), activations=["Tanh"])
