"""What callers cost who are refused, or send a body in the smallest chunks: by real sockets."""

from __future__ import annotations

import contextlib
import gc
import json
import socket
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from axon.rpc.connections import HttpHandler
from axon.rpc.pieces import PIECE_BYTES
from tests.rpc.serving import Web, ask, serving
from tests.rpc.test_connections import (
    LOGIN,
    PATIENCE_S,
    RESULT,
    answer,
    chunked,
    connect,
    head,
)


@pytest.fixture(name="web", scope="module")
def web_fixture() -> Iterator[Web]:
    with serving() as served:
        yield served


@pytest.fixture(name="parsed")
def parsed_fixture(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what the parser is given, in bytes."""
    sizes: list[int] = []
    plain = HttpHandler.data_received

    def counted(handler: HttpHandler, data: bytes) -> None:
        sizes.append(len(data))
        plain(handler, data)

    monkeypatch.setattr(HttpHandler, "data_received", counted)
    return sizes


def insist(stream: socket.socket, data: bytes) -> bytes:
    """Send bytes to the end, whatever is said; what is said."""
    stream.setblocking(False)
    received, end = b"", time.monotonic() + PATIENCE_S
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                data = data[stream.send(data[: 1 << 16]) :] if data else data
            with contextlib.suppress(BlockingIOError):
                piece = stream.recv(1 << 16)
                if not piece:
                    break
                received += piece
    return received


WRONG = "Basic YTpi"


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (chunked(b"", login=None), b" 401"),
        (chunked(b"", login=WRONG), b" 401"),
        (chunked(b"").replace(b"POST /", b"POST /rest"), b" 404"),
        (chunked(b"").replace(b"POST /", b"PUT /"), b" 405"),
        (head(size=33_000_000).replace(LOGIN.encode(), WRONG.encode()), b" 401"),
        (b"no HTTP", b" 400"),
        (b"\0", b" 400"),
        (head(size=0) + b"no HTTP", b" 400"),
        (chunked(b"no size\r\n", login=None), b" 400"),
    ],
)
def test_nothing_is_taken_behind_a_refusal(
    web: Web, parsed: list[int], begun: bytes, status: bytes
) -> None:
    with connect(web) as stream:
        answered = insist(stream, begun + b"1\r\nx\r\n" * 1_000_000)
    assert status in answered
    assert (b"Connection: close" in answered) == answered.startswith(b"HTTP/1.1")
    assert sum(parsed) < 1_000_000
    assert web.post(ask("echo", 7)).body == RESULT


def test_endless_junk_costs_no_memory(web: Web) -> None:
    junk = b"x" * 8_000_000
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(connect(web)) for _ in range(4)]
        gc.collect()
        gc.disable()  # What only it finds is kept for long: it looks at old objects seldom.
        tracemalloc.start()
        try:
            for stream in streams:
                stream.setblocking(False)
                began = time.monotonic()
                while time.monotonic() - began < 0.5:
                    with contextlib.suppress(OSError):  # Full, or closed.
                        stream.send(junk)
            kept_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            gc.enable()
    assert kept_bytes < 4_000_000


def test_chunks_of_one_byte_hold_nobody_up(web: Web, parsed: list[int]) -> None:
    body = b"".join(
        b"1\r\n%c\r\n" % each for each in json.dumps(ask("echo", "x" * 50_000)).encode()
    )
    with connect(web) as stream:
        stream.sendall(chunked(body + b"0\r\n\r\n"))
        assert len(answer(stream)) > 50_000
    assert max(parsed) <= PIECE_BYTES
    assert len(parsed) >= len(body) // PIECE_BYTES


@pytest.mark.parametrize("pause_s", [0.0, 0.1])
def test_a_body_whose_chunks_break_is_refused_at_once(web: Web, pause_s: float) -> None:
    with connect(web) as stream:
        stream.sendall(chunked(b'5\r\n{"met\r\n'))
        time.sleep(pause_s)
        stream.sendall(b"no size\r\n")
        assert b" 400 Bad Request\r\n" in stream.recv(1 << 16)
        assert stream.recv(1) == b""
    assert web.server._calls == 0
