"""The streaming form parser: whatever way the bytes are cut, the parts are the same."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from app.multipart import PartBegin, PartData, PartEnd, events
from metagauge.errors import RequestInvalidError

BOUNDARY = "b0undary"
Part = tuple[str, str | None, bytes]

near_boundary = st.sampled_from([b"\r\n", b"--", b"\r\n--", b"\r\n--b0undar", BOUNDARY.encode(), b"\r", b"-"])
contents = st.lists(st.one_of(st.binary(max_size=20), near_boundary), max_size=8).map(b"".join)
names = st.text("abcé", min_size=1, max_size=5)
parts = st.lists(st.tuples(names, st.none() | names, contents), min_size=1, max_size=4)


def body(given_parts: Sequence[Part]) -> bytes:
    sections = []
    for name, filename, content in given_parts:
        extra = "" if filename is None else f'; filename="{filename}"'
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
        sections.append(head.encode() + content + b"\r\n")
    return b"".join(sections) + f"--{BOUNDARY}--\r\n".encode()


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    chunks, start = [], 0
    for size in sizes:
        chunks.append(data[start : start + size])
        start += size
    return [chunk for chunk in [*chunks, data[start:]] if chunk]


def parse(chunks: Sequence[bytes], content_type: str = f"multipart/form-data; boundary={BOUNDARY}") -> list[Part]:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def collect() -> list[Part]:
        scope = {"type": "http", "headers": [(b"content-type", content_type.encode())]}
        found: list[Part] = []
        is_open = False
        async for event in events(Request(scope, receive)):
            match event:
                case PartBegin(name=name, filename=filename):
                    found.append((name, filename, b""))
                    is_open = True
                case PartData(data=data):
                    assert is_open
                    found[-1] = (*found[-1][:2], found[-1][2] + data)
                case PartEnd():
                    is_open = False
        return found

    return asyncio.run(collect())


@given(parts, st.lists(st.integers(1, 9), max_size=60))
def test_parts_come_out_as_they_went_in_however_the_body_is_cut(given_parts: list[Part], sizes: list[int]):
    clean = [part for part in given_parts if f"\r\n--{BOUNDARY}".encode() not in b"\r\n" + part[2] + b"\r\n"]
    if clean:
        assert parse(cut(body(clean), sizes)) == clean


def test_one_changed_byte_does_come_out_changed():
    assert parse([body([("file", "a", b"abc")])]) != parse([body([("file", "a", b"abd")])])


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"no multipart at all", f"multipart/form-data; boundary={BOUNDARY}"),
        (body([("file", "a", b"abc")]), "multipart/form-data"),
        (body([("file", "a", b"abc")])[:-8], f"multipart/form-data; boundary={BOUNDARY}"),
        (b"", f"multipart/form-data; boundary={BOUNDARY}"),
        (f"--{BOUNDARY}\r\n\r\nnameless\r\n--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"),
        (body([("file", "a", b"abc")]), f"multipart/form-data; boundary={'x' * 300}"),
    ],
)
def test_a_body_that_is_no_form_is_refused(content: bytes, content_type: str):
    with pytest.raises(RequestInvalidError):
        parse([content] if content else [], content_type)
