"""The limit on bodies, over a real socket: the refusal arrives even while the client is sending."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from app.main import create
from metagauge.service.settings import Settings
from tests.service import checkpoints


@contextmanager
def listening(settings: Settings) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create(settings), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    with listening(settings) as url:
        yield url


def chunks(total: int) -> Iterator[bytes]:
    """A large safetensors file, however the network cuts it."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [total], "data_offsets": [0, total]}}).encode()
    yield len(header).to_bytes(8, "little") + header
    for _ in range(total // 65536):
        yield bytes(65536)


def test_a_declared_length_above_the_limit_is_refused(url: str):
    answer = httpx.post(f"{url}/predict", content=bytes(5_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")


def test_an_undeclared_length_is_counted_and_the_refusal_arrives(url: str):
    answer = httpx.post(f"{url}/predict", content=chunks(5_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")


def test_a_form_that_is_too_large_leaves_nothing_behind(url: str, settings: Settings):
    answer = httpx.post(f"{url}/predict", files={"file": ("big", checkpoints.onnx_bytes() + bytes(5_000_000))})
    assert answer.status_code == 413
    assert not [path for path in Path(settings.blobs).rglob("*") if path.is_file()]


def test_an_endless_body_is_cut_off(url: str):
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 80), timeout=60) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"10000\r\n" + checkpoints.onnx_bytes().ljust(65536, b"\0") + b"\r\n")
        sent = 0
        with pytest.raises(OSError, match=r"reset|pipe"):
            while sent < 10**9:
                sent += client.send(b"10000\r\n" + bytes(65536) + b"\r\n")
    assert sent < 10**9
