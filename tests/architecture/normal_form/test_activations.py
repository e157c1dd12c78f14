"""An activation is one function, however it was written; what only looks like one stays as it is."""

from collections.abc import Callable
from math import pi, sqrt

import pytest

from metagauge.architecture.operators.elementwise import Unary, Where
from tests.architecture.normal_form.sketch import Sketch, computing

Spelling = Callable[[Sketch, str], str]


def gelu_by_halves(s: Sketch, x: str) -> str:
    e = s.unary("erf", s.affine(x, 1 / 1.41421354))
    return s.affine(s.binary("multiply", x, s.affine(e, 1.0, 1.0)), 0.5)


def gelu_halved_first(s: Sketch, x: str) -> str:
    e = s.affine(s.unary("erf", s.binary("divide", x, s.constant(1.4142135))), 1.0, 1.0)
    return s.binary("multiply", s.affine(x, 0.5), e)


def gelu_of_a_share(s: Sketch, x: str) -> str:
    return s.binary("multiply", s.affine(s.unary("erf", s.affine(x, 0.70710677)), 0.5, 0.5), x)


def gelu_tanh_of_a_cube(s: Sketch, x: str) -> str:
    inner = s.binary("add", x, s.affine(s.unary("power", x, 3.0), 0.044715))
    t = s.affine(s.unary("tanh", s.affine(inner, sqrt(2 / pi))), 1.0, 1.0)
    return s.affine(s.binary("multiply", x, t), 0.5)


def gelu_tanh_of_products(s: Sketch, x: str) -> str:
    square = s.binary("multiply", x, x)
    inner = s.binary("multiply", s.affine(x, 0.79788456), s.affine(square, 0.044715, 1.0))
    return s.binary("multiply", s.affine(x, 0.5), s.affine(s.unary("tanh", inner), 1.0, 1.0))


def silu(s: Sketch, x: str) -> str:
    return s.binary("multiply", s.unary("sigmoid", x), x)


def silu_by_exponentials(s: Sketch, x: str) -> str:
    return s.binary("divide", x, s.affine(s.unary("exp", s.unary("negate", x)), 1.0, 1.0))


def mish(s: Sketch, x: str) -> str:
    return s.binary("multiply", x, s.unary("tanh", s.unary("softplus", x)))


def softplus(s: Sketch, x: str) -> str:
    return s.unary("log", s.affine(s.unary("exp", x), 1.0, 1.0))


def hardswish(s: Sketch, x: str) -> str:
    return s.affine(s.binary("multiply", x, s.unary("clip", s.affine(x, 1.0, 3.0), 0.0, 6.0)), 1 / 6)


def hardswish_of_hardsigmoid(s: Sketch, x: str) -> str:
    return s.binary("multiply", x, s.unary("hardsigmoid", x, 1 / 6, 0.5))


def hardsigmoid(s: Sketch, x: str) -> str:
    return s.affine(s.unary("clip", s.affine(x, 1.0, 3.0), 0.0, 6.0), 1 / 6)


def relu_as_maximum(s: Sketch, x: str) -> str:
    return s.binary("maximum", s.constant(0.0), x)


def leaky_relu(s: Sketch, x: str) -> str:
    return s.binary("maximum", x, s.affine(x, 0.2))


def leaky_relu_by_choice(s: Sketch, x: str) -> str:
    return s.do(Where(), s.binary("greater", x, s.constant(0.0)), x, s.affine(x, 0.2))


def elu(s: Sketch, x: str) -> str:
    low = s.affine(s.unary("exp", s.unary("clip", x, -3.4028234663852886e38, 0.0)), 0.5, -0.5)
    return s.binary("add", s.unary("relu", x), low)


def clipped(s: Sketch, x: str) -> str:
    return s.binary("minimum", s.unary("relu", x), s.constant(6.0))


def sigmoid(s: Sketch, x: str) -> str:
    return s.unary("reciprocal", s.affine(s.unary("exp", s.affine(x, -1.0)), 1.0, 1.0))


SPELLINGS: dict[str, tuple[Spelling, Unary]] = {
    "gelu": (gelu_by_halves, Unary(function="gelu")),
    "gelu, halved first": (gelu_halved_first, Unary(function="gelu")),
    "gelu, of a share": (gelu_of_a_share, Unary(function="gelu")),
    "gelu tanh": (gelu_tanh_of_a_cube, Unary(function="gelu_tanh")),
    "gelu tanh, of products": (gelu_tanh_of_products, Unary(function="gelu_tanh")),
    "silu": (silu, Unary(function="silu")),
    "silu, by exponentials": (silu_by_exponentials, Unary(function="silu")),
    "mish": (mish, Unary(function="mish")),
    "softplus": (softplus, Unary(function="softplus")),
    "hardswish": (hardswish, Unary(function="hardswish")),
    "hardswish, of hardsigmoid": (hardswish_of_hardsigmoid, Unary(function="hardswish")),
    "hardsigmoid": (hardsigmoid, Unary(function="hardsigmoid", alpha=0.16666667, beta=0.5)),
    "relu": (relu_as_maximum, Unary(function="relu")),
    "leaky relu": (leaky_relu, Unary(function="leaky_relu", alpha=0.2)),
    "leaky relu, by choice": (leaky_relu_by_choice, Unary(function="leaky_relu", alpha=0.2)),
    "elu": (elu, Unary(function="elu", alpha=0.5)),
    "relu6": (clipped, Unary(function="clip", alpha=0.0, beta=6.0)),
    "sigmoid": (sigmoid, Unary(function="sigmoid")),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_an_activation_is_one_function(name: str):
    spelling, expected = SPELLINGS[name]
    s = Sketch()
    found = computing(s.normal(spelling(s, s.given(1, 50))))
    assert found == [expected]


@pytest.mark.parametrize("name", ["gelu", "gelu tanh", "silu", "mish"])
def test_an_activation_of_a_scaled_activation_is_two(name: str):
    spelling, expected = SPELLINGS[name]
    s = Sketch()
    found = computing(s.normal(spelling(s, s.unary("relu", s.given(1, 50)))))
    assert found == [Unary(function="relu"), expected]


def test_swish_with_a_scale_is_a_silu_between_two_factors():
    s = Sketch()
    x = s.given(1, 50)
    found = computing(s.normal(s.binary("multiply", x, s.unary("sigmoid", s.affine(x, 1.702)))))
    assert [step.function for step in found] == ["affine", "silu", "affine"]
    assert found[0].alpha == 1.702


def test_what_follows_a_swish_with_a_scale_is_a_function_of_it():
    s = Sketch()
    x = s.given(1, 50)
    y = s.binary("multiply", x, s.unary("sigmoid", s.affine(x, 1.702)))
    found = computing(s.normal(s.binary("multiply", y, s.unary("sigmoid", y))))
    assert [step.function for step in found] == ["affine", "silu", "affine", "silu"]


def test_a_gelu_with_another_number_is_none():
    s = Sketch()
    x = s.given(1, 50)
    share = s.affine(s.unary("erf", s.affine(x, 0.72)), 0.5, 0.5)
    assert Unary(function="gelu") not in computing(s.normal(s.binary("multiply", share, x)))


def test_a_function_of_two_values_is_none():
    s = Sketch()
    x, other = s.given(1, 50), s.given(1, 50)
    found = computing(s.normal(s.binary("multiply", x, s.unary("sigmoid", other))))
    assert len(found) == 2


def test_a_number_that_keeps_a_division_defined_stays():
    s = Sketch()
    found = computing(s.normal(s.affine(s.unary("relu", s.given(1, 50)), 1.0, 1e-6)))
    assert found == [Unary(function="relu"), Unary(function="affine", alpha=1.0, beta=1e-6)]


def test_a_bound_beyond_the_grid_stays():
    s = Sketch()
    found = computing(s.normal(s.unary("clip", s.given(1, 50), 0.0, 1000.0)))
    assert found == [Unary(function="clip", alpha=0.0, beta=1000.0)]
