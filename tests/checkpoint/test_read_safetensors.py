"""Reading well-formed safetensors files."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors.numpy import save, save_file

from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.checkpoint.safetensors_file import read_safetensors
from metagauge.errors import TensorMissingError
from tests.attacks.safetensors_bytes import entry, with_entries

DTYPES = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "I16": np.int16,
    "U16": np.uint16,
    "I32": np.int32,
    "U32": np.uint32,
    "I64": np.int64,
    "U64": np.uint64,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
}
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name != "__metadata__"
)
ARRAYS = st.sampled_from(sorted(DTYPES.values(), key=str)).flatmap(
    lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=5))
)


@given(st.dictionaries(NAMES, ARRAYS, min_size=1, max_size=6), st.dictionaries(st.text("ab"), st.text("cd")))
def test_what_safetensors_saves_is_read_back_bit_by_bit(tensors, metadata):
    checkpoint = read_safetensors(memoryview(save(tensors, metadata=metadata or None)), Limits())
    assert checkpoint.format is Format.SAFETENSORS
    assert checkpoint.metadata == metadata
    assert checkpoint.tensors.keys() == tensors.keys()
    for name, array in tensors.items():
        tensor = checkpoint.tensor(name)
        assert tensor.shape == array.shape
        assert DTYPES[tensor.dtype] == array.dtype
        assert tensor.array().tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("BF16", ml_dtypes.bfloat16), ("F8_E4M3", ml_dtypes.float8_e4m3fn), ("F8_E5M2", ml_dtypes.float8_e5m2)],
)
def test_narrow_floats_have_the_values_they_stand_for(name, dtype):
    values = np.array([[0.5, -1.0, 2.0]], dtype=dtype)
    content = with_entries({"w": entry([1, 3], 0, values.nbytes, name)}, values.tobytes())
    tensor = read_safetensors(memoryview(content), Limits()).tensor("w")
    assert tensor.is_float
    assert tensor.array().astype(np.float32).tolist() == [[0.5, -1.0, 2.0]]


def test_packed_four_bit_floats_are_unpacked_low_half_first():
    content = with_entries({"w": entry([2, 2], 0, 2, "F4")}, bytes([0x21, 0x73]))
    array = read_safetensors(memoryview(content), Limits()).tensor("w").array()
    assert array.astype(np.float32).tolist() == [[0.5, 1.0], [1.5, 6.0]]


def test_tensors_are_read_only_views_over_the_mapped_file(tmp_path):
    save_file({"w": np.arange(4, dtype=np.float32)}, tmp_path / "a.safetensors")
    tensor = read(tmp_path / "a.safetensors", Limits()).tensor("w")
    assert np.shares_memory(tensor.array(), tensor.array())
    assert not tensor.array().flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        tensor.array()[0] = 1


def test_a_tensor_outlives_the_checkpoint_and_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"w": np.arange(4, dtype=np.float32)}, path)
    array = read(path, Limits()).tensor("w").array()
    path.unlink()
    assert array.tolist() == [0, 1, 2, 3]


def test_a_hundred_thousand_tensors_are_read_when_the_limit_allows_them():
    count = 100_000
    content = with_entries({f"t{n}": entry([1], 4 * n, 4 * n + 4) for n in range(count)}, bytes(4 * count))
    assert len(read_safetensors(memoryview(content), Limits(tensors=count)).tensors) == count


def test_a_name_the_checkpoint_does_not_have_is_named_in_the_error():
    content = with_entries({"w": entry([1], 0, 4)}, bytes(4))
    with pytest.raises(TensorMissingError, match="'v'"):
        read_safetensors(memoryview(content), Limits()).tensor("v")
