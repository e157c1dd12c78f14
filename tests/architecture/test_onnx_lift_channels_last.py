"""Images whose channels come last are read as the images they are; each program is compared with ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import ModelProto, NodeProto

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import Conv
from metagauge.architecture.onnx.channels_last import has_channels_last
from metagauge.architecture.onnx.lift import lift
from metagauge.graph.build import build
from tests.architecture.onnx_export import computed
from tests.architecture.onnx_programs import call, checkpoint_of, numbers, program

CONV = [
    call("Conv", "t k b", "c", pads=[1, 1, 1, 1]),
    call("Relu", "c", "r"),
    call("GlobalAveragePool", "r", "g"),
    call("Flatten", "g", "f"),
    call("Gemm", "f w", "y"),
]
WEIGHTS = {"k": numbers(4, 3, 3, 3), "b": numbers(4), "w": numbers(4, 10)}
TURN = call("Transpose", "x", "t", perm=[0, 3, 1, 2])
SHAPE = ("batch", 8, 6, 3)


def read(model: ModelProto) -> Architecture:
    """The architecture, once it is known to compute of channels-first images what the file does of the others."""
    checkpoint = checkpoint_of(model)
    architecture = lift(checkpoint)
    images = numbers(3, 8, 6, 3, seed=1)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {"x": images})
    found = computed(architecture, checkpoint, torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)
    return architecture


@pytest.mark.parametrize(
    "before",
    [
        [TURN],
        [call("Identity", "x", "i"), call("Transpose", "i", "t", perm=[0, 3, 1, 2])],
        [call("Mul", "x half", "m"), call("Transpose", "m", "t", perm=[0, 3, 1, 2])],
    ],
)
def test_channels_are_put_first(before: list[NodeProto]):
    constants = {"half": np.float32(0.5)} if "half" in before[0].input[1:] else {}
    architecture = read(program([*before, *CONV], {**WEIGHTS, **constants}, SHAPE))
    assert (architecture.input_shape, architecture.input_layout) == ((3, 8, 6), "map")
    assert any(isinstance(operation.layer, Conv) for operation in architecture.operations)


def test_it_is_the_graph_of_the_network_whose_channels_come_first():
    last, first = (
        checkpoint_of(program(nodes, WEIGHTS, shape))
        for nodes, shape in (
            ([TURN, *CONV], SHAPE),
            ([call("Identity", "x", "t"), *CONV], ("batch", 3, 8, 6)),
        )
    )
    one, other = (build(lift(each), each) for each in (last, first))
    assert [(group.size, group.positions) for group in one.groups] == [
        (group.size, group.positions) for group in other.groups
    ]
    for mine, its in zip(one.blocks, other.blocks, strict=True):
        np.testing.assert_array_equal(mine.weight, its.weight)


def test_a_head_may_flatten_with_channels_last():
    """As TensorFlow does: positions are slower than channels."""
    nodes = [
        TURN,
        *CONV[:2],
        call("Transpose", "r", "back", perm=[0, 2, 3, 1]),
        call("Flatten", "back", "f"),
        call("Gemm", "f w", "y"),
    ]
    architecture = read(program(nodes, {**WEIGHTS, "w": numbers(4 * 48, 10)}, SHAPE))
    assert architecture.input_shape == (3, 8, 6)


def test_an_input_that_something_else_reads_stays_as_it_is():
    nodes = [call("Conv", "x k", "y")]
    architecture = lift(checkpoint_of(program(nodes, {"k": numbers(4, 8, 3, 3)}, SHAPE)))
    assert architecture.input_shape == (8, 6, 3)


def test_an_input_that_is_read_both_ways_stays_as_it_is():
    constants = {"k": numbers(4, 8, 1, 1)}
    shape, both = (
        ("batch", 8, 8, 8),
        [TURN, call("Conv", "x k", "c"), call("Conv", "t k", "d"), call("Add", "c d", "y")],
    )
    one, other = (
        checkpoint_of(program(nodes, constants, shape)).program for nodes in ([TURN, call("Conv", "t k", "y")], both)
    )
    assert one is not None and has_channels_last(one, "x", 4)
    assert other is not None and not has_channels_last(other, "x", 4)


def test_an_input_of_two_axes_stays_as_it_is():
    """They may be tokens and features."""
    nodes = [call("Transpose", "x", "t", perm=[0, 2, 1]), call("Conv", "t k", "y")]
    mixed = checkpoint_of(program(nodes, {"k": numbers(4, 3, 3)}, ("batch", 8, 3))).program
    assert mixed is not None and not has_channels_last(mixed, "x", 3)
