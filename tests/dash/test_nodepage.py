"""The page of a node by real HTTP, from a real node: who may look, and what is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from axon.dash.nodepage import URL_FILE
from axon.errors import ConfigError
from axon.host.fullnode import RunningNode, full_node
from axon.host.settings import FullNodeSettings
from axon.primitives.network import REGTEST

MINER = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


class Looker:
    """Somebody with a browser.

    Args:
        node: that is looked at.
        session: for HTTP.
    """

    def __init__(self, node: RunningNode, session: aiohttp.ClientSession) -> None:
        self.node = node
        self._session = session
        assert node.page_url is not None
        self.base, _, self.token = node.page_url.partition("#")
        self.own = {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self._session.get(f"{self.base}{path}", headers=headers) as answer:
            return answer.status, await answer.text()

    async def look(self, question: str) -> Any:
        status, said = await self.get(f"inside/{question}", **self.own)
        assert status == 200, said
        return json.loads(said)


@asynccontextmanager
async def looking(folder: Path) -> AsyncIterator[Looker]:
    settings = FullNodeSettings(network=REGTEST, folder=folder, dash_port=0, wallets=None)
    async with full_node(settings) as node, aiohttp.ClientSession() as session:
        yield Looker(node, session)


def visit(folder: Path, ask: Callable[[Looker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with looking(folder) as looker:
            await asyncio.wait_for(ask(looker), 30)

    asyncio.run(run())


def test_what_is_seen_of_a_node(tmp_path: Path) -> None:
    async def ask(looker: Looker) -> None:
        hashes = await looker.node.call("generatetoaddress", 3, MINER)
        assert isinstance(hashes, list)
        told = await looker.look("look")
        assert told["node"]["chain"] == "regtest"
        assert told["node"]["height"] == told["node"]["headers"] == 3
        assert told["peers"] == []
        assert [block["hash"] for block in told["blocks"]] == hashes[::-1]
        assert told["blocks"][0]["first"] is None
        assert told["memory_bytes"] is None or told["memory_bytes"] > 1_000_000
        assert (await looker.look("pool"))["groups"][0] == {"least": 500, "vbytes": 0}
        block = await looker.look(f"block?hash={hashes[0]}")
        assert (block["height"], block["ins"], block["subsidy"]) == (1, 0, 5_000_000_000)
        (first,) = block["transactions"]
        assert first["mines"]
        assert first["spent"] == []
        assert sum(first["made"]) == 5_000_000_000

    visit(tmp_path / "node", ask)


def test_only_who_has_the_address_may_look(tmp_path: Path) -> None:
    folder = tmp_path / "node"

    async def ask(looker: Looker) -> None:
        status, page = await looker.get("")
        assert status == 200
        assert looker.token not in page
        for path in ("base.css", "inside.css", "inside.js", "flow.js", "ring.js", "words.js"):
            assert (await looker.get(path))[0] == 200, path
        for said in ("", "Bearer no", looker.token):
            assert (await looker.get("inside/look", Authorization=said))[0] == 401
        for headers, status in (
            ({"Host": "axon.example"}, 421),
            ({"Origin": "http://axon.example"}, 403),
            ({}, 200),
        ):
            assert (await looker.get("inside/look", **looker.own, **headers))[0] == status
        file = folder / URL_FILE
        assert file.read_text() == f"{looker.node.page_url}\n"
        assert file.stat().st_mode & 0o077 == 0

    visit(folder, ask)
    assert not (folder / URL_FILE).exists()


def test_what_cannot_be_told_is_refused(tmp_path: Path) -> None:
    async def ask(looker: Looker) -> None:
        for said in ("", "0", "00" * 33, "Z" * 64):
            assert (await looker.get(f"inside/block?hash={said}", **looker.own))[0] == 400
        status, why = await looker.get(f"inside/block?hash={'00' * 32}", **looker.own)
        assert (status, why) == (502, "Block not found\n")
        assert (await looker.get("inside/stop", **looker.own))[0] == 404

    visit(tmp_path / "node", ask)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async def ask(looker: Looker) -> None:
        port = int(looker.base.rstrip("/").rpartition(":")[2])
        settings = FullNodeSettings(network=REGTEST, folder=tmp_path / "other", dash_port=port)
        with pytest.raises(ConfigError, match=rf"port {port} of 127.0.0.1 is taken.*-dash=PORT"):
            async with full_node(settings):
                pass

    visit(tmp_path / "node", ask)
