"""Constants survive packing, and a hostile one costs no more than it says."""

import zlib
from base64 import b64encode

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from metagauge.architecture.operators.literal import CONSTANT_BYTES, check_constants, pack, unpack
from metagauge.architecture.operators.source import Constant
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

KINDS = st.sampled_from(["bool", "int8", "uint8", "int32", "int64", "float16", "float32", "float64"])


@given(KINDS.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))))
def test_a_constant_survives_packing(array):
    found = unpack(pack(array))
    assert found.shape == array.shape
    assert found.dtype.kind == (array.dtype.kind if array.dtype.kind != "u" else "i")
    np.testing.assert_array_equal(found, array)


def test_brain_floats_are_widened():
    array = np.array([1.5, -2.0], dtype=ml_dtypes.bfloat16)
    assert unpack(pack(array)).dtype == np.float32
    np.testing.assert_array_equal(unpack(pack(array)), array.astype(np.float32))


def test_text_is_no_constant():
    with pytest.raises(ArchitectureMismatchError, match="str"):
        pack(np.array(["a"]))


def bomb(shape: tuple[int, ...], size_bytes: int) -> Constant:
    data = b64encode(zlib.compress(bytes(size_bytes))).decode()
    return Constant(dtype="float32", shape=shape, data=data)


def test_data_longer_than_the_shape_says_is_refused():
    with pytest.raises(ArchitectureMismatchError, match="more than 8 bytes"):
        unpack(bomb((2,), 1 << 24))


def test_data_shorter_than_the_shape_says_is_refused():
    with pytest.raises(ArchitectureMismatchError, match="holds 4 bytes, not 8"):
        unpack(bomb((2,), 4))


@pytest.mark.parametrize("data", ["not base64!", "aGVsbG8=", "", "é"])
def test_data_that_is_damaged_is_refused(data):
    with pytest.raises(ArchitectureMismatchError):
        unpack(Constant(dtype="int64", shape=(3,), data=data))


@pytest.mark.parametrize("shape", [(CONSTANT_BYTES,), (2**62, 0), (2**40, 2**40)])
def test_a_huge_constant_is_refused_before_anything_is_unpacked(shape):
    with pytest.raises(LimitExceededError):
        unpack(Constant(dtype="float32", shape=shape, data=""))


@pytest.mark.parametrize("shape", [(-1,), (1,) * 33])
def test_a_shape_that_cannot_be_is_refused(shape):
    with pytest.raises(ArchitectureMismatchError):
        unpack(Constant(dtype="bool", shape=shape, data=""))


def test_constants_are_bounded_together():
    large = Constant(dtype="bool", shape=(CONSTANT_BYTES,), data="")
    check_constants([large] * 4)
    with pytest.raises(LimitExceededError, match="constants of the dataflow"):
        check_constants([large] * 5)
