"""The share of a checkpoint that an architecture uses."""

from dataclasses import replace

import numpy as np
import pytest

from metagauge.architecture.coverage import coverage, parameters_of, unused_tensors
from metagauge.architecture.layers import Linear
from metagauge.architecture.parameter import Parameter, Slice
from tests.architecture.specified import SPECIFICATION, TENSORS, checkpoint, operation, with_weight


def test_everything_used_is_all():
    assert coverage(SPECIFICATION, checkpoint()) == 1.0
    assert unused_tensors(SPECIFICATION, checkpoint()) == ()


def test_an_unused_tensor_lowers_it_by_its_elements():
    more = checkpoint({**TENSORS, "head.weight": np.ones((4, 20), np.float32)})
    assert coverage(SPECIFICATION, more) == pytest.approx(80 / 160)
    assert unused_tensors(SPECIFICATION, more) == ("head.weight",)


def test_counters_and_scalars_are_no_parameters():
    more = {**TENSORS, "num_batches_tracked": np.asarray(7), "temperature": np.asarray(1.0, np.float32)}
    assert coverage(SPECIFICATION, checkpoint(more)) == 1.0


def test_a_slice_counts_for_its_own_size():
    half = with_weight(Parameter(tensor="fc2.weight", views=(Slice(axis=0, start=0, stop=1),)))
    assert coverage(half, checkpoint()) == pytest.approx(70 / 80)


def test_a_tensor_used_twice_counts_once():
    tied = operation("fc3", "fc2", Linear(weight=Parameter(tensor="fc1.weight")))
    twice = replace(SPECIFICATION, operations=(*SPECIFICATION.operations, tied))
    assert coverage(twice, checkpoint()) == 1.0
    assert len(parameters_of(twice)) == 3
