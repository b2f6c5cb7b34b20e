"""The manners of the server over real HTTP. Sleeps a second once: a delay is tested."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.rpc.auth import Whitelist
from axon.rpc.jsoncodec import LONG_BYTES
from axon.rpc.server import REFUSAL_DELAY_S
from axon.rpc.sparselog import LINES_A_PERIOD
from tests.rpc.serving import Reply, Web, ask, serving


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as served:
        yield served


def test_result_of_an_unmarked_request(web: Web) -> None:
    reply = web.post(ask("getblockhash", 7))
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.body == b'{"result":"%064x","error":null,"id":1}\n' % 7


def test_error_of_an_unmarked_request(web: Web) -> None:
    reply = web.post(ask("getblockhash", 101, id="x"))
    assert reply.status == 500
    assert reply.headers["Content-Type"] == "application/json"
    error = {"code": -8, "message": "Block height out of range"}
    assert reply.json == {"result": None, "error": error, "id": "x"}


@pytest.mark.parametrize("version", ["1.0", None])
def test_old_versions_are_answered_the_old_way(web: Web, version: str | None) -> None:
    reply = web.post(ask("echo", True, jsonrpc=version))
    assert reply.json == {"result": True, "error": None, "id": 1}


def test_version_2(web: Web) -> None:
    fine = web.post(ask("echo", True, jsonrpc="2.0"))
    assert (fine.status, fine.json) == (200, {"jsonrpc": "2.0", "result": True, "id": 1})
    refused = web.post(ask("nope", jsonrpc="2.0"))
    error = {"code": -32601, "message": "Method not found"}
    assert (refused.status, refused.json) == (200, {"jsonrpc": "2.0", "error": error, "id": 1})


@pytest.mark.parametrize(
    ("asked", "status", "code", "message", "id_shown"),
    [
        (b"", 500, -32700, "Parse error", True),
        (b"{bad", 500, -32700, "Parse error", True),
        (b"\xff\xfe", 500, -32700, "Parse error", True),
        (b"[" * 200_000, 500, -32700, "Parse error", True),
        (b'{"method":"echo","id":1,"params":[NaN]}', 500, -32700, "Parse error", True),
        (7, 500, -32700, "Top-level object parse error", True),
        ({"jsonrpc": 2, "method": "echo"}, 400, -32600, "jsonrpc field must be a string", False),
        ({"jsonrpc": "3.0", "method": "x"}, 400, -32600, "JSON-RPC version not supported", False),
        ({"method": 1, "id": None}, 400, -32600, "Method must be a string", True),
        ({"pizza": "sausage", "id": None}, 400, -32600, "Missing method", True),
        (
            {"method": "echo", "params": 1, "id": None},
            400,
            -32600,
            "Params must be an array or object",
            True,
        ),
    ],
)
def test_requests_that_say_nothing(
    web: Web, asked: object, status: int, code: int, message: str, id_shown: bool
) -> None:
    reply = web.post(asked)
    expected: dict[str, object] = {"result": None, "error": {"code": code, "message": message}}
    if id_shown:
        expected["id"] = None
    assert (reply.status, reply.json) == (status, expected)


@pytest.mark.parametrize("filler", [0, LONG_BYTES])
@pytest.mark.parametrize("depth", [450, 510, 511, 900, 1_100, 9_000])
def test_what_is_nested_too_deeply_is_no_json_and_all_else_is_answered(
    web: Web, depth: int, filler: int
) -> None:
    argument = b"[" * depth + b"]" * depth
    request = b'{"method":"echo","params":[%s],"id":1}' % argument  # It has two levels itself.
    reply = web.post(request + b" " * filler)
    if depth <= 510:
        assert reply.body == b'{"result":%s,"error":null,"id":1}\n' % argument
    else:
        assert (reply.status, reply.json["error"]["code"]) == (500, -32700)


def test_an_unknown_method_is_404(web: Web) -> None:
    assert web.post(ask("nope")).status == 404


def test_a_notification_is_carried_out_and_not_answered(web: Web) -> None:
    reply = web.post({"jsonrpc": "2.0", "method": "work", "params": ["note"]})
    assert (reply.status, reply.body) == (204, b"")
    assert web.daemon.finished[-1] == "note"
    refused = web.post({"jsonrpc": "2.0", "method": "nope"})
    assert (refused.status, refused.body) == (204, b"")


def test_without_the_marker_a_missing_id_is_no_notification(web: Web) -> None:
    assert web.post({"method": "echo"}).json == {"result": None, "error": None}


def test_amounts_have_eight_decimals_and_no_float_in_between(web: Web) -> None:
    asked = b'{"method":"money","params":[20999999.99999999],"id":1}'
    body = web.post(asked).body
    exact = b'"result":[20999999.99999999,{"fee":-20999999.99999999},2099999999999999]'
    assert exact in body
    assert b'"result":[0.10000000,' in web.post(ask("money", "0.1")).body


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        (b"0.000000001", "Invalid amount"),
        (b"0.100000000000000000001", "Invalid amount"),
        (b'"1,5"', "Invalid amount"),
        (b"21000000.00000001", "Amount out of range"),
        (b"-1", "Amount out of range"),
        (b"-0.00000001", "Amount out of range"),
        (b"true", "Amount is not a number or string"),
        (b"null", "Amount is not a number or string"),
    ],
)
def test_amounts_that_are_none(web: Web, amount: bytes, message: str) -> None:
    reply = web.post(b'{"method":"money","params":[%s],"id":1}' % amount)
    assert reply.json["error"] == {"code": -3, "message": message}


def test_any_text_comes_back_as_it_went(web: Web) -> None:
    text = 'ä€\u0000\n"\\\x7f😀'
    assert web.post(ask("echo", text)).json["result"] == text
    lone = web.post(b'{"method":"echo","params":["\\ud800"],"id":1}')
    assert lone.json["result"] == "\ud800"


def test_a_connection_stays_open_through_errors(web: Web) -> None:
    connection = web.connect()
    for _ in range(3):
        assert web.post(ask("echo", 1), connection=connection).status == 200
        assert web.post(b"{", connection=connection).status == 500
        assert web.post(ask("echo"), connection=connection, login=None).status == 401
        assert web.post(ask("echo"), connection=connection, verb="GET").status == 405
        assert web.post({"jsonrpc": "2.0", "method": "echo"}, connection=connection).status == 204
    connection.close()


def test_pipelined_requests_are_answered_in_order(web: Web) -> None:
    login = b"Basic YWxpY2U6c2VjcmV0"
    requests = b""
    for number in range(5):
        body = b'{"method":"getblockhash","params":[%d],"id":%d}' % (number, number)
        requests += b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n" % login
        requests += b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    with socket.create_connection((web.endpoint.host, web.endpoint.port), 10) as stream:
        stream.sendall(requests)
        received = b""
        while received.count(b"HTTP/1.1 200") < 5 or not received.endswith(b"}\n"):
            received += stream.recv(65536)
    places = [received.index(b'"id":%d}' % number) for number in range(5)]
    assert places == sorted(places)


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_post(web: Web, verb: str) -> None:
    assert web.post(b"", verb=verb).status == 405


def test_paths(web: Web) -> None:
    assert web.post(ask("whoami")).json["result"] == ["alice", None]
    assert web.post(ask("whoami"), path="/wallet/my%20w%2Fx").json["result"] == ["alice", "my w/x"]
    assert web.post(ask("whoami"), path="/wallet/").json["result"] == ["alice", ""]
    assert web.post(ask("whoami"), path="/rest").status == 404


def test_a_missing_password_is_refused_at_once(web: Web) -> None:
    reply = web.post(ask("echo"), login=None)
    assert (reply.status, reply.body) == (401, b"")
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="jsonrpc"'


def test_many_wrong_passwords_are_a_few_lines_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("axon.rpc.server.REFUSAL_DELAY_S", 0.0)
    with serving() as web:
        for _ in range(50):
            assert web.post(ask("echo"), login="alice:wrong").status == 401
    wrong = [each for each in caplog.messages if "wrong password" in each]
    assert wrong[:-1] == ["RPC: wrong password from 127.0.0.1"] * LINES_A_PERIOD
    assert wrong[-1].startswith(f"{50 - LINES_A_PERIOD} more lines were left out: ")


def test_a_wrong_password_is_refused_late_and_delays_nobody_else(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REFUSAL_DELAY_S == 0.25
    monkeypatch.setattr("axon.rpc.server.REFUSAL_DELAY_S", 1.0)  # Five answers take less.
    replies: list[Reply] = []
    begin = time.monotonic()
    wrong = threading.Thread(
        target=lambda: replies.append(web.post(ask("echo"), login="alice:wrong"))
    )
    wrong.start()
    for _ in range(5):
        assert web.post(ask("echo")).status == 200
    assert not replies
    wrong.join()
    assert time.monotonic() - begin >= 1.0
    assert (replies[0].status, replies[0].body) == (401, b"")
    assert replies[0].headers["WWW-Authenticate"] == 'Basic realm="jsonrpc"'


def test_a_bug_in_a_method_is_told_and_leaves_the_server_standing(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    reply = web.post(ask("bug"))
    assert (reply.status, reply.json["error"]["code"]) == (500, -32603)
    assert "ZeroDivisionError" in caplog.text
    reply = web.post(ask("odd"))
    assert (reply.status, reply.json["error"]["code"]) == (500, -32603)
    assert web.post(ask("echo")).status == 200


def test_waiting_calls_block_nobody(web: Web) -> None:
    replies: list[Reply] = []
    threads = [
        threading.Thread(target=lambda: replies.append(web.post(ask("waitfornewblock"))))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    web.until(lambda: web.daemon.waiting == 20)
    assert web.post(ask("echo", 5)).json["result"] == 5
    web.inside(web.daemon.news.set)
    for thread in threads:
        thread.join()
    assert [reply.json["result"] for reply in replies] == ["news"] * 20


def test_a_waiting_call_ends_when_its_caller_hangs_up() -> None:
    with serving() as web:
        connection = web.connect()
        body = b'{"method":"waitfornewblock"}'
        connection.request("POST", "/", body, {"Authorization": "Basic YWxpY2U6c2VjcmV0"})
        web.until(lambda: web.daemon.waiting == 1)
        connection.close()
        web.until(lambda: web.daemon.waiting == 0)


def test_other_calls_are_finished_even_if_their_caller_hangs_up() -> None:
    with serving() as web:
        connection = web.connect()
        body = b'{"method":"work","params":["alone"]}'
        connection.request("POST", "/", body, {"Authorization": "Basic YWxpY2U6c2VjcmV0"})
        web.until(lambda: bool(web.server.registry.active()))
        connection.close()
        web.until(lambda: web.daemon.finished == ["alone"])


def test_more_calls_than_allowed_are_told_503() -> None:
    with serving(max_calls=2) as web:
        threads = [
            threading.Thread(target=lambda: web.post(ask("waitfornewblock"))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        web.until(lambda: web.daemon.waiting == 2)
        reply = web.post(ask("echo"))
        assert (reply.status, reply.body) == (503, b"Work queue depth exceeded")
        web.inside(web.daemon.news.set)
        for thread in threads:
            thread.join()
        assert web.post(ask("echo")).status == 200


def test_warming_up() -> None:
    with serving(ready=False) as web:
        first = web.post(ask("getblockhash", 1))
        assert (first.status, first.json["error"]["code"]) == (500, -28)
        web.inside(lambda: web.server.warming("Loading block index..."))
        later = web.post(ask("nope", jsonrpc="2.0"))
        assert later.json["error"] == {"code": -28, "message": "Loading block index..."}
        web.inside(lambda: web.server.ready(web.daemon))
        assert web.post(ask("getblockhash", 1)).status == 200


def test_stopping_answers_what_is_under_way_and_tells_who_waits() -> None:
    replies: dict[str, Reply] = {}

    def call(name: str, *params: object) -> threading.Thread:
        def run() -> None:
            replies[name] = served.post(ask(name, *params))

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with serving() as served:
        threads = [call("waitfornewblock")]
        served.until(lambda: served.daemon.waiting == 1)
        threads.append(call("work", "last"))
        served.until(lambda: len(served.server.registry.active()) == 2)
        idle = served.connect()
        assert served.post(ask("echo"), connection=idle).status == 200
    for thread in threads:
        thread.join()
    assert replies["waitfornewblock"].json["error"] == {"code": -9, "message": "Shutting down"}
    assert replies["work"].json["result"] == "last"
    with pytest.raises(OSError):
        served.post(ask("echo"))
    idle.close()


def test_whitelist() -> None:
    whitelist = Whitelist(["alice:echo,whoami", "bob:"])
    with serving(whitelist=whitelist) as web:
        assert web.post(ask("echo")).status == 200
        refused = web.post(ask("getblockhash", 1))
        assert (refused.status, refused.body) == (403, b"")
        assert web.post(ask("echo"), login="bob:other").status == 403
        assert web.post([ask("echo"), ask("getblockhash", 1)]).status == 403
        assert web.post([ask("echo"), ask("whoami")]).status == 200


def test_users_without_a_whitelist_when_there_is_one() -> None:
    with serving(whitelist=Whitelist(["alice:echo"])) as web:
        assert web.post(ask("echo"), login="bob:other").status == 403
        assert web.post(b"{", login="bob:other").status == 403
    with serving(whitelist=Whitelist(["alice:echo"], default=False)) as web:
        assert web.post(ask("echo"), login="bob:other").status == 200


def test_a_body_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.rpc.server.MAX_BODY_BYTES", 2 * LONG_BYTES)
    with serving() as web:
        assert web.post(ask("echo", "x" * LONG_BYTES)).status == 200
        assert web.post(ask("echo", "x" * 2 * LONG_BYTES)).status == 413


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with serving(timeout_s=0.2) as web:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n"
        with socket.create_connection((web.endpoint.host, web.endpoint.port), 10) as stream:
            stream.sendall(head + b"Content-Length: 10\r\n\r\n")
            assert stream.recv(100).startswith(b"HTTP/1.1 408")


def test_curl_is_told_to_continue(web: Web) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n"
    with socket.create_connection((web.endpoint.host, web.endpoint.port), 10) as stream:
        stream.sendall(head + b"Content-Length: 17\r\nExpect: 100-continue\r\n\r\n")
        assert stream.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stream.sendall(b'{"method":"echo"}')
        assert stream.recv(100).startswith(b"HTTP/1.1 200")


def test_only_this_machine_and_the_listed_networks_may_call(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert web.server._is_allowed("127.8.9.1")
    assert web.server._is_allowed("::1")
    assert not web.server._is_allowed("10.0.0.1")
    assert not web.server._is_allowed("fe80::1%eth0")
    monkeypatch.setattr("axon.rpc.server.LOOPBACK", ())
    with serving() as strict:
        assert strict.post(ask("echo")).status == 403
    with serving(allowed=(ipaddress.ip_network("127.0.0.0/31"),)) as listed:
        assert listed.post(ask("echo")).status == 200


def test_a_port_in_use_is_a_refusal_to_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = Endpoint("127.0.0.1", taken.getsockname()[1])
        with (
            pytest.raises(ConfigError, match="Unable to bind any endpoint"),
            serving(endpoint=endpoint),
        ):
            pass
