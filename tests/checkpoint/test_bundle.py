"""Files of one upload, sorted into networks."""

import pytest

from metagauge.checkpoint.bundle import Sent, bundles
from metagauge.checkpoint.format import Format
from metagauge.errors import UnknownFormatError, UnsupportedFormatError

INDEX = "model.safetensors.index.json"
SHARDS = tuple(f"model-0000{number}-of-00002.safetensors" for number in (1, 2))


def st(name: str) -> Sent:
    return Sent(name=name, format=Format.SAFETENSORS)


def onnx(name: str) -> Sent:
    return Sent(name=name, format=Format.ONNX)


def data(name: str) -> Sent:
    return Sent(name=name, refusal=UnknownFormatError("bytes"))


def foreign(name: str) -> Sent:
    return Sent(name=name, refusal=UnsupportedFormatError("a pickle"))


def index(name: str = INDEX, shards: tuple[str, ...] = SHARDS) -> Sent:
    return Sent(name=name, refusal=UnsupportedFormatError("JSON"), shards=shards)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([st("a.safetensors"), onnx("b.onnx")], [("a.safetensors",), ("b.onnx",)]),
        ([st(SHARDS[1]), index(), st(SHARDS[0])], [(INDEX, *SHARDS)]),
        ([index(shards=("x.safetensors",)), st("x.safetensors"), st("y.safetensors")],
         [(INDEX, "x.safetensors"), ("y.safetensors",)]),
        ([index()], [(INDEX,)]),
        ([st(SHARDS[1]), st("a.safetensors"), st(SHARDS[0])], [SHARDS, ("a.safetensors",)]),
        ([st(SHARDS[0]), st("model-00002-of-00003.safetensors")],
         [(SHARDS[0],), ("model-00002-of-00003.safetensors",)]),
        ([data("weights"), onnx("m.onnx"), data("more.bin")], [("m.onnx", "more.bin", "weights")]),
        ([onnx("m.onnx"), foreign("m.onnx.data")], [("m.onnx", "m.onnx.data")]),
        ([onnx("m.onnx"), foreign("old.pt")], [("m.onnx",), ("old.pt",)]),
        ([onnx("m.onnx"), onnx("n.onnx"), data("n.onnx_data"), data("m.bin"), data("o.bin")],
         [("m.onnx", "m.bin"), ("n.onnx", "n.onnx_data"), ("o.bin",)]),
        ([onnx("m.onnx"), onnx("m.2.onnx"), data("m.2.data")], [("m.onnx",), ("m.2.onnx", "m.2.data")]),
        ([data("a.bin"), st("b.safetensors")], [("a.bin",), ("b.safetensors",)]),
    ],
)  # fmt: skip
def test_files_find_their_network(sent: list[Sent], expected: list[tuple[str, ...]]):
    assert [bundle.files for bundle in bundles(sent)] == expected
