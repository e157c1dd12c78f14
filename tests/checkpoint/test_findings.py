"""Findings about tensors."""

import numpy as np
import pytest
from safetensors.numpy import save

from metagauge.checkpoint.findings import tensor_findings
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.safetensors_file import read_safetensors
from tests.attacks.safetensors_bytes import entry, with_entries


def of(content: bytes):
    return tensor_findings(read_safetensors(memoryview(content), Limits()).tensors)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_parameters_that_are_not_finite_are_counted(value, dtype):
    w = np.ones((3, 4), dtype)
    w[1, 2] = value
    (finding,) = of(save({"w": w, "v": np.ones(3, dtype)}))
    assert (finding.rule, finding.layer, finding.value) == ("non-finite", "w", 1.0)


def test_finite_numbers_are_no_finding():
    assert of(save({"w": np.array([0.0, -0.0, np.finfo(np.float32).max, 1e-45], np.float32)})) == ()


def test_the_largest_numbers_do_not_look_infinite_together():
    assert of(save({"w": np.full(1000, np.finfo(np.float64).max)})) == ()


def test_an_infinite_scalar_is_no_finding():
    assert of(save({"mask": np.asarray(-np.inf, dtype=np.float32)})) == ()


def test_tensors_without_elements_are_told():
    (finding,) = of(save({"w": np.zeros((0, 4), np.float32), "v": np.ones(2, np.float32)}))
    assert (finding.rule, finding.layer) == ("empty-tensor", "w")


def test_block_scaled_types_are_told():
    content = with_entries({"s": entry([2], 0, 2, "F8_E8M0"), "w": entry([4], 2, 4, "F4")}, bytes(4))
    assert {finding.layer for finding in of(content)} == {"s", "w"}


def test_a_rule_that_fires_often_is_shortened():
    findings = of(save({f"w{n:03}": np.full(2, np.nan, np.float32) for n in range(100)}))
    assert len(findings) == 21
    assert findings[-1].value == 80
