"""Weights in other files: read where the file came along, refused everywhere else."""

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import ArchitectureMismatchError, ExternalDataRefusedError, LimitExceededError
from tests.checkpoint.onnx_models import gemm, model

NUMBERS = np.arange(12, dtype=np.float32).reshape(3, 4)
BEFORE = b"\0" * 64
"""Exporters align tensors, so a weight seldom begins at the first byte."""


def external(location: str = "weights.bin", **entries: str) -> ModelProto:
    proto = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 4], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        proto.external_data.add(key=key, value=value)
    return model([gemm()], [proto])


@pytest.fixture
def beside(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "stored").write_bytes(BEFORE + NUMBERS.tobytes())
    return {"weights.bin": tmp_path / "stored"}


def read_with(proto: ModelProto, companions: dict[str, Path], limits: Limits = Limits()):  # noqa: B008 - a frozen value
    return read_onnx(memoryview(proto.SerializeToString()), limits, companions)


@pytest.mark.parametrize("location", ["weights.bin", "./weights.bin"])
def test_a_weight_is_a_view_over_the_file_that_came_along(beside, location):
    proto = external(location, offset="64", length="48", checksum="unused")
    checkpoint = read_with(proto, beside)
    assert checkpoint.tensor("w").array().tolist() == NUMBERS.tolist()
    assert not checkpoint.tensor("w").array().flags.owndata
    assert checkpoint.size_bytes == len(proto.SerializeToString()) + 112


def test_without_a_length_the_tensor_is_as_long_as_its_shape_says(beside):
    array = read_with(external(offset="64"), beside).tensor("w").array()
    assert array.tolist() == NUMBERS.tolist()


def test_a_file_that_did_not_come_along_is_refused_by_name(beside):
    with pytest.raises(ExternalDataRefusedError, match=r"other\.bin.*same upload"):
        read_with(external("other.bin"), beside)


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "a/../weights.bin", "..", "a\\weights.bin", ""])
def test_a_path_is_never_followed_even_if_a_file_of_that_name_came_along(beside, location):
    companions = {**beside, location: beside["weights.bin"]}
    with pytest.raises(ExternalDataRefusedError, match="path is never followed"):
        read_with(external(location), companions)


@pytest.mark.parametrize(
    "entries",
    [
        {"offset": "65"},
        {"offset": "64", "length": "44"},
        {"offset": "-4"},
        {"offset": "1" * 40},
        {"offset": "0x40"},
        {"offset": "18446744073709551616"},
    ],
)
def test_a_place_outside_the_file_is_refused(beside, entries):
    with pytest.raises(ArchitectureMismatchError, match="'w'"):
        read_with(external(**entries), beside)


def test_a_place_stated_twice_is_refused(beside):
    proto = external(offset="64")
    proto.graph.initializer[0].external_data.add(key="offset", value="0")
    with pytest.raises(ArchitectureMismatchError, match="twice"):
        read_with(proto, beside)


def test_a_file_above_the_limit_is_refused(beside):
    with pytest.raises(LimitExceededError, match="112"):
        read_with(external(offset="64"), beside, Limits(file_bytes=111))


def test_an_empty_file_is_refused_by_name(tmp_path):
    (tmp_path / "stored").write_bytes(b"")
    with pytest.raises(ArchitectureMismatchError, match="no bytes"):
        read_with(external(), {"weights.bin": tmp_path / "stored"})
