"""Norms and softmax written out are one operator; what differs from one is left alone."""

import pytest

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Where
from metagauge.architecture.operators.movement import Reshape
from metagauge.architecture.operators.reduction import Reduce, Softmax, Standardise
from tests.architecture.normal_form.sketch import Sketch, computing

LAYER_NORM = Standardise(axes=(2,), epsilon=1e-5)
RMS_NORM = Standardise(axes=(2,), epsilon=1e-5, centred=False)


def mean(s: Sketch, x: str, *axes: int) -> str:
    return s.do(Reduce(function="mean", axes=axes or (2,)), x)


def layer_norm(s: Sketch, x: str) -> str:
    d = s.binary("subtract", x, mean(s, x))
    root = s.unary("sqrt", s.affine(mean(s, s.unary("power", d, 2.0)), 1.0, 1e-5))
    return s.binary("divide", d, root)


def layer_norm_twice_subtracted(s: Sketch, x: str) -> str:
    d, again = (s.binary("subtract", x, mean(s, x)) for _ in range(2))
    inverse = s.unary("reciprocal", s.unary("sqrt", s.affine(mean(s, s.binary("multiply", d, d)), 1.0, 1e-5)))
    return s.binary("multiply", again, inverse)


def layer_norm_by_powers(s: Sketch, x: str) -> str:
    m = s.do(Reshape(shape=(1, 4, 1)), s.do(Reduce(function="mean", axes=(2,), keep=False), x))
    d = s.binary("add", x, s.unary("negate", m))
    square = s.binary("power", d, s.constant(2.0))
    return s.binary("multiply", d, s.unary("power", s.affine(mean(s, square), 1.0, 1e-5), -0.5))


def layer_norm_of_sums(s: Sketch, x: str) -> str:
    m = s.affine(s.do(Reduce(function="sum", axes=(2,)), x), 1 / 8)
    d = s.binary("subtract", x, m)
    v = s.affine(s.do(Reduce(function="sum_square", axes=(2,)), d), 0.125, 1e-5)
    return s.binary("divide", d, s.unary("sqrt", v))


def layer_norm_of_mean_squares(s: Sketch, x: str) -> str:
    m = mean(s, x)
    v = s.binary("subtract", mean(s, s.binary("multiply", x, x)), s.binary("multiply", m, m))
    return s.binary("divide", s.binary("subtract", x, m), s.unary("sqrt", s.affine(v, 1.0, 1e-5)))


def layer_norm_by_moments(s: Sketch, x: str) -> str:
    m = mean(s, x)
    d = s.binary("subtract", m, x)
    inverse = s.unary("power", s.affine(mean(s, s.binary("multiply", d, d)), 1.0, 1e-5), -0.5)
    return s.binary("subtract", s.binary("multiply", x, inverse), s.binary("multiply", m, inverse))


SPELLINGS = [
    layer_norm,
    layer_norm_twice_subtracted,
    layer_norm_by_powers,
    layer_norm_of_sums,
    layer_norm_of_mean_squares,
    layer_norm_by_moments,
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_layer_norm_is_one_operator(spelling):
    s = Sketch()
    assert computing(s.normal(spelling(s, s.given(1, 4, 8)))) == [LAYER_NORM]


def test_a_layer_norm_as_jax_writes_it():
    s = Sketch()
    x, scale = s.given(1, 4, 8), s.weight(8)
    total = s.do(Reduce(function="sum", axes=(2,), keep=False), x)
    squares = s.do(Reduce(function="sum", axes=(2,), keep=False), s.binary("multiply", x, x))
    m = s.affine(total, 0.125)
    v = s.unary("relu", s.binary("subtract", s.affine(squares, 0.125), s.binary("multiply", m, m)))
    root = s.unary("sqrt", s.affine(s.do(Reshape(shape=(1, 4, 1)), v), 1.0, 1e-5))
    d = s.binary("subtract", x, s.do(Reshape(shape=(1, 4, 1)), m))
    y = s.binary("multiply", d, s.binary("divide", scale, root))
    assert computing(s.normal(y)) == [LAYER_NORM, Binary(function="multiply")]


def test_moments_with_scale_and_shift():
    s = Sketch()
    x, scale, shift = s.given(1, 4, 8), s.weight(8), s.weight(8)
    m = mean(s, x)
    d = s.binary("subtract", x, m)
    inverse = s.unary("power", s.affine(mean(s, s.binary("multiply", d, d)), 1.0, 1e-5), -0.5)
    ratio = s.binary("multiply", inverse, scale)
    rest = s.binary("subtract", shift, s.binary("multiply", m, ratio))
    found = computing(s.normal(s.binary("add", s.binary("multiply", x, ratio), rest)))
    assert found == [LAYER_NORM, Binary(function="multiply"), Binary(function="add")]


@pytest.mark.parametrize("inverse", [True, False])
def test_an_rms_norm_is_one_operator(inverse: bool):
    s = Sketch()
    x = s.given(1, 4, 8)
    spread = s.affine(mean(s, s.unary("power", x, 2.0)), 1.0, 1e-5)
    if inverse:
        y = s.binary("multiply", x, s.unary("reciprocal", s.unary("sqrt", spread)))
    else:
        y = s.binary("divide", x, s.unary("sqrt", spread))
    assert computing(s.normal(y)) == [RMS_NORM]


def test_two_means_over_different_axes_are_no_norm():
    s = Sketch()
    x = s.given(1, 4, 8)
    d = s.binary("subtract", x, mean(s, x, 1))
    root = s.unary("sqrt", s.affine(mean(s, s.unary("power", d, 2.0), 2), 1.0, 1e-5))
    found = computing(s.normal(s.binary("divide", d, root)))
    assert Standardise(axes=(1,), epsilon=1e-5) not in found
    assert LAYER_NORM not in found


def test_the_unbiased_deviation_is_no_norm():
    s = Sketch()
    x = s.given(1, 4, 8)
    d = s.binary("subtract", x, mean(s, x))
    v = s.affine(s.do(Reduce(function="sum_square", axes=(2,)), d), 1 / 7, 1e-5)
    found = computing(s.normal(s.binary("divide", d, s.unary("sqrt", v))))
    assert not any(isinstance(operator, Standardise) for operator in found)


def test_a_length_is_one_reduction():
    s = Sketch()
    x = s.given(1, 4, 8)
    length = s.unary("sqrt", s.do(Reduce(function="sum", axes=(2,)), s.binary("multiply", x, x)))
    found = computing(s.normal(s.binary("divide", x, s.unary("clip", length, 1e-12, 3.4028234663852886e38))))
    assert found[0] == Reduce(function="l2", axes=(2,))
    assert found[2] == Binary(function="divide")


def test_a_softmax_written_out():
    s = Sketch()
    x = s.given(1, 4, 8)
    shifted = s.binary("subtract", x, s.do(Reduce(function="max", axes=(2,)), x))
    power = s.unary("exp", shifted)
    share = s.binary("divide", power, s.do(Reduce(function="sum", axes=(2,)), power))
    assert computing(s.normal(share)) == [Softmax(axis=2)]
    assert computing(s.normal(s.unary("log", share)))[-1] == Softmax(axis=2, logarithm=True)


def test_a_guard_against_what_cannot_be_is_left_out():
    s = Sketch()
    products = Contract(equation="bqd,bkd->bqk")
    share = s.do(Softmax(axis=2), s.do(products, s.given(1, 4, 8), s.given(1, 4, 8)))
    guarded = s.do(Where(), s.unary("is_nan", share), s.constant(0.0), share)
    assert computing(s.normal(guarded)) == [products, Softmax(axis=2)]
