"""Calls that are read and answered without the HTTP library, and what goes on to it."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.rpc.jsoncodec import LONG_BYTES
from axon.rpc.plaincalls import HELD_S, PlainCalls, PlainHead, read_head
from tests.rpc.looped import looped
from tests.rpc.serving import Web, ask, serving
from tests.rpc.test_connections import BODY, LOGIN, RESULT, answer, connect, head, rest_of

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YQ==\r\nContent-Length: 2"
WHOLE = HEAD + b"\r\n\r\n{}"


def test_a_plain_head() -> None:
    assert read_head(HEAD) == PlainHead("/", "Basic YQ==", 2)
    kept = HEAD.replace(b" / ", b" /wallet/a-b ") + b"\r\nconnection: Keep-Alive"
    assert read_head(kept) == PlainHead("/wallet/a-b", "Basic YQ==", 2)


@pytest.mark.parametrize(
    "line",
    [
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Upgrade: h2c",
        b"Connection: close",
        b"Content-Length: 2",
        b"Authorization: Basic YQ==",
        b" folded",
        b"User-Agent : x",
        b"User-Agent: \xff",
        b"User-Agent: a\nTransfer-Encoding: chunked",
        b"User-Agent: a\rb",
        b"\r\nUser-Agent: a",
        b"",
    ],
)
def test_a_head_with_such_a_line_is_not_plain(line: bytes) -> None:
    assert read_head(HEAD + b"\r\n" + line) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST", b"GET"),
        (b"POST", b"post"),
        (b" / ", b" /rest/chaininfo.json "),
        (b" / ", b" /wallet/%41 "),
        (b" / ", b" /wallet/a/b "),
        (b" / ", b" /?a "),
        (b"1.1", b"1.0"),
        (b"Length: 2", b"Length: +2"),
        (b"Length: 2", b"Length: 0x2"),
        (b"Length: 2", b"Length: 2 "),
        (b"Length: 2", b"Length: %d" % LONG_BYTES),
        (b"\r\nContent-Length: 2", b""),
        (b"\r\nAuthorization: Basic YQ==", b""),
    ],
)
def test_another_head_is_not_plain(old: bytes, new: bytes) -> None:
    assert read_head(HEAD.replace(old, new)) is None


class Line:
    """A transport that only notes what is done with it."""

    def __init__(self) -> None:
        self.is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return False


class Scene:
    """One connection, whose library is free as long as it got nothing."""

    def __init__(self) -> None:
        self.line = Line()
        self.begun: list[bytes] = []
        self.passed = b""
        self.takes = True
        transport = cast(asyncio.Transport, self.line)
        self.calls = PlainCalls(transport, lambda: not self.passed, self.begin, self.pass_on)

    def begin(self, head: PlainHead, body: bytes) -> bool:  # noqa: ARG002
        if self.takes:
            self.begun.append(body)
        return self.takes

    def pass_on(self, data: bytes) -> None:
        self.passed += data


@looped
async def test_the_body_may_come_behind_the_head() -> None:
    scene = Scene()
    scene.calls.received(WHOLE[:-2])
    assert not scene.calls.is_answering
    scene.calls.received(b"{}")
    assert (scene.begun, scene.passed, scene.calls.is_answering) == ([b"{}"], b"", True)


@looped
async def test_a_body_that_does_not_come_is_for_the_library_to_wait_for() -> None:
    scene = Scene()
    scene.calls.received(WHOLE[:-2])
    await asyncio.sleep(HELD_S * 1.5)
    assert scene.passed == WHOLE[:-2]
    scene.calls.received(b"{}")
    assert (scene.begun, scene.passed) == ([], WHOLE)


@looped
async def test_what_comes_behind_a_call_waits_for_its_answer_and_nothing_more_is_read() -> None:
    scene = Scene()
    scene.calls.received(WHOLE)
    scene.calls.received(WHOLE[:20])
    assert not scene.line.is_read
    assert scene.passed == b""
    scene.calls.answered()
    assert scene.line.is_read
    assert scene.passed == WHOLE[:20]


@looped
async def test_who_is_not_let_in_is_left_to_the_library() -> None:
    scene = Scene()
    scene.takes = False
    scene.calls.received(WHOLE)
    assert (scene.passed, scene.calls.is_answering) == (WHOLE, False)


@given(cuts=st.lists(st.integers(0, 3 * len(WHOLE)), max_size=6))
@settings(max_examples=30)
def test_nothing_is_lost_or_turned_round_however_it_is_cut(cuts: list[int]) -> None:
    async def play() -> None:
        scene, data = Scene(), WHOLE * 3
        edges = [0, *sorted(cuts), len(data)]
        seen = b""
        for begin, end in itertools.pairwise(edges):
            scene.calls.received(data[begin:end])
            while scene.calls.is_answering:
                assert scene.passed == b"", "the library is not given what is behind a call"
                seen += HEAD + b"\r\n\r\n" + scene.begun[-1]
                scene.calls.answered()
        scene.calls.release()
        assert seen + scene.passed == data
        scene.calls.closed()

    asyncio.run(play())


@pytest.fixture(scope="module", name="web")
def web_fixture() -> Iterator[Web]:
    with serving() as served:
        yield served


@pytest.mark.parametrize(
    "asked",
    [
        ask("echo", {"a": [1, "\u00e9"]}),
        ask("nope"),
        ask("getblockhash", 101),
        ask("odd"),
        ask("bug", jsonrpc="2.0"),
        {"jsonrpc": "2.0", "method": "note"},
        [ask("echo", 1), ask("echo", 2)],
        [],
        ask("echo", "x" * 20_000),
        7,
    ],
)
def test_both_ways_give_the_same_answer(web: Web, asked: object) -> None:
    body = json.dumps(asked).encode()
    said: list[tuple[bytes, set[bytes], bytes]] = []
    for line in ("Accept: x", "X-Plain: no"):
        counted = web.server._web.requests_count
        with connect(web) as stream:
            stream.sendall(head(line, size=len(body)) + body)
            stream.shutdown(socket.SHUT_WR)
            fields, _, content = rest_of(stream).partition(b"\r\n\r\n")
        first, *lines = fields.split(b"\r\n")
        names = (b"Content-Type", b"Content-Length")
        said.append((first, {each for each in lines if each.startswith(names)}, content))
        assert web.server._web.requests_count - counted == (line == "X-Plain: no")
    assert said[0] == said[1]


def test_a_wrong_password_is_refused_by_the_library(web: Web) -> None:
    with connect(web) as stream:
        stream.sendall((head() + BODY).replace(LOGIN.encode(), b"Basic d3Jvbmc6"))
        assert rest_of(stream).startswith(b"HTTP/1.1 401 ")


def test_requests_that_come_behind_each_other_are_answered_in_turn(web: Web) -> None:
    slow = json.dumps(ask("work", "first")).encode()
    with connect(web) as stream:
        stream.sendall(head(size=len(slow)) + slow)
        time.sleep(0.01)
        stream.sendall(head() + BODY)
        stream.shutdown(socket.SHUT_WR)
        said = rest_of(stream)
    assert said.count(b"HTTP/1.1 200") == 2
    assert said.index(b'"first"') < said.index(RESULT)


def test_a_call_goes_on_when_its_caller_has_gone_but_one_that_waits_does_not(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.rpc.connections.ENDED_GRACE_S", 0.05)
    for name in ("work", "waitfornewblock"):
        params = ("left alone",) if name == "work" else ()
        body = json.dumps(ask(name, *params)).encode()
        with connect(web) as stream:
            stream.sendall(head(size=len(body)) + body)
            web.until(lambda: web.server._calls == 1)
    web.until(lambda: not web.daemon.waiting and web.server._calls == 0)
    assert "left alone" in web.daemon.finished


def test_a_long_answer_goes_out_whole(web: Web) -> None:
    body = json.dumps(ask("getblockhash", 7)).encode()
    with connect(web) as stream:
        stream.sendall(head(size=len(body)) + body)
        one = answer(stream).partition(b"\r\n\r\n")[2].rstrip()
    short = b"[%s]" % b",".join([body] * 400)
    with connect(web) as stream:
        stream.sendall(head(size=len(short)) + short)
        stream.shutdown(socket.SHUT_WR)
        said = rest_of(stream).partition(b"\r\n\r\n")[2]
    assert said == b"[%s]\n" % b",".join([one] * 400)


def test_who_does_not_take_an_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    size = 20_000_000  # More than the system keeps of what is sent.
    with serving(timeout_s=0.3) as web:
        echo = web.server.registry.methods["echo"]
        monkeypatch.setattr(echo, "_function", lambda _, value: "x" * size)  # noqa: ARG005
        with connect(web) as stream:
            stream.sendall(head() + BODY)
            web.until(lambda: web.server._calls == 1)
            web.until(lambda: web.server._calls == 0)
            assert len(rest_of(stream)) < size
