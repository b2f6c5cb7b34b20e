"""What a page asks about one node: how it is, its pool, the coins of a block.

Answers are kept for a moment, so that any number of open pages costs what one does; one question at
a time is worked on.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from axon.dash.inside import NodeCalls, block_coins, look, pool_fees
from axon.dash.pageserver import PageServer
from axon.errors import AxonError
from axon.rpc.amounts import encode_json
from axon.rpc.errors import RpcError

KEPT_S: Final = {"look": 0.5, "pool": 5.0, "block": 60.0}
"""For so long an answer is good, by question."""

MAX_KEPT: Final = 64
"""Answers; the oldest one gives way."""

_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PageNode:
    """A node that can be asked.

    Args:
        name: of it; empty where there is one alone.
        ask: calls it.
        memory_bytes: that its process holds now.
    """

    name: str
    ask: NodeCalls
    memory_bytes: Callable[[], int | None]


class Questions:
    """Answers `/inside/look`, `/inside/pool` and `/inside/block?hash=` of a page's server.

    Args:
        pages: the server; whoever asks needs its token.
        find: the node that a request is about; raises `HTTPException` where there is none.
    """

    def __init__(
        self, pages: PageServer, find: Callable[[web.Request], Awaitable[PageNode]]
    ) -> None:
        self._pages = pages
        self._find = find
        self._turn = asyncio.Lock()
        self._kept: dict[tuple[str, str, str], tuple[float, object]] = {}
        pages.router.add_get("/inside/{what:look|pool|block}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        self._pages.check_may_ask(request)
        node = await self._find(request)
        what, block_hash = request.match_info["what"], ""
        if what == "block":
            block_hash = request.query.get("hash", "")
            if not _HASH.fullmatch(block_hash):
                raise web.HTTPBadRequest(text="expected the hash of a block\n")
        async with self._turn:
            kept_at, kept = self._kept.get((node.name, what, block_hash), (-1e9, None))
            if time.monotonic() - kept_at < KEPT_S[what]:
                return _json(kept)
            try:
                told = await _asked(node, what, block_hash)
            except RpcError as refusal:
                raise web.HTTPBadGateway(text=f"{refusal.message}\n") from None
            except AxonError as error:
                raise web.HTTPServiceUnavailable(text=f"{error}\n") from None
            self._keep((node.name, what, block_hash), told)
        return _json(told)

    def _keep(self, key: tuple[str, str, str], told: object) -> None:
        self._kept.pop(key, None)
        self._kept[key] = time.monotonic(), told
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]


def _json(told: object) -> web.Response:
    return web.json_response(told, dumps=encode_json)


async def _asked(node: PageNode, what: str, block_hash: str) -> object:
    if what == "look":
        return await look(node.ask, node.memory_bytes())
    return await (block_coins(node.ask, block_hash) if block_hash else pool_fees(node.ask))
