"""Weights that a model states as one number and a shape."""

import tracemalloc

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from metagauge.checkpoint.digest import digest
from metagauge.checkpoint.limits import Limits
from metagauge.errors import LimitExceededError
from tests.checkpoint.onnx_models import gemm, model, read_model, weight


def repeated(name: str, value: float | None = 0.5) -> NodeProto:
    more = {} if value is None else {"value": helper.make_tensor("", TensorProto.FLOAT, [1], [value])}
    return helper.make_node("ConstantOfShape", [f"{name}_shape"], [name], **more)


def sizes(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.array(shape, dtype=np.int64), f"{name}_shape")


def with_bias() -> list[NodeProto]:
    return [repeated("w"), repeated("b", 0.25), gemm(target="h"), helper.make_node("Add", ["h", "b"], ["y"])]


def test_a_weight_of_one_number_is_a_tensor_without_a_node():
    checkpoint = read_model(model(with_bias(), [sizes("w", 3, 4), sizes("b", 3)]))
    assert checkpoint.tensor("w").array().tolist() == [[0.5] * 4] * 3
    assert checkpoint.tensor("b").array().tolist() == [0.25] * 3
    assert [node.operator for node in checkpoint.program.nodes] == ["Gemm", "Add"]


def test_it_has_the_digest_of_the_same_tensor_written_out():
    written = numpy_helper.from_array(np.full((3, 4), 0.5, dtype=np.float32), "w")
    shape, fill = sizes("w", 3, 4), helper.make_tensor("w.value", TensorProto.FLOAT, [1], [0.5])
    other = read_model(model([gemm()], [written, shape, fill]))
    assert digest(read_model(model([repeated("w"), gemm()], [sizes("w", 3, 4)]))) == digest(other)


def test_it_takes_no_memory_until_someone_copies_it():
    proto = model([repeated("w"), gemm()], [sizes("w", 30_000, 4_000)])
    tracemalloc.start()
    checkpoint = read_model(proto)
    assert checkpoint.tensor("w").flat()[-1] == 0.5
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 4 * 2**20


def test_more_elements_than_the_limit_are_refused():
    with pytest.raises(LimitExceededError, match="limit is 11"):
        read_model(model([repeated("w"), gemm()], [sizes("w", 3, 4)]), Limits(repeated_elements=11))


def test_a_filler_in_a_model_with_weights_of_its_own_stays_a_node():
    add = helper.make_node("Add", ["h", "b"], ["y"])
    checkpoint = read_model(model([repeated("b"), gemm(target="h"), add], [weight(), sizes("b", 3)]))
    assert [node.operator for node in checkpoint.program.nodes] == ["ConstantOfShape", "Gemm", "Add"]
    assert "b" not in checkpoint.tensors


def test_a_shape_that_is_computed_stays_a_node():
    nodes = [helper.make_node("Shape", ["x"], ["w_shape"]), repeated("w"), gemm()]
    checkpoint = read_model(model(nodes, [weight("v")]))
    assert [node.operator for node in checkpoint.program.nodes] == ["Shape", "ConstantOfShape", "Gemm"]
