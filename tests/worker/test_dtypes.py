"""Weights of every float type go from the file to a judged graph; other types are not mistaken for weights."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.checkpoint.dtypes import ELEMENT_TYPES
from metagauge.checkpoint.limits import Limits
from metagauge.errors import ArchitectureMismatchError
from models.subject import Declared
from tests.attacks.safetensors_bytes import with_entries
from tests.service import checkpoints
from worker.__main__ import load
from worker.reading.sandbox import Sandbox

FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")


Stored = tuple[str, tuple[int, ...], bytes]
"""Type, shape and bytes."""


def stored(dtype: str, array: np.ndarray) -> Stored:
    return dtype, array.shape, array.tobytes()


def written(path: Path, tensors: dict[str, Stored]) -> dict[str, Path]:
    """A safetensors file with the architecture of the small network."""
    entries: dict = {"__metadata__": {METADATA_KEY: to_json(checkpoints.SPECIFICATION)}}
    data = b""
    for name, (dtype, shape, content) in tensors.items():
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    path.write_bytes(with_entries(entries, data))
    return {"net.safetensors": path}


def small(dtype: str) -> dict[str, Stored]:
    kind = ELEMENT_TYPES[dtype].array
    return {name: stored(dtype, array.astype(kind)) for name, array in checkpoints.tensors().items()}


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_network_of_any_float_type_is_judged(tmp_path: Path, dtype: str):
    predictor = load("cifar10-accuracy")
    with Sandbox(limits=Limits(), deadline_s=60).read(written(tmp_path / "net", small(dtype)), None, print) as read:
        (prediction,) = predictor.predict([read.subject(Declared())])
        (block,) = [block for block in read.graph.blocks if block.role == "linear"]
        assert block.weight.dtype == ELEMENT_TYPES[dtype].array
    assert not any("no network had that" in reason for reason in prediction.reasons)
    assert prediction.score is not None
    assert read.reading.summary.dtypes == {dtype: sum(array.size for array in checkpoints.tensors().values())}


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_a_shorter_type_changes_the_prediction_little(tmp_path: Path, dtype: str):
    scores = []
    for kind in ("F32", dtype):
        with Sandbox(limits=Limits(), deadline_s=60).read(written(tmp_path / kind, small(kind)), None, print) as read:
            (prediction,) = load("cifar10-accuracy").predict([read.subject(Declared())])
            scores.append(prediction.score)
    assert scores[1] == pytest.approx(scores[0], abs=0.02)


@pytest.mark.parametrize("dtype", ["I8", "U8", "BOOL", "I4", "F4", "F8_E8M0"])
def test_weights_that_are_no_numbers_by_themselves_are_refused_as_such(tmp_path: Path, dtype: str):
    shape = checkpoints.tensors()["head.weight"].shape
    content = bytes(ELEMENT_TYPES[dtype].stored_bytes(shape[0] * shape[1]))
    files = written(tmp_path / "net", {**small("F32"), "head.weight": (dtype, shape, content)})
    with (
        pytest.raises(ArchitectureMismatchError, match=dtype),
        Sandbox(limits=Limits(), deadline_s=60).read(files, None, print),
    ):
        pass


def test_other_tensors_may_be_of_any_type(tmp_path: Path):
    more = {
        "ids": stored("I64", np.arange(4)),
        "mask": stored("BOOL", np.array([True, False])),
        "small": stored("I8", np.ones(3, np.int8)),
        "bytes": stored("U8", np.ones(3, np.uint8)),
        "scales": stored("F8_E8M0", np.ones(3, ml_dtypes.float8_e8m0fnu)),
        "packed": ("I4", (3, 2), bytes(3)),
    }
    files = written(tmp_path / "net", {**small("F32"), **more})
    with Sandbox(limits=Limits(), deadline_s=60).read(files, None, print) as read:
        assert read.graph.coverage == 1.0
        assert set(read.reading.summary.dtypes) == {"F32", "I64", "BOOL", "I8", "U8", "F8_E8M0", "I4"}
