"""In tests, shapes in signatures are checked."""

from dataclasses import replace

import pytest
import torch
from jaxtyping import TypeCheckError

from models.graph_tensors import stack
from models.interpreter.layers import run
from models.metanetworks.targets import accuracy_and_gap
from tests.sketches import residual
from tests.zoo_networks import graph_of


def test_a_tensor_with_an_axis_too_many_is_refused():
    with pytest.raises(TypeCheckError, match="outputs"):
        accuracy_and_gap(torch.zeros(3, 2, 1))


def test_axes_of_one_name_have_one_size():
    block = stack([graph_of(*residual())]).blocks[0]
    with pytest.raises(TypeCheckError):
        replace(block, positions=block.positions[:-1])


def test_integers_are_no_inputs():
    architecture, arrays = residual()
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    with pytest.raises(TypeCheckError):
        run(architecture, tensors, torch.zeros(1, 3, 32, 32, dtype=torch.int64))
