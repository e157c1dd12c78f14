"""Every operator computes what onnxruntime computes, in torch and, where it is computed there, in numpy."""

import numpy as np
import pytest
import torch

from metagauge.architecture.operators.elementwise import Requantise
from metagauge.architecture.operators.evaluate import evaluate
from metagauge.architecture.operators.reduction import TopK
from metagauge.errors import OperatorUnknownError
from models.interpreter.apply import apply
from tests.models.interpreter.cases import all_cases, integers, random, whole
from tests.models.interpreter.runtime import ort

CASES = all_cases()


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_onnxruntime_computes(name: str):
    case = CASES[name]
    (expected,) = ort(case.onnx, (*case.inputs, *case.extra), **case.attributes)
    (found,) = apply(case.operator, [torch.from_numpy(array.copy()) for array in case.inputs], {})
    assert found.numpy().dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)
    if case.numpy:
        (computed,) = evaluate(case.operator, case.inputs)
        assert computed.dtype.kind == expected.dtype.kind
        np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-5)
    else:
        with pytest.raises(OperatorUnknownError):
            evaluate(case.operator, case.inputs)


@pytest.mark.parametrize("largest", [True, False])
def test_the_best_are_sorted_and_equal_ones_keep_their_order(largest: bool):
    x = integers(3, 8, low=0, high=4)
    expected = ort("TopK", (x, whole(5)), outputs=2, axis=1, largest=int(largest))
    operator = TopK(axis=1, count=5, largest=largest)
    for found in (apply(operator, [torch.from_numpy(x)], {}), evaluate(operator, [x])):
        for left, right in zip(found, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(left), right)


def test_fake_quantisation_is_quantising_and_dequantising():
    x, scale, zero = 4 * random(3, 4), np.array([[0.1], [0.05], [0.2]], np.float32), np.array([[3], [-5], [0]])
    codes = zero.reshape(3).astype(np.int8)
    (stored,) = ort("QuantizeLinear", (x, scale.reshape(3), codes), axis=0)
    (expected,) = ort("DequantizeLinear", (stored, scale.reshape(3), codes), axis=0)
    operator = Requantise(low=-128, high=127)
    (found,) = apply(operator, [torch.from_numpy(array) for array in (x, scale, zero)], {})
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(evaluate(operator, [x, scale, zero])[0], expected, rtol=1e-6)
