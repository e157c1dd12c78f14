"""A guard against not-a-number stays wherever a row of a softmax may be masked as a whole."""

from collections.abc import Callable

import numpy as np
import pytest

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Unary, Where
from metagauge.architecture.operators.movement import Reshape
from metagauge.architecture.operators.reduction import Softmax
from tests.architecture.normal_form.sketch import Sketch, computing

Masking = Callable[[Sketch, str], str]
FIRST, REST = np.zeros((4, 4)), np.zeros((4, 4))
FIRST[0, 0], REST[0, 1:] = -np.inf, -np.inf
COLUMN, ROW = np.zeros((4, 4)), np.zeros((4, 4))
COLUMN[:, 0], ROW[0] = -np.inf, -np.inf


def added(s: Sketch, x: str, *masks: np.ndarray) -> str:
    for mask in masks:
        x = s.binary("add", x, s.constant(mask))
    return x


def chosen(s: Sketch, x: str, *masks: np.ndarray) -> str:
    for mask in masks:
        x = s.do(Where(), s.constant(mask == 0), x, s.constant(np.float32(-np.inf)))
    return x


def guards(masking: Masking, axis: int) -> bool:
    """Whether the guard of a masked softmax stays, after a check that it all computes the same."""
    s = Sketch()
    scores = s.do(Contract(equation="bqd,bkd->bqk"), s.given(1, 4, 8), s.given(1, 4, 8))
    share = s.do(Softmax(axis=axis), masking(s, scores))
    flow = s.normal(s.do(Where(), s.unary("is_nan", share), s.constant(0.0), share))
    return Unary(function="is_nan") in computing(flow)


@pytest.mark.parametrize(
    ("masking", "axis"),
    [
        pytest.param(lambda s, x: added(s, x, ROW), 2, id="a row"),
        pytest.param(lambda s, x: added(s, x, FIRST, REST), 2, id="two that are added"),
        pytest.param(lambda s, x: chosen(s, x, FIRST, REST), 2, id="two that choose"),
        pytest.param(lambda s, x: chosen(s, added(s, x, FIRST), REST), 2, id="one of each"),
        pytest.param(lambda s, x: added(s, x, COLUMN), 1, id="a column, added"),
        pytest.param(lambda s, x: chosen(s, x, COLUMN), 1, id="a column, chosen"),
        pytest.param(lambda s, x: s.binary("subtract", x, s.constant(-ROW)), 2, id="subtracted"),
        pytest.param(
            lambda s, x: s.binary("divide", s.unary("relu", x), s.constant(np.zeros((4, 4)))), 2, id="by zero"
        ),
        pytest.param(lambda s, x: s.binary("add", x, s.given(1, 4, 4)), 2, id="given"),
        pytest.param(
            lambda s, x: s.do(Where(), s.given(1, 4, 4, numbers="bool"), x, s.constant(-np.inf)), 2, id="bool"
        ),
        pytest.param(lambda s, x: s.unary("log", x), 2, id="a logarithm"),
        pytest.param(lambda s, x: s.affine(added(s, x, -ROW), -1.0), 2, id="turned round"),
        pytest.param(
            lambda s, x: s.do(Reshape(shape=(1, 2, 8)), added(s, s.do(Reshape(shape=(1, 4, 4)), x), ROW, COLUMN)),
            1,
            id="after a reshape",
        ),
    ],
)
def test_where_a_row_may_be_masked(masking: Masking, axis: int):
    assert guards(masking, axis)


@pytest.mark.parametrize(
    "masking",
    [
        pytest.param(lambda s, x: added(s, x, COLUMN), id="added"),
        pytest.param(lambda s, x: chosen(s, x, COLUMN), id="chosen"),
        pytest.param(lambda s, x: s.affine(added(s, s.affine(x, 0.5), COLUMN), 2.0), id="scaled"),
        pytest.param(lambda s, x: s.unary("clip", added(s, x, ROW), -1e9, 1e9), id="bounded"),
        pytest.param(lambda s, x: added(s, x, FIRST, FIRST), id="twice the same"),
    ],
)
def test_not_where_something_is_left_of_each_row(masking: Masking):
    assert not guards(masking, 2)
