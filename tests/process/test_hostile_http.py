"""What may come in at the port for calls: it is refused, and other callers never notice."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from random import Random
from typing import Final

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.process.conftest import NodeFactory

pytestmark = pytest.mark.process

PATIENCE_S: Final = 15.0
IDLE: Final = 300
"""Connections of somebody without a password: more than are kept."""


@pytest.fixture(scope="module", name="node")
def node_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """One node for all that follows: whoever harms it harms the next test."""
    with NodeFactory(tmp_path_factory.mktemp("http")) as make:
        node = make("node", "-rpcservertimeout=2", "-debug=http").start()
        yield node
        assert node.stop() == 0
        assert node.errors() == ""
        log = (node.network_folder / "debug.log").read_text()
        assert "Traceback" not in log
        assert "error]" not in log
        assert "Error handling request from 127.0.0.1: " in log


@pytest.fixture(name="others", autouse=True)
def others_fixture(node: NodeProcess) -> Iterator[None]:
    """An honest caller is answered before and after, on one kept connection."""
    assert node.height() == 0
    yield
    began = time.monotonic()
    assert node.height() == 0
    assert time.monotonic() - began < 3.0


def secret(node: NodeProcess) -> str:
    cookie = (node.network_folder / ".cookie").read_bytes()
    return "Basic " + base64.b64encode(cookie).decode()


def head(node: NodeProcess, size: int) -> bytes:
    """What stands before a body of this size, in bytes."""
    lines = ("POST / HTTP/1.1", "Host: x", f"Authorization: {secret(node)}")
    return "\r\n".join((*lines, f"Content-Length: {size}", "", "")).encode()


def dialled(node: NodeProcess) -> socket.socket:
    endpoint = node.rpc_endpoint
    return socket.create_connection((endpoint.host, endpoint.port), PATIENCE_S)


def exchange(node: NodeProcess, data: bytes, silence_s: float = 1.0) -> bytes:
    """Send any bytes; all that comes back until the node closes or falls silent."""
    answer = b""
    endpoint = node.rpc_endpoint
    with socket.create_connection((endpoint.host, endpoint.port), PATIENCE_S) as connection:
        connection.settimeout(silence_s)
        try:
            connection.sendall(data)
            while piece := connection.recv(1 << 16):
                answer += piece
                connection.settimeout(0.2)
        except (TimeoutError, ConnectionError):
            pass
    return answer


def call(
    node: NodeProcess, body: bytes, method: str = "POST", path: str = "/", **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(
        node.rpc_endpoint.host, node.rpc_endpoint.port, timeout=PATIENCE_S
    )
    with contextlib.closing(connection):
        headers.setdefault("Authorization", secret(node))
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\r\n\r\n\r\n",
        Random(1).randbytes(100_000),
        b"\xfa\xbf\xb5\xdaversion\0\0\0\0\0" + bytes(200),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"POST /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\xfe\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic !!!!\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_bytes_that_are_no_call_are_refused(node: NodeProcess, data: bytes) -> None:
    answer = exchange(node, data)
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 505"))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 500, -32700),
        (b"{", 500, -32700),
        (b"\xff\xfe", 500, -32700),
        (b"[" * 100_000, 500, -32700),
        (b'{"a":' * 50_000, 500, -32700),
        (b"123", 500, -32700),
        (b"{}", 400, -32600),
        (b'{"method": 5}', 400, -32600),
        (b'{"method": "nosuchmethod"}', 404, -32601),
        (b'{"method": "getblockhash", "params": ["x"]}', 500, -3),
        (b'{"method": "getblockhash", "params": [1e400]}', 500, None),
        (b'{"method": "getblockhash", "params": [' + b"9" * 10_000 + b"]}", 500, None),
        (b'{"method": "getblock", "params": ["' + b"\\ud800" * 10 + b'"]}', 500, None),
    ],
)
def test_calls_that_make_no_sense_are_answered(
    node: NodeProcess, body: bytes, status: int, code: int | None
) -> None:
    answered, data = call(node, body)
    assert answered == status
    error = json.loads(data)["error"]
    assert code is None or error["code"] == code


def test_a_wrong_password_is_answered_late_and_empty(node: NodeProcess) -> None:
    began = time.monotonic()
    wrong = "Basic " + base64.b64encode(b"__cookie__:wrong").decode()
    assert call(node, b"{}", Authorization=wrong) == (401, b"")
    assert time.monotonic() - began >= 0.25


def test_a_body_above_the_bound_is_not_read(node: NodeProcess) -> None:
    answer = exchange(node, head(node, 9_999_999_999) + b"x" * 100_000, PATIENCE_S)
    assert answer.startswith(b"HTTP/1.1 4")


def test_a_body_that_never_comes_is_given_up(node: NodeProcess) -> None:
    answer = exchange(node, head(node, 100) + b"{", PATIENCE_S)
    assert answer.startswith(b"HTTP/1.1 408")


def test_only_posts_to_the_known_paths_are_taken(node: NodeProcess) -> None:
    assert call(node, b"{}", "GET")[0] == 405
    assert call(node, b"{}", "DELETE")[0] == 405
    assert call(node, b"{}", path="/../../etc/passwd")[0] == 404


@pytest.mark.parametrize("begun", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "])
def test_idle_connections_keep_nobody_out(node: NodeProcess, begun: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            stranger = stack.enter_context(dialled(node))
            with contextlib.suppress(OSError):  # It may have given way to a later one.
                stranger.sendall(begun)
        began = time.monotonic()
        assert call(node, b'{"method": "uptime"}')[0] == 200
        assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("begun", [b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\nX: "])
def test_a_request_that_never_comes_is_given_up(node: NodeProcess, begun: bytes) -> None:
    with dialled(node) as stranger:
        stranger.sendall(begun)
        assert stranger.recv(1) == b""


def test_nothing_behind_an_answer_is_given_up_too(node: NodeProcess) -> None:
    with dialled(node) as caller:
        caller.sendall(head(node, 20) + b'{"method": "uptime"}')
        assert caller.recv(1 << 16).startswith(b"HTTP/1.1 200")
        caller.sendall(b"POST / HTTP/1.1\r\n")
        assert caller.recv(1) == b""


@pytest.mark.parametrize("lines", [[], ["Host: x"]])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("ends", [False, True])
def test_requests_of_small_clients_are_taken(
    node: NodeProcess, lines: list[str], line_break: str, ends: bool
) -> None:
    first = ["POST / HTTP/1.1", f"Authorization: {secret(node)}", "Content-Length: 20"]
    request = line_break.join([*first, *lines, "", '{"method": "uptime"}']).encode()
    with dialled(node) as caller:
        caller.sendall(request)
        if ends:
            caller.shutdown(socket.SHUT_WR)
        answer = b""
        while not answer.endswith(b"}\n"):
            piece = caller.recv(1 << 16)
            assert piece, answer
            answer += piece
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_call_that_waits_ends_with_its_caller(node: NodeProcess) -> None:
    def waiting() -> int:
        commands = node.rpc("getrpcinfo")["active_commands"]
        return sum(each["method"] == "waitfornewblock" for each in commands)

    body = b'{"method": "waitfornewblock"}'
    for leave in (socket.socket.close, lambda caller: caller.shutdown(socket.SHUT_WR)):
        with dialled(node) as caller:
            caller.sendall(head(node, len(body)) + body)
            wait_until(lambda: waiting() == 1, PATIENCE_S, "the call waits")
            leave(caller)
            wait_until(lambda: waiting() == 0, PATIENCE_S, "the call ends")
