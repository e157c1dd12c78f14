"""A dataflow is run as a whole: what it needs, in any depth, and refusals that name what stands in the way."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.reduction import TopK
from metagauge.architecture.operators.source import Given, Weight
from metagauge.errors import ArchitectureMismatchError, OperatorUnknownError, TensorMissingError
from models.interpreter.dataflow import run_all_values, run_dataflow

X = torch.tensor([[1.0, -2.0, 3.0]])
WEIGHT = torch.arange(6.0).reshape(2, 3)


def step(output: str, operator: Operator, *inputs: str) -> Step:
    return Step(outputs=tuple(output.split()), operator=operator, inputs=inputs)


LINEAR = (
    step("x", Given(shape=(1, 3))),
    step("w", Weight(tensor="weight")),
    step("b", pack(np.array([0.5, -0.5]))),
    step("product", Contract(equation="bi,oi->bo", factor=2.0), "x", "w"),
    step("y", Binary(function="add"), "product", "b"),
)
OPAQUE = step("no", Opaque(operator="com.example.Sorcery", shapes=((1, 3),)), "x")


def flow(*steps: Step, outputs: str = "y") -> Dataflow:
    return Dataflow(steps=steps, outputs=tuple(outputs.split()))


def test_a_linear_layer():
    (y,) = run_dataflow(flow(*LINEAR), {"weight": WEIGHT}, [X])
    torch.testing.assert_close(y, 2 * X @ WEIGHT.T + torch.tensor([0.5, -0.5]), check_dtype=False)


def test_narrow_weights_are_computed_as_float32():
    (y,) = run_dataflow(flow(*LINEAR, outputs="product"), {"weight": WEIGHT.bfloat16()}, [X.half()])
    assert y.dtype == torch.float32


def test_all_values_come_by_name():
    values = run_all_values(flow(*LINEAR), {"weight": WEIGHT}, [X])
    assert list(values) == ["x", "w", "product", "b", "y"]
    torch.testing.assert_close(values["product"], 2 * X @ WEIGHT.T)


def test_what_no_output_needs_is_not_computed():
    assert "y" not in run_all_values(flow(*LINEAR, OPAQUE, outputs="product"), {"weight": WEIGHT}, [X])


@pytest.mark.parametrize("condition", [True, False])
def test_only_the_side_that_is_taken_is_computed(condition: bool):
    sides = ("plain", "no") if condition else ("no", "plain")
    steps = (
        step("x", Given(shape=(1, 3))),
        step("if", pack(np.array(condition))),
        OPAQUE,
        step("plain", Unary(function="relu"), "x"),
        step("y", Choose(shown=condition), "if", *sides),
    )
    (y,) = run_dataflow(flow(*steps), {}, [X])
    assert y.tolist() == [[1, 0, 3]]


def test_an_operator_with_several_outputs():
    steps = (step("x", Given(shape=(1, 3))), step("best place", TopK(axis=1, count=1), "x"))
    best, place = run_dataflow(flow(*steps, outputs="best place"), {}, [X])
    assert (best.tolist(), place.tolist()) == ([[3]], [[2]])


def test_deep_networks_do_not_reach_the_end_of_the_stack():
    names = ["x", *(f"v{depth}" for depth in range(5000))]
    chain = [step(after, Unary(function="affine", alpha=1.0, beta=1.0), before) for before, after in pairwise(names)]
    (y,) = run_dataflow(flow(step("x", Given(shape=(1, 3))), *chain, outputs=names[-1]), {}, [X])
    torch.testing.assert_close(y, X + 5000)


def test_an_operator_known_by_name_only_is_named():
    with pytest.raises(OperatorUnknownError, match=r"com\.example\.Sorcery"):
        run_dataflow(flow(*LINEAR, OPAQUE, outputs="no"), {"weight": WEIGHT}, [X])


def test_a_loop_is_named():
    loop = step("state", Carry(loop="decoder"), "x", "y")
    with pytest.raises(OperatorUnknownError, match="decoder"):
        run_dataflow(flow(*LINEAR, loop, outputs="state"), {"weight": WEIGHT}, [X])


def test_what_does_not_fit_is_named():
    with pytest.raises(ArchitectureMismatchError, match=r"contract of 'product' .*\(1, 3\), \(2, 4\)"):
        run_dataflow(flow(*LINEAR), {"weight": torch.ones(2, 4)}, [X])
    with pytest.raises(TensorMissingError, match="weight"):
        run_dataflow(flow(*LINEAR), {}, [X])
    with pytest.raises(ArchitectureMismatchError, match=r"input 'x' has shape \(1, 4\)"):
        run_dataflow(flow(*LINEAR), {"weight": WEIGHT}, [torch.ones(1, 4)])
    with pytest.raises(ArchitectureMismatchError, match="1 inputs and was given 0"):
        run_dataflow(flow(*LINEAR), {"weight": WEIGHT}, [])
    with pytest.raises(ArchitectureMismatchError, match="'nowhere'"):
        run_dataflow(flow(*LINEAR, outputs="nowhere"), {"weight": WEIGHT}, [X])


def test_a_circle_is_found():
    steps = (step("a", Unary(function="relu"), "b"), step("b", Unary(function="relu"), "a"))
    with pytest.raises(ArchitectureMismatchError, match="needs itself"):
        run_dataflow(flow(*steps, outputs="a"), {}, [])


def test_missing_outputs_are_found():
    steps = (step("x", Given(shape=(1, 3))), step("best place more", TopK(axis=1, count=1), "x"))
    with pytest.raises(ArchitectureMismatchError, match="2 outputs"):
        run_dataflow(flow(*steps, outputs="more"), {}, [X])
