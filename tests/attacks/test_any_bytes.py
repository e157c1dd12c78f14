"""Whatever the bytes are, reading gives a checkpoint whose tensors can be read, or one of our own refusals."""

from contextlib import suppress

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from safetensors.numpy import save

from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.digest import digest
from metagauge.checkpoint.findings import tensor_findings
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.checkpoint.safetensors_file import read_safetensors
from metagauge.checkpoint.sniff import sniff
from metagauge.errors import MetagaugeError
from tests.checkpoint.onnx_models import gemm, model, weight

SAFETENSORS = save({"a": np.ones((2, 3), np.float32), "b": np.zeros(2, np.int64)}, metadata={"format": "pt"})


def onnx_bytes() -> bytes:
    values = numpy_helper.from_array(np.ones(2, np.float32), "s")
    positions = numpy_helper.from_array(np.array([0, 3]), "i")
    typed = helper.make_tensor("t", 10, (3,), [1.0, 2.0, 3.0])
    branch = helper.make_graph([gemm("x", "r", "inner")], "then", [], [], [weight("inner")])
    nodes = [
        helper.make_node("Constant", [], ["c"], value_ints=[1, 2]),
        helper.make_node("If", ["c"], ["h"], then_branch=branch),
        gemm("h"),
    ]
    proto = model(nodes, [weight(), typed], sparse_initializer=[helper.make_sparse_tensor(values, positions, [2, 2])])
    body = [helper.make_node("Relu", ["a"], ["b"])]
    proto.functions.append(helper.make_function("f", "F", ["a"], ["b"], body, [helper.make_opsetid("", 17)]))
    return proto.SerializeToString()


ONNX = onnx_bytes()
READERS = (read_safetensors, read_onnx)


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` after a few edits of the kinds that break parsers: bits, numbers, cuts, repeats."""
    edited = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(edited) - 1, 0)))
        stop = min(len(edited), place + draw(st.integers(1, 12)))
        match draw(st.sampled_from(["replace", "insert", "delete", "repeat", "cut"])):
            case "replace":
                edited[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "insert":
                edited[place:place] = draw(st.sampled_from([b"\x00", b"\xff" * 9, b"9", b"[", b'"', b"\x0a\x00"]))
            case "delete":
                del edited[place:stop]
            case "repeat":
                edited[place:place] = edited[place:stop]
            case "cut":
                del edited[place:]
    return bytes(edited)


def settle(content: bytes) -> None:
    """Passes when every reader gives usable tensors or a refusal of ours."""
    with suppress(MetagaugeError):
        sniff(content)
    for reader in READERS:
        with suppress(MetagaugeError):
            use(reader(memoryview(content), Limits(expanded_bytes=2**24)))


def use(checkpoint: Checkpoint) -> None:
    tensor_findings(checkpoint.tensors)
    digest(checkpoint)
    for tensor in checkpoint.tensors.values():
        assert tensor.array().shape == tensor.shape
        assert not tensor.array().flags.writeable


def test_the_files_that_are_mutated_are_read():
    use(read_safetensors(memoryview(SAFETENSORS), Limits()))
    use(read_onnx(memoryview(ONNX), Limits()))


@given(st.binary(max_size=200))
def test_any_bytes_are_settled(content):
    settle(content)


@given(mutated(SAFETENSORS))
def test_any_change_of_a_safetensors_file_is_settled(content):
    settle(content)


@given(mutated(ONNX))
def test_any_change_of_an_onnx_file_is_settled(content):
    settle(content)


@given(st.integers(0, len(SAFETENSORS) - 1))
def test_no_beginning_of_a_safetensors_file_is_read(length):
    try:
        read_safetensors(memoryview(SAFETENSORS[:length]), Limits())
    except MetagaugeError:
        return
    raise AssertionError(f"the first {length} bytes were read as if they were the file")
