"""The page's server by real HTTP: who may look, who may act, and who may not."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from axon.errors import ConfigError
from axon.swarm.dash import hub as hubs
from axon.swarm.dash.board import Board
from axon.swarm.dash.hub import Hub
from axon.swarm.dash.server import DashServer
from axon.swarm.lab.plan import RunRequest, plan_run

TOKEN, CODE = "a token", "a code"
OWN = {"Authorization": f"Bearer {TOKEN}"}
MINE = {"do": "mine"}


class Visitor:
    """Somebody who asks the server.

    Args:
        session: for HTTP.
        server: that is asked.
    """

    def __init__(self, session: aiohttp.ClientSession, server: DashServer) -> None:
        self.session, self.server = session, server

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        async with self.session.get(self._url(path), headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers

    async def post(self, path: str, data: object, headers: dict[str, str]) -> tuple[int, str]:
        body = json.dumps(data)
        named = {"Content-Type": "application/json", **headers}
        async with self.session.post(self._url(path), data=body, headers=named) as answer:
            return answer.status, await answer.text()

    def stream(self, token: str = TOKEN) -> Any:
        return self.session.get(self._url("/events"), params={"token": token})

    def _url(self, path: str) -> str:
        return f"http://{self.server.endpoint}{path}"


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Visitor]:
    """The page of a run that is not up."""
    plan_run(folder, RunRequest(3, wallets=2), Random(1)).save()
    async with (
        DashServer(Hub(folder, Board()), 0, TOKEN, CODE) as server,
        server._hub,
        aiohttp.ClientSession() as session,
    ):
        yield Visitor(session, server)


def visit(folder: Path, ask: Callable[[Visitor], Awaitable[None]]) -> None:
    async def run() -> None:
        async with served(folder) as visitor:
            await asyncio.wait_for(ask(visitor), 30)

    asyncio.run(run())


async def told(stream: aiohttp.ClientResponse, kind: str) -> Any:
    """The next event of a kind."""
    while True:
        line = (await stream.content.readline()).decode()
        assert line, "the stream has ended"
        if line == f"event: {kind}\n":
            return json.loads((await stream.content.readline()).decode().removeprefix("data: "))


def test_the_page_needs_nothing_from_elsewhere_and_says_nothing_of_the_run(tmp_path: Path) -> None:
    async def ask(visitor: Visitor) -> None:
        for path in ("/", "/dash.css", "/dash.js", "/picture.js"):
            status, text, headers = await visitor.get(path)
            assert status == 200
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "unsafe" not in policy
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "https:" not in text
            assert str(tmp_path) not in text
            assert TOKEN not in text

    visit(tmp_path, ask)


def test_only_who_has_the_token_may_look(tmp_path: Path) -> None:
    async def ask(visitor: Visitor) -> None:
        for wrong in ("", "another", "ä token"):
            async with visitor.stream(wrong) as stream:
                assert stream.status == 401
        async with visitor.stream() as stream:
            assert stream.status == 200
            assert stream.content_type == "text/event-stream"
            frame = await told(stream, "frame")
            assert [item["state"] for item in frame["components"]] == ["DIED"] * 5

    visit(tmp_path, ask)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer another"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Cookie": f"token={TOKEN}"}, 401),
        ({**OWN, "Origin": "http://evil.example"}, 403),
        ({**OWN, "Origin": "null"}, 403),
        ({**OWN, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**OWN, "Sec-Fetch-Site": "same-site"}, 403),
        ({**OWN, "Host": "evil.example"}, 421),
        ({**OWN, "Content-Type": "text/plain"}, 415),
    ],
)
def test_other_sites_and_strangers_may_not_act(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async def ask(visitor: Visitor) -> None:
        for path, data in (("/order", MINE), ("/stop", {})):
            if path == "/order" or status != 415:
                assert (await visitor.post(path, data, headers))[0] == status
        assert visitor.server._hub.busy == ""

    visit(tmp_path, ask)


def test_a_name_that_was_bound_anew_is_no_way_in(tmp_path: Path) -> None:
    async def ask(visitor: Visitor) -> None:
        for host in ("evil.example", f"evil.example:{visitor.server.endpoint.port}", "127.0.0.1:1"):
            for path in ("/", "/events"):
                assert (await visitor.get(path, Host=host))[0] == 421

    visit(tmp_path, ask)


@pytest.mark.parametrize(
    "order",
    [
        None,
        [],
        {},
        {"do": "format"},
        {"do": "kill"},
        {"do": "kill", "targets": "n1"},
        {"do": "kill", "targets": [1]},
        {"do": "kill", "targets": ["n"] * 301},
        {"do": "kill", "targets": ["n" * 65]},
        {"do": "pay", "targets": ["w1", "w1"], "amount": "1"},
        {"do": "pay", "targets": ["w1", "w2"], "amount": 1},
        {"do": ["kill"], "targets": ["n1"]},
    ],
)
def test_what_is_no_order_is_refused(tmp_path: Path, order: object) -> None:
    async def ask(visitor: Visitor) -> None:
        status, text = await visitor.post("/order", order, OWN)
        assert status == 400
        assert "error" in json.loads(text)
        assert (await visitor.get("/order"))[0] == 405
        assert (await visitor.post("/order", "x" * 40_000, OWN))[0] == 413

    visit(tmp_path, ask)


def test_why_an_order_is_not_carried_out_is_told(tmp_path: Path) -> None:
    async def ask(visitor: Visitor) -> None:
        wanted = {
            "no node of this run lives": MINE,
            "there is no n9 in this run": {"do": "kill", "targets": ["n9"]},
            "these are all nodes": {"do": "cut", "targets": ["n1", "n2", "n3"]},
            "w1 is no node": {"do": "cut", "targets": ["w1"]},
            "w1 does not run": {"do": "pay", "targets": ["w1", "w2"], "amount": "1"},
            "the network is whole": {"do": "heal"},
            "without a miner": {"do": "search"},
        }
        async with visitor.stream() as stream:
            for said, order in wanted.items():
                assert (await visitor.post("/order", order, OWN))[0] == 202
                while not (answer := await told(stream, "order"))["said"]:
                    pass
                assert answer["failed"]
                assert said in answer["said"]

    visit(tmp_path, ask)


def test_the_address_of_the_browser_is_good_for_one_time(tmp_path: Path) -> None:
    async def ask(visitor: Visitor) -> None:
        status, text = await visitor.post("/enter", {"code": CODE}, {})
        assert (status, json.loads(text)) == (200, {"token": TOKEN})
        assert (await visitor.post("/enter", {"code": CODE}, {}))[0] == 401

    visit(tmp_path, ask)


def test_who_guesses_that_address_has_used_it_up(tmp_path: Path) -> None:
    async def ask(visitor: Visitor) -> None:
        assert (await visitor.post("/enter", {"code": "a guess"}, {}))[0] == 401
        assert (await visitor.post("/enter", {"code": CODE}, {}))[0] == 401

    visit(tmp_path, ask)


def test_pages_are_bounded_and_end_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "MAX_PAGES", 2)

    async def ask(visitor: Visitor) -> None:
        async with visitor.stream() as one, visitor.stream() as other:
            assert (one.status, other.status) == (200, 200)
            async with visitor.stream() as third:
                assert third.status == 503
            await visitor.server._hub.__aexit__()
            assert (await one.read()).startswith(b"event: ")

    visit(tmp_path, ask)


def test_a_run_that_is_gone_is_said(tmp_path: Path) -> None:
    async def ask(visitor: Visitor) -> None:
        async with visitor.stream() as stream:
            await told(stream, "frame")
            (tmp_path / "manifest.json").unlink()
            assert "no run is up" in (await told(stream, "gone"))["said"]

    visit(tmp_path, ask)


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    async def run(port: int) -> None:
        async with DashServer(Hub(tmp_path, Board()), port, TOKEN):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} of 127.0.0.1 is taken"):
            asyncio.run(run(port))
