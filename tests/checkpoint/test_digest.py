"""The tensors digest and the counts beside it."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from safetensors.numpy import save, save_file

from metagauge.checkpoint.digest import digest, dtype_counts, parameter_count
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.checkpoint.safetensors_file import read_safetensors
from tests.attacks.safetensors_bytes import entry, with_entries
from tests.checkpoint.onnx_models import gemm, model

W = np.arange(12, dtype=np.float32).reshape(3, 4)


def of(content: bytes) -> str:
    return digest(read_safetensors(memoryview(content), Limits()))


def test_metadata_and_the_order_in_the_file_do_not_matter():
    a, b = W.tobytes(), np.float32([7]).tobytes()
    one = with_entries({"a": entry([3, 4], 0, 48), "b": entry([1], 48, 52)}, a + b)
    other = with_entries({"__metadata__": {"k": "v"}, "b": entry([1], 0, 4), "a": entry([3, 4], 4, 52)}, b + a)
    assert of(one) == of(other)


def test_the_format_does_not_matter(tmp_path):
    save_file({"w": W}, tmp_path / "a.safetensors")
    onnx.save_model(model([gemm()], [numpy_helper.from_array(W, "w")]), tmp_path / "a.onnx")
    one, other = (read(tmp_path / name, Limits()) for name in ("a.safetensors", "a.onnx"))
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    "changed",
    [
        {"v": W},
        {"w": W.reshape(4, 3)},
        {"w": W.view(np.int32)},
        {"w": np.where(W == 3, 3.5, W).astype(np.float32)},
        {"w": W, "v": W},
        {"w": W.T.copy().reshape(3, 4)},
    ],
    ids=["name", "shape", "dtype", "one element", "one more", "order of elements"],
)
def test_every_change_of_a_tensor_changes_it(changed):
    assert of(save(changed)) != of(save({"w": W}))


def test_elements_are_counted_by_dtype_and_parameters_without_counters_and_scalars():
    tensors = {"w": W, "bias": np.zeros(3, np.float32), "epsilon": np.float32(1e-5), "count": np.zeros(5, np.int64)}
    checkpoint = read_safetensors(
        memoryview(save({name: np.asarray(array) for name, array in tensors.items()})), Limits()
    )
    assert dtype_counts(checkpoint) == {"F32": 16, "I64": 5}
    assert parameter_count(checkpoint) == 15
