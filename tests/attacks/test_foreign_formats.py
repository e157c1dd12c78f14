"""Files of other formats: each is refused by name, with a way out, and none is opened."""

import bz2
import gzip
import io
import lzma
import pickle
import sys
import tarfile
import zipfile

import numpy as np
import pytest
import torch

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.checkpoint.sniff import HEAD_BYTES, sniff
from metagauge.errors import EmptyUploadError, UnsupportedFormatError
from tests.checkpoint.onnx_models import linear


class Armed:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self):
        return (exec, ("import sys; sys.metagauge_was_attacked = True",))


def torch_file(zipped: bool) -> bytes:
    file = io.BytesIO()
    torch.save({"w": torch.zeros(2)}, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def zip_of(member: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, b"x")
    return file.getvalue()


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, w=np.zeros(2))
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(2))
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.onnx"))
    return file.getvalue()


ONNX = linear().SerializeToString()
FOREIGN = {
    "torch zip": (torch_file(zipped=True), "PyTorch", "metagauge.declare.save"),
    "torch before 1.6": (torch_file(zipped=False), "pickle", "metagauge.declare.save"),
    **{f"pickle protocol {n}": (pickle.dumps(Armed(), n), "pickle", "metagauge.declare.save") for n in (0, 2, 3, 4, 5)},
    "pickled dictionary, protocol 0": (pickle.dumps({"w": 1}, 0), "pickle", "metagauge.declare.save"),
    "zip": (zip_of("../../evil.txt"), "zip archive", "Unpack"),
    "keras": (zip_of("metadata.json"), "Keras", "Convert"),
    "npz": (npz(), "NumPy", "Convert"),
    "npy": (npy(), "NumPy", "Convert"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(500), "HDF5", "Convert"),
    "gzip": (gzip.compress(ONNX), "gzip", "Unpack"),
    "gzip without a time": (gzip.compress(ONNX, mtime=0), "gzip", "Unpack"),
    "gzip bomb": (gzip.compress(bytes(10_000_000)), "gzip", "Unpack"),
    "bzip2": (bz2.compress(ONNX), "bzip2", "Unpack"),
    "xz": (lzma.compress(ONNX), "xz", "Unpack"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(60), "zstd", "Unpack"),
    "tar": (tar(), "tar", "Unpack"),
    "git-lfs pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "Git LFS",
        "git lfs pull",
    ),
    "web page": (b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page", "Download"),
    "ONNX Runtime": (b"\x14\x00\x00\x00ORTM" + bytes(60), "ONNX Runtime", ".onnx"),
    "TensorFlow Lite": (b"\x1c\x00\x00\x00TFL3" + bytes(60), "TensorFlow Lite", "Convert"),
    "TensorFlow graph": (b"\x0a\x0f\x0a\x05input\x12\x0bPlaceholder", "unknown format", "export"),
    "GGUF": (b"GGUF\x03\x00\x00\x00" + bytes(60), "GGUF", "safetensors"),
    "text": (b"accuracy: 0.93\n" * 50, "plain text", "Convert"),
    "text that is cut in a character": (("ä" * 600).encode()[:511], "plain text", "Convert"),
    "JSON": (b'{"model_type": "bert"}', "JSON", "config.json"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(60), "PNG", "checkpoint"),
    "noise": (bytes(range(200, 256)), "unknown format", "safetensors"),
}


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize("name", ["a.safetensors", "a.onnx"])
def test_a_foreign_format_is_named_whatever_the_file_is_called(case, name, tmp_path):
    content, looks_like, advice = FOREIGN[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnsupportedFormatError) as refusal:
        read(tmp_path / name, Limits())
    assert looks_like in str(refusal.value)
    assert advice in str(refusal.value)
    assert not hasattr(sys, "metagauge_was_attacked")


def test_the_armed_pickle_is_dangerous():
    pickle.loads(pickle.dumps(Armed()))
    assert sys.metagauge_was_attacked
    del sys.metagauge_was_attacked


def test_an_empty_file_is_told_as_empty(tmp_path):
    (tmp_path / "a.onnx").touch()
    with pytest.raises(EmptyUploadError):
        read(tmp_path / "a.onnx", Limits())
    with pytest.raises(EmptyUploadError):
        sniff(b"")


def test_the_head_alone_gives_the_same_refusal():
    for content, looks_like, _ in FOREIGN.values():
        with pytest.raises(UnsupportedFormatError, match=looks_like):
            sniff(content[:HEAD_BYTES])
