"""Who may connect, who gives way, and how lenient the server is: by real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_response import StreamResponse

from axon.rpc.connections import ENDED_GRACE_S
from axon.rpc.connectionslots import ConnectionSlots
from tests.rpc.serving import Web, ask, serving

LOGIN = "Basic YWxpY2U6c2VjcmV0"
BODY = b'{"method":"echo","params":[7],"id":1}'
RESULT = b'{"result":7,"error":null,"id":1}\n'
PATIENCE_S = 10.0


class Held:
    """A connection in a table."""

    def __init__(self, since: float, local: bool = True, called: bool = False) -> None:
        self.is_local = local
        self.working = 0
        self.has_called = called
        self.has_ended = False
        self.idle_since = since
        self.evicted = False

    def evict(self) -> None:
        self.evicted = True


def test_the_one_that_waited_longest_gives_way() -> None:
    slots = ConnectionSlots(most=3, reserved=0)
    first, second, third = Held(2.0), Held(1.0), Held(3.0)
    assert all(map(slots.take, (first, second, third)))
    assert slots.take(Held(4.0))
    assert (first.evicted, second.evicted, third.evicted) == (False, True, False)
    assert len(slots) == 3


def test_whoever_never_called_gives_way_first() -> None:
    slots = ConnectionSlots(most=2, reserved=0)
    owner, stranger = Held(1.0, called=True), Held(2.0)
    assert slots.take(owner)
    assert slots.take(stranger)
    assert slots.take(Held(3.0))
    assert (owner.evicted, stranger.evicted) == (False, True)


def test_whose_caller_sends_no_more_gives_way_before_all_others() -> None:
    slots = ConnectionSlots(most=3, reserved=0)
    silent, gone, owner = Held(1.0), Held(3.0, called=True), Held(2.0, called=True)
    gone.has_ended = True
    assert all(map(slots.take, (silent, gone, owner)))
    assert slots.take(Held(4.0))
    assert (silent.evicted, gone.evicted, owner.evicted) == (False, True, False)


def test_newcomers_have_a_part_that_idle_callers_do_not_fill() -> None:
    slots = ConnectionSlots(most=8, reserved=0)
    kept = [Held(float(since), called=True) for since in range(8)]
    newcomers = [Held(float(since)) for since in range(10, 14)]
    assert all(map(slots.take, kept + newcomers))
    assert [each.evicted for each in kept] == [True, True] + [False] * 6
    assert [each.evicted for each in newcomers] == [True, True, False, False]


def test_nobody_at_work_gives_way() -> None:
    slots = ConnectionSlots(most=1, reserved=0)
    busy = Held(1.0)
    busy.working = 1
    assert slots.take(busy)
    assert not slots.take(Held(2.0))
    busy.working = 0
    assert slots.take(Held(3.0))
    slots.leave(busy)
    assert len(slots) == 1


def test_a_part_is_for_this_machine() -> None:
    slots = ConnectionSlots(most=4, reserved=2)
    remote = [Held(float(since), local=False) for since in range(3)]
    assert all(map(slots.take, remote))
    assert [each.evicted for each in remote] == [True, False, False]
    local = [Held(float(since)) for since in range(-2, 0)]
    assert all(map(slots.take, local))
    assert slots.take(Held(9.0, local=False))
    assert not any(each.evicted for each in local)
    assert slots.take(Held(10.0)), "this machine takes any place"
    assert len(slots) == 4


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as served:
        yield served


def connect(web: Web) -> socket.socket:
    return socket.create_connection((web.endpoint.host, web.endpoint.port), PATIENCE_S)


def head(*lines: str, size: int = len(BODY), line_break: str = "\r\n") -> bytes:
    first = ("POST / HTTP/1.1", f"Authorization: {LOGIN}", f"Content-Length: {size}")
    return line_break.join((*first, *lines, "", "")).encode()


def rest_of(stream: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := stream.recv(1 << 16):
            received += piece
    return received


def answer(stream: socket.socket) -> bytes:
    """One answer, up to the end of its body."""
    received = b""
    while not received.endswith(b"}\n"):
        piece = stream.recv(1 << 16)
        assert piece, f"the server closed after {received!r}"
        received += piece
    return received


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("lines", [(), ("Host: x",)])
def test_lenient_heads(web: Web, line_break: str, lines: tuple[str, ...]) -> None:
    with connect(web) as stream:
        for _ in range(2):
            stream.sendall(head(*lines, line_break=line_break) + BODY)
            assert answer(stream).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_head_byte_by_byte(web: Web) -> None:
    with connect(web) as stream:
        for each in head(line_break="\n") + BODY:
            stream.sendall(bytes((each,)))
        assert answer(stream).endswith(RESULT)


def test_a_chunked_body(web: Web) -> None:
    lines = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {LOGIN}\r\nTransfer-Encoding: chunked"
    with connect(web) as stream:
        stream.sendall(b"%s\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (lines.encode(), len(BODY), BODY))
        assert answer(stream).endswith(RESULT)


def test_a_caller_who_sends_no_more_is_answered(web: Web) -> None:
    for body in (BODY, json.dumps(ask("work", "half-closed")).encode()):
        with connect(web) as stream:
            stream.sendall(head(size=len(body)) + body)
            stream.shutdown(socket.SHUT_WR)
            received = rest_of(stream)
            assert received.startswith(b"HTTP/1.1 200")
            assert received.endswith(b"}\n")


def test_callers_with_a_connection_for_each_call_keep_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish = RequestHandler.finish_response

    async def finish_late(*args: Any) -> tuple[StreamResponse, bool]:
        """Callers hang up before the server has turned to their next request."""
        done = await finish(*args)
        await asyncio.sleep(0.01)
        return done

    monkeypatch.setattr(RequestHandler, "finish_response", finish_late)
    monkeypatch.setattr("axon.rpc.server.MAX_CONNECTIONS", 20)
    with serving() as web, ThreadPoolExecutor(3) as callers:
        began = time.monotonic()
        answers = callers.map(lambda _: web.post(ask("echo", 7)).body, range(200))
        assert set(answers) == {RESULT}
        web.until(lambda: not web.server._web.connections)
        assert time.monotonic() - began < 200 / 20 * ENDED_GRACE_S / 2


def test_the_end_is_taken_at_any_moment_of_a_call(web: Web) -> None:
    for step in range(40):
        with connect(web) as stream:
            stream.sendall(head() + BODY)
            if step % 2:
                assert answer(stream).endswith(RESULT)
            time.sleep(step / 40_000)
            began = time.monotonic()
            stream.shutdown(socket.SHUT_WR)
            assert rest_of(stream).endswith(b"" if step % 2 else RESULT)
            assert time.monotonic() - began < ENDED_GRACE_S / 2


def chunked(body: bytes, login: str | None = LOGIN) -> bytes:
    """A request whose body comes in chunks; the last one is up to the caller."""
    lines = ["POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "", ""]
    if login is not None:
        lines.insert(1, f"Authorization: {login}")
    return "\r\n".join(lines).encode() + body


def test_a_caller_who_sends_no_more_is_answered_behind_chunks(web: Web) -> None:
    whole = chunked(b"".join(b"1\r\n%c\r\n" % each for each in BODY) + b"0\r\n\r\n")
    for size in (len(whole), 100, 1):
        with connect(web) as stream:
            for at in range(0, len(whole), size):
                stream.sendall(whole[at : at + size])
            stream.shutdown(socket.SHUT_WR)
            assert rest_of(stream).endswith(RESULT)


def test_two_requests_before_the_end_are_both_answered(web: Web) -> None:
    with connect(web) as stream:
        stream.sendall((head() + BODY) * 2)
        stream.shutdown(socket.SHUT_WR)
        assert rest_of(stream).count(b"HTTP/1.1 200") == 2


def test_half_a_request_and_the_end_is_none(web: Web) -> None:
    half = chunked(b"%x\r\n%s\r\n" % (len(BODY), BODY))
    for data in (b"", b"POST / HT", head() + BODY[:-1], half, half + b"0\r\n"):
        with connect(web) as stream:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            assert rest_of(stream) == b""


def test_a_call_that_waits_ends_when_its_caller_sends_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("axon.rpc.connections.ENDED_GRACE_S", 0.05)
    body = json.dumps(ask("waitfornewblock")).encode()
    with serving() as web, connect(web) as stream:
        stream.sendall(head(size=len(body)) + body)
        web.until(lambda: web.daemon.waiting == 1)
        stream.shutdown(socket.SHUT_WR)
        assert rest_of(stream) == b""
        web.until(lambda: web.daemon.waiting == 0)


@pytest.mark.parametrize(
    "begun", [b"", b"POST / HTTP/1.1\r\nHo", b"POST / HTTP/1.1\nX: y\n", b"\r"]
)
def test_a_request_that_does_not_come_is_not_waited_for(begun: bytes) -> None:
    with serving(timeout_s=0.3) as web, connect(web) as stream:
        began = time.monotonic()
        stream.sendall(begun)
        assert rest_of(stream) == b""
        assert 0.2 < time.monotonic() - began < 3.0


def test_a_head_that_drips_is_not_waited_for() -> None:
    with serving(timeout_s=0.3) as web, connect(web) as stream:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for each in head("X: " + "y" * 1000):
                stream.sendall(bytes((each,)))
                time.sleep(0.02)
        assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("begun", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nAuth"])
def test_a_further_request_is_waited_for_as_long_and_no_longer(begun: bytes) -> None:
    with serving(timeout_s=0.4) as web, connect(web) as stream:
        for _ in range(3):
            time.sleep(0.2)
            stream.sendall(head() + BODY)
            answer(stream)
        began = time.monotonic()
        stream.sendall(begun)
        assert rest_of(stream) == b""
        assert 0.3 < time.monotonic() - began < 3.0


def test_a_call_may_take_longer_than_its_request() -> None:
    with serving(timeout_s=0.1) as web, connect(web) as stream:
        body = json.dumps(ask("waitfornewblock")).encode()
        stream.sendall(head(size=len(body)) + body)
        web.until(lambda: web.daemon.waiting == 1)
        time.sleep(0.4)
        web.inside(web.daemon.news.set)
        assert b'"result":"news"' in answer(stream)


def test_silent_connections_keep_nobody_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("axon.rpc.server.MAX_CONNECTIONS", 20)
    with serving() as web, contextlib.ExitStack() as stack:
        owner = web.connect()
        assert web.post(ask("echo"), connection=owner).status == 200
        for number in range(60):
            stream = stack.enter_context(connect(web))
            stream.sendall(head()[: number * 2 % len(head())])  # A whole one has a password.
        assert web.post(ask("echo"), connection=owner).status == 200
        assert web.post(ask("echo")).status == 200
        web.until(lambda: len(web.server._web.connections) <= 20)
        owner.close()
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_a_connection_that_works_is_not_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("axon.rpc.server.MAX_CONNECTIONS", 1)
    with serving() as web, connect(web) as busy:
        body = json.dumps(ask("waitfornewblock")).encode()
        busy.sendall(head(size=len(body)) + body)
        web.until(lambda: web.daemon.waiting == 1)
        with connect(web) as other:
            assert rest_of(other) == b""
        web.inside(web.daemon.news.set)
        assert b'"result":"news"' in answer(busy)
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_who_may_not_call_is_refused_before_a_byte_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("axon.rpc.server.LOOPBACK", ())
    monkeypatch.setattr("axon.rpc.connections.MAX_LEAVING", 2)
    monkeypatch.setattr("axon.rpc.connections.ENDED_GRACE_S", 0.3)
    with serving() as web, contextlib.ExitStack() as stack:
        streams = [stack.enter_context(connect(web)) for _ in range(6)]
        web.until(lambda: len(web.server._slots.leaving) == 2)
        for stream in streams:
            assert rest_of(stream).startswith(b"HTTP/1.1 403 Forbidden\r\n")
        web.until(lambda: not web.server._slots.leaving)
        assert web.server._web.requests_count == 0


def reset(stream: socket.socket) -> None:
    """Leave without a farewell."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def test_who_leaves_in_the_middle_of_a_long_answer_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("axon.rpc.server.LONG_ANSWER_BYTES", 1000)
    body = json.dumps(ask("echo", "x" * 8_000_000)).encode()
    with serving() as web:
        for step in range(8):
            stream = connect(web)
            stream.sendall(head(size=len(body)) + body)
            stream.recv(1000)
            time.sleep(step / 400)
            reset(stream)
        web.until(lambda: not web.server._web.connections)
        assert web.post(ask("echo", 7)).body == RESULT
    assert [each for each in caplog.records if each.levelno > logging.DEBUG] == []


def test_an_answer_that_nobody_takes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.rpc.server.LONG_ANSWER_BYTES", 1000)
    body = json.dumps(ask("echo", "x" * 20_000_000)).encode()
    with serving(timeout_s=1.0) as web, connect(web) as stream:
        stream.sendall(head(size=len(body)) + body)
        web.until(lambda: web.server._calls == 1)
        web.until(lambda: web.server._calls == 0)
        assert web.post(ask("echo", "y" * 2000)).json["result"] == "y" * 2000
        assert len(rest_of(stream)) < 20_000_000
