"""Convolutions and pools compute what onnxruntime computes."""

import numpy as np
import pytest
import torch

from metagauge.architecture.operators.contraction import Convolve
from metagauge.architecture.operators.reduction import WindowPool
from models.interpreter.apply import apply
from tests.models.interpreter.cases import random
from tests.models.interpreter.runtime import ort


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions_with_uneven_padding(axes: int, groups: int):
    x, weight, bias = random(1, 4, *(9, 8, 7)[:axes]), random(6, 4 // groups, *(3, 2, 3)[:axes]), random(6)
    padding, stride, dilation = ((0, 1), (2, 1), (1, 1))[:axes], (2, 1, 1)[:axes], (1, 2, 1)[:axes]
    (expected,) = ort(
        "Conv",
        (x, weight, bias),
        pads=[pair[0] for pair in padding] + [pair[1] for pair in padding],
        strides=list(stride),
        dilations=list(dilation),
        group=groups,
    )
    operator = Convolve(stride=stride, padding=padding, dilation=dilation, groups=groups)
    (found,) = apply(operator, [torch.from_numpy(array) for array in (x, weight, bias)], {})
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("extra", [(0, 0), (1, 0), (1, 2)])
def test_transposed_convolutions(extra: tuple[int, int]):
    x, weight, bias = random(1, 4, 5, 4), random(4, 3, 3, 2), random(6)
    padding, stride, dilation = ((0, 1), (1, 0)), (2, 3), (1, 2)
    (expected,) = ort(
        "ConvTranspose",
        (x, weight, bias),
        pads=[0, 1, 1, 0],
        strides=list(stride),
        dilations=list(dilation),
        group=2,
        output_padding=list(extra),
    )
    operator = Convolve(stride=stride, padding=padding, dilation=dilation, groups=2, transposed=True, extra=extra)
    (found,) = apply(operator, [torch.from_numpy(array) for array in (x, weight, bias)], {})
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool", "AveragePool padded", "LpPool"])
@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((1, 0), (0, 1)), ((1, 1), (1, 1))])
def test_pools(kind: str, ceil: bool, padding: tuple[tuple[int, int], ...]):
    x, kernel, stride = random(1, 2, 8, 9), (3, 2), (2, 3)
    dilation = (1, 1) if kind.startswith("Average") else (1, 2)
    operator = WindowPool(
        reduction={"M": "max", "A": "mean", "L": "l2"}[kind[0]],
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil=ceil,
        count_padding=kind.endswith("padded"),
    )
    counted = {"count_include_pad": int(operator.count_padding)} if kind[0] == "A" else {}
    (expected,) = ort(
        kind.split(maxsplit=1)[0],
        (x,),
        kernel_shape=list(kernel),
        strides=list(stride),
        pads=[pair[0] for pair in padding] + [pair[1] for pair in padding],
        dilations=list(dilation),
        ceil_mode=int(ceil),
        **counted,
    )
    (found,) = apply(operator, [torch.from_numpy(x)], {})
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)
