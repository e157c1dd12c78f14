"""Numbers that scale a product are collected in it, wherever they were written."""

import pytest

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.movement import Concat, Reshape, Slice, Transpose
from tests.architecture.normal_form.sketch import Sketch, computing

SCORES = "bqhd,bkhd->bhqk"
HALF = 8**-0.25


def heads(s: Sketch, x: str, before: float, after: float) -> str:
    """A projection, split into heads, with factors before and after the split."""
    y = s.do(Contract(equation="btm,mn->btn"), x, s.weight(16, 16))
    return s.affine(s.do(Reshape(shape=(1, 4, 2, 8)), s.affine(y, before)), after)


@pytest.mark.parametrize("factors", [(0.5, 1.0, 1.0, 1.0), (1.0, HALF, HALF, 1.0), (1.0, 0.25, 2.0, 1.0)])
def test_factors_before_a_product_of_values(factors):
    s = Sketch()
    x = s.given(1, 4, 16)
    scores = s.do(Contract(equation=SCORES), heads(s, x, *factors[:2]), heads(s, x, *factors[2:]))
    found = [operator for operator in computing(s.normal(scores)) if isinstance(operator, Contract)]
    assert [operator.factor for operator in found[:2]] == [1.0, 1.0]
    product = factors[0] * factors[1] * factors[2] * factors[3]
    assert found[2].factor == pytest.approx(product)
    assert not any(isinstance(operator, Unary) for operator in computing(s.normal(scores)))


def test_a_factor_after_a_product_of_values_also_behind_a_transposition():
    s = Sketch()
    x = s.given(1, 4, 16)
    scores = s.do(Contract(equation=SCORES), heads(s, x, 1, 1), heads(s, x, 1, 1))
    turned = s.affine(s.do(Transpose(axes=(0, 2, 1, 3)), scores), 0.25)
    found = computing(s.normal(turned))
    assert Contract(equation=SCORES, factor=0.25) in found
    assert not any(isinstance(operator, Unary) for operator in found)


def test_a_product_that_others_read_keeps_its_factor():
    s = Sketch()
    x = s.given(1, 4, 16)
    scores = s.do(Contract(equation=SCORES), heads(s, x, 1, 1), heads(s, x, 1, 1))
    found = computing(s.normal(s.affine(scores, 0.25), s.unary("relu", scores)))
    assert Unary(function="affine", alpha=0.25) in found
    assert Contract(equation=SCORES) in found


def test_a_factor_moves_through_a_rotation():
    s = Sketch()
    x = s.given(1, 4, 16)
    query, key = heads(s, x, HALF, 1), heads(s, x, 1, HALF)
    turned = []
    for each in (query, key):
        left, right = (s.do(Slice(axis=3, start=start, count=4), each) for start in (0, 4))
        moved = s.do(Concat(axis=3), right, left)
        turned.append(
            s.binary("add", s.binary("multiply", each, s.weight(8)), s.binary("multiply", moved, s.weight(8)))
        )
    found = computing(s.normal(s.do(Contract(equation=SCORES), *turned)))
    assert found[-1] == Contract(equation=SCORES, factor=pytest.approx(HALF * HALF))
    assert not any(isinstance(operator, Unary) for operator in found)


def test_a_product_with_weights_gives_its_factor_on():
    s = Sketch()
    y = s.do(Contract(equation="btm,mn->btn", factor=0.5), s.affine(s.given(1, 4, 16), 3.0), s.weight(16, 16))
    found = computing(s.normal(s.binary("add", y, s.weight(16))))
    assert found == [
        Contract(equation="btm,mn->btn"),
        Unary(function="affine", alpha=1.5),
        Binary(function="add"),
    ]


def test_factors_that_cancel_are_gone():
    s = Sketch()
    y = s.do(Contract(equation="btm,mn->btn", factor=0.5), s.affine(s.given(1, 4, 16), 2.0), s.weight(16, 16))
    assert computing(s.normal(y)) == [Contract(equation="btm,mn->btn")]
