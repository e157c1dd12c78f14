"""Which format some first bytes mean."""

import numpy as np
import pytest
from safetensors.numpy import save

from metagauge.checkpoint.format import Format
from metagauge.checkpoint.sniff import HEAD_BYTES, sniff
from tests.attacks.safetensors_bytes import with_header
from tests.checkpoint.onnx_models import linear


def test_onnx_is_known_from_its_first_bytes_at_any_length_of_them():
    content = linear().SerializeToString()
    assert all(sniff(content[:length]) is Format.ONNX for length in range(2, len(content)))


def test_onnx_is_known_when_the_producer_comes_first():
    assert sniff(b"\x12\x07pytorch\x08\x08") is Format.ONNX


def test_safetensors_is_known():
    assert sniff(save({"w": np.zeros(3)})[:HEAD_BYTES]) is Format.SAFETENSORS


@pytest.mark.parametrize("length", [0x8B1F, 0x4B50, 0x5A42, 0x0280, 0x088B1F])
def test_a_header_length_that_spells_another_format_is_still_safetensors(length):
    assert sniff(with_header(b"{" + b" " * (length - 1))[:HEAD_BYTES]) is Format.SAFETENSORS


@pytest.mark.parametrize("header", [b"not json", b"[1, 2]", b'  {"a": 1}'])
def test_a_broken_header_is_still_one_of_safetensors(header):
    assert sniff(with_header(header)) is Format.SAFETENSORS
