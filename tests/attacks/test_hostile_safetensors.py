"""safetensors files that break the format, each in one way."""

import tracemalloc

import pytest

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.safetensors_file import read_safetensors
from metagauge.errors import LimitExceededError, MalformedCheckpointError, NoParametersError
from tests.attacks.safetensors_bytes import entry, with_entries, with_header

GOOD = with_entries({"a": entry([2], 0, 8), "b": entry([1], 8, 12)}, bytes(12))

MALFORMED = {
    "shorter than its header length": (b"\x08\x00\x00", "3 bytes"),
    "header cut short": (GOOD[:40], "cut short"),
    "data cut short": (GOOD[:-1], "cut short"),
    "bytes after the last tensor": (GOOD + b"\x00", "no tensor owns"),
    "header is no JSON": (with_header(b"{not json at all"), "not JSON"),
    "header is a list": (with_header(b"[1, 2]"), "begin with"),
    "header begins with a space": (with_header(b" {}"), "begin with"),
    "header is not UTF-8": (with_header(b'{"a\xff": {}}'), "not UTF-8"),
    "name is half a surrogate pair": (with_header(b'{"\\ud800": {}}'), "Unicode"),
    "deep nesting": (with_header(b'{"a":' + b"[" * 100_000), "nested"),
    "hole": (with_entries({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, bytes(12)), "hole"),
    "overlap": (with_entries({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)), "overlaps"),
    "alias": (with_entries({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, bytes(4)), "overlaps"),
    "end before begin": (with_entries({"a": entry([1], 4, 0)}, bytes(4)), "begin, end"),
    "size against span": (with_entries({"a": entry([4, 4], 0, 16)}, bytes(16)), "needs 64 bytes"),
    "shape that wraps in 64 bits": (with_entries({"a": entry([2**33, 2**33], 0, 4)}, bytes(4)), "'a'"),
    "empty shape that wraps": (with_entries({"a": entry([0, 2**62, 2**62], 0, 0)}), "'a'"),
    "size beyond 64 bits": (with_entries({"a": entry([2**64], 0, 4)}, bytes(4)), "sizes"),
    "negative size": (with_entries({"a": entry([-1], 0, 4)}, bytes(4)), "sizes"),
    "fractional size": (with_header(b'{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', bytes(4)), "1.0"),
    "not a number": (with_header(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', bytes(4)), "NaN"),
    "number of 5000 digits": (with_header(b'{"a":{"dtype":"F32","shape":[' + b"1" * 5000 + b"]}}"), "JSON"),
    "truth value as a size": (with_entries({"a": entry([True], 0, 4)}, bytes(4)), "sizes"),
    "half a byte": (with_entries({"a": entry([3], 0, 2, "F4")}, bytes(2)), "12 bits"),
    "unknown dtype": (with_entries({"a": entry([1], 0, 4, "F33")}, bytes(4)), "F33"),
    "missing key": (with_entries({"a": {"dtype": "F32", "shape": []}}), "exactly the keys"),
    "key too many": (with_entries({"a": {**entry([1], 0, 4), "x": 1}}, bytes(4)), "exactly the keys"),
    "entry is a number": (with_entries({"a": 3}), "exactly the keys"),
    "same name twice": (with_header(b'{"a":1,"a":2}'), "'a' twice"),
    "same key twice in an entry": (with_header(b'{"a":{"dtype":"F32","dtype":"F16"}}'), "'dtype' twice"),
    "metadata is a list": (with_entries({"__metadata__": [1]}), "__metadata__"),
    "metadata value is a number": (with_entries({"__metadata__": {"k": 1}}), "'k'"),
}


def read(content: bytes, limits: Limits = Limits()):  # noqa: B008 - a frozen value
    return read_safetensors(memoryview(content), limits)


def test_the_file_which_the_attacks_are_made_from_is_read():
    assert list(read(GOOD).tensors) == ["a", "b"]


@pytest.mark.parametrize("case", MALFORMED)
def test_a_file_that_breaks_the_format_is_malformed_and_the_message_says_how(case):
    content, reason = MALFORMED[case]
    with pytest.raises(MalformedCheckpointError) as refusal:
        read(content)
    assert reason in str(refusal.value)


def test_more_tensors_than_the_limit_are_refused():
    content = with_entries({str(n): entry([1], 4 * n, 4 * n + 4) for n in range(5)}, bytes(20))
    assert len(read(content, Limits(tensors=5)).tensors) == 5
    with pytest.raises(LimitExceededError, match="5 tensors; the limit is 4"):
        read(content, Limits(tensors=4))


def test_more_axes_than_the_limit_are_refused():
    with pytest.raises(LimitExceededError, match="9 axes"):
        read(with_entries({"a": entry([1] * 9, 0, 4)}, bytes(4)))


def test_a_header_longer_than_the_limit_is_refused_before_it_is_read():
    with pytest.raises(LimitExceededError, match="header claims 11 bytes"):
        read(with_header(b'{"a": 12345'), Limits(header_bytes=10))


def test_a_header_of_many_small_values_is_refused_before_it_becomes_objects():
    content = with_header(b'{"a":[' + b"[]," * 1_000_000 + b"[]]}")
    tracemalloc.start()
    with pytest.raises(LimitExceededError, match="brackets"):
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * len(content)


@pytest.mark.parametrize("content", [with_entries({}), with_entries({"__metadata__": {"format": "pt"}})])
def test_a_file_without_tensors_has_no_parameters(content):
    with pytest.raises(NoParametersError):
        read(content)
