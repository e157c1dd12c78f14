"""What is read in which order is part of the graph: the same numbers in other places are another function."""

import numpy as np
import pytest

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Cast, Unary, Where
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.movement import Reshape, Transpose
from metagauge.architecture.operators.reduction import Softmax
from metagauge.architecture.operators.source import Given, Weight
from metagauge.graph.build import build
from metagauge.graph.digest import differences, digest
from tests.architecture.specified import checkpoint

RANDOM = np.random.default_rng(0)
TENSORS = {
    "conv": RANDOM.standard_normal((4, 3, 3, 3)).astype(np.float32),
    "query": RANDOM.standard_normal((6, 6)).astype(np.float32),
    "key": RANDOM.standard_normal((6, 6)).astype(np.float32),
    "head": RANDOM.standard_normal((5, 4 * 16)).astype(np.float32),
}
ONES = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}


def graph(given, *steps, outputs=("y",)):
    weights = [name for name in TENSORS if any(name in step.inputs for step in steps)]
    found = (
        Step(outputs=("x",), operator=Given(shape=given)),
        *(Step(outputs=(name,), operator=Weight(tensor=name)) for name in weights),
        *steps,
    )
    tensors = checkpoint({name: TENSORS[name] for name in weights})
    return build(Dataflow(steps=found, outputs=outputs), tensors)


def convolved(axes):
    return graph(
        (1, 3, 4, 4),
        Step(outputs=("t",), operator=Transpose(axes=axes), inputs=("x",)),
        Step(outputs=("y",), operator=Convolve(**ONES), inputs=("t", "conv")),
    )


def flattened(axes):
    return graph(
        (1, 3, 4, 4),
        Step(outputs=("c",), operator=Convolve(**ONES), inputs=("x", "conv")),
        Step(outputs=("t",), operator=Transpose(axes=axes), inputs=("c",)),
        Step(outputs=("f",), operator=Reshape(shape=(1, 64)), inputs=("t",)),
        Step(outputs=("y",), operator=Contract(equation="bi,oi->bo"), inputs=("f", "head")),
    )


def scores(*steps, outputs=("y",), tokens=5):
    split = Reshape(shape=(1, tokens, 2, 3))
    return graph(
        (1, tokens, 6),
        Step(outputs=("q",), operator=Contract(equation="bti,oi->bto"), inputs=("x", "query")),
        Step(outputs=("k",), operator=Contract(equation="bti,oi->bto"), inputs=("x", "key")),
        Step(outputs=("qh",), operator=split, inputs=("q",)),
        Step(outputs=("kh",), operator=split, inputs=("k",)),
        Step(outputs=("s",), operator=Contract(equation="bqhd,bkhd->bhqk"), inputs=("qh", "kh")),
        *steps,
        outputs=outputs,
    )


def mixed(equation, *steps):
    value = "s" if not steps else steps[-1].outputs[0]
    return scores(*steps, Step(outputs=("y",), operator=Contract(equation=equation), inputs=(value, "kh")))


def hidden(fill, shape, *, softmax=True):
    seen = np.ones(shape, bool)
    seen[..., -1:, 2:] = False
    last = Softmax(axis=3) if softmax else Unary(function="tanh")
    return scores(
        Step(outputs=("m",), operator=pack(seen)),
        Step(outputs=("f",), operator=pack(np.array(fill, np.float32))),
        Step(outputs=("w",), operator=Where(), inputs=("m", "s", "f")),
        Step(outputs=("y",), operator=last, inputs=("w",)),
    )


def hidden_from(axis, bits):
    """A mask of the same bits for each head (axis 1), or for each query (axis 2); there are two of either."""
    shape = [1, 1, 1, 2]
    shape[axis] = 2
    return scores(
        Step(outputs=("m",), operator=pack(np.array(bits).reshape(shape))),
        Step(outputs=("f",), operator=pack(np.array(-np.inf, np.float32))),
        Step(outputs=("w",), operator=Where(), inputs=("m", "s", "f")),
        Step(outputs=("y",), operator=Softmax(axis=3), inputs=("w",)),
        tokens=2,
    )


CAUSAL, OTHER = [[True, False], [True, True]], [[False, True], [True, True]]


def along(axis):
    return scores(Step(outputs=("y",), operator=Softmax(axis=axis), inputs=("s",)))


TURNED = Step(outputs=("t",), operator=Transpose(axes=(0, 1, 3, 2)), inputs=("s",))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: convolved((0, 1, 2, 3)), lambda: convolved((0, 1, 3, 2))),
        (lambda: flattened((0, 1, 2, 3)), lambda: flattened((0, 1, 3, 2))),
        (lambda: mixed("bhqk,bkhd->bqhd"), lambda: mixed("bhkq,bkhd->bqhd")),
        (lambda: mixed("bhqk,bkhd->bqhd"), lambda: mixed("bhqk,bkhd->bqhd", TURNED)),
        (lambda: along(3), lambda: along(2)),
        (lambda: along(3), lambda: along(1)),
        (lambda: hidden(-np.inf, (1, 1, 5, 5)), lambda: hidden(-np.inf, (1, 2, 1, 5))),
        (lambda: hidden_from(1, CAUSAL), lambda: hidden_from(2, CAUSAL)),
        (lambda: hidden_from(1, OTHER), lambda: hidden_from(2, OTHER)),
        (lambda: hidden(-2e4, (1, 1, 5, 5), softmax=False), lambda: hidden(-5e4, (1, 1, 5, 5), softmax=False)),
        (lambda: scores(outputs=("q", "k")), lambda: scores(outputs=("k", "q"))),
        (lambda: scores(outputs=("s",)), lambda: scores(TURNED, outputs=("t",))),
        (
            lambda: scores(Step(outputs=("y",), operator=Unary(function="tanh"), inputs=("q",))),
            lambda: scores(
                Step(outputs=("i",), operator=Cast(numbers="int"), inputs=("q",)),
                Step(outputs=("g",), operator=Cast(numbers="float"), inputs=("i",)),
                Step(outputs=("y",), operator=Unary(function="tanh"), inputs=("g",)),
            ),
        ),
    ],
)
def test_another_order_is_another_graph(one, other):
    assert digest(one()).split("-")[0] != digest(other()).split("-")[0]
    assert differences(one(), other())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: mixed("bhkq,bkhd->bqhd"), lambda: mixed("bhqk,bkhd->bqhd", TURNED)),
        (lambda: hidden(-2e4, (1, 1, 5, 5)), lambda: hidden(-np.inf, (1, 1, 5, 5))),
        (
            lambda: convolved((0, 1, 2, 3)),
            lambda: graph(
                (1, 3, 4, 4),
                Step(outputs=("t",), operator=Transpose(axes=(0, 3, 1, 2)), inputs=("x",)),
                Step(outputs=("u",), operator=Transpose(axes=(0, 2, 3, 1)), inputs=("t",)),
                Step(outputs=("y",), operator=Convolve(**ONES), inputs=("u", "conv")),
            ),
        ),
    ],
)
def test_one_order_spelled_in_two_ways_is_one_graph(one, other):
    assert digest(one()) == digest(other())


def test_a_product_of_a_value_with_itself_has_a_graph():
    found = graph(
        (1, 6, 6),
        Step(outputs=("q",), operator=Contract(equation="bti,oi->bto"), inputs=("x", "query")),
        Step(outputs=("qq",), operator=Contract(equation="bti,btj->bij"), inputs=("q", "q")),
        Step(outputs=("f",), operator=Reshape(shape=(1, 36)), inputs=("qq",)),
        Step(outputs=("r",), operator=Reshape(shape=(1, 6, 6)), inputs=("f",)),
        Step(outputs=("y",), operator=Contract(equation="bij,oj->bio"), inputs=("r", "key")),
    )
    assert {"query", "key"} <= {block.name for block in found.blocks}
