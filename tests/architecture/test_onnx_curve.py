"""Activations are recognised by their values, and by nothing less."""

from collections.abc import Callable
from math import erf, pi, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from metagauge.architecture.layers import Activation
from metagauge.architecture.onnx.curve import FUNCTIONS, IDENTITY, decimal, known_activation, linear_factor

GRID = torch.tensor(IDENTITY.copy())

TORCH: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    **{name: getattr(functional, name) for name in FUNCTIONS if name != "gelu_tanh"},
}


@pytest.mark.parametrize("name", TORCH)
def test_pytorchs_function_is_recognised(name: str):
    assert known_activation(TORCH[name](GRID).numpy()) == Activation(function=name)


@given(st.sampled_from([0.01, 0.02, 0.1, 0.2, 0.25, 0.5, 0.9]))
def test_slopes_are_read(slope: float):
    leaky = functional.leaky_relu(GRID, slope).numpy()
    assert known_activation(leaky) == Activation(function="leaky_relu", slope=slope)
    exponential = functional.elu(GRID, slope).numpy()
    assert known_activation(exponential) == Activation(function="elu", slope=slope)


def test_a_function_written_out_in_single_precision_is_recognised():
    by_hand = np.array([x * 0.5 * (1 + erf(x / np.float32(sqrt(2)))) for x in IDENTITY])
    assert known_activation(by_hand) == Activation(function="gelu")
    approximate = (
        0.5 * IDENTITY * (1 + np.tanh(np.float32(sqrt(2 / pi)) * (IDENTITY + np.float32(0.044715) * IDENTITY**3)))
    )
    assert known_activation(approximate) == Activation(function="gelu_tanh")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.clip(x, -1, 1),
        lambda x: np.clip(x, 0, 20),
        lambda x: np.clip(x, 0, 5.9),
        lambda x: x**2,
        lambda x: np.maximum(x, 0) ** 2,
        lambda x: x / (1 + np.exp(-1.702 * x)),
        lambda x: x + 1,
        np.zeros_like,
    ],
)
def test_functions_that_only_resemble_one_are_not(function: Callable[[np.ndarray], np.ndarray]):
    assert known_activation(function(IDENTITY)) is None


def test_a_line_through_the_origin_is_a_factor():
    assert linear_factor(IDENTITY * 0.125) == 0.125
    assert linear_factor(IDENTITY + 1) is None
    assert linear_factor(np.maximum(IDENTITY, 0)) is None


@given(st.decimals(min_value="-1000", max_value="1000", places=4))
def test_single_precision_gives_the_written_decimal_back(number):
    assert decimal(float(np.float32(float(number)))) == float(number)
