"""Several calls in one request: their answers, and the turns of others in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.rpc.serving import Web, ask, serving


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as served:
        yield served


def test_a_batch(web: Web) -> None:
    reply = web.post(
        [
            ask("getblockhash", 1, id="a"),
            ask("nope", id="b", jsonrpc="2.0"),
            {"jsonrpc": "2.0", "method": "echo"},
            {"pizza": "sausage"},
            5,
        ]
    )
    assert reply.status == 200
    missing = {"code": -32600, "message": "Missing method"}
    invalid = {"code": -32600, "message": "Invalid Request object"}
    unknown = {"code": -32601, "message": "Method not found"}
    assert reply.json == [
        {"result": f"{1:064x}", "error": None, "id": "a"},
        {"jsonrpc": "2.0", "error": unknown, "id": "b"},
        {"result": None, "error": missing},
        {"result": None, "error": invalid, "id": None},
    ]


def test_empty_and_silent_batches(web: Web) -> None:
    empty = web.post([])
    assert (empty.status, empty.json) == (200, [])
    silent = web.post([{"jsonrpc": "2.0", "method": "echo"}] * 2)
    assert (silent.status, silent.body) == (204, b"")


def test_a_batch_leaves_others_their_turns() -> None:
    with serving() as web:
        turns: list[int] = []

        def take_a_turn() -> None:
            turns.append(len(web.daemon.finished))
            web.loop.call_soon(take_a_turn)

        calls = 300
        web.inside(take_a_turn)
        reply = web.post([ask("note", number, id=number) for number in range(calls)])
        assert [each["id"] for each in reply.json] == list(range(calls))
        # Of a loop that is kept busy, whoever waits sees every state between the first and last.
        assert set(turns) == set(range(calls + 1))


def test_another_caller_is_answered_before_a_batch_is_done() -> None:
    # Both have sent all they say before they read: here they share a processor with the server.
    login, calls = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}, 20_000
    with serving() as web, closing(web.connect()) as first, closing(web.connect()) as second:
        second.connect()
        first.request("POST", "/", json.dumps([ask("note")] * calls), login)
        second.request("POST", "/", json.dumps(ask("note", "another")), login)
        assert [second.getresponse().status, first.getresponse().status] == [200, 200]
        assert web.daemon.finished.index("another") < calls
        assert len(web.daemon.finished) == calls + 1


def test_a_result_that_json_cannot_say_spoils_no_other_of_its_batch(web: Web) -> None:
    first, second = web.post([ask("odd", id=1), ask("echo", 5, id=2)]).json
    assert (first["error"]["code"], first["id"]) == (-32603, 1)
    assert (second["result"], second["id"]) == (5, 2)
