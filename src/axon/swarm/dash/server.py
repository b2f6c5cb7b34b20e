"""The page of a run: what is told of it as it happens, and what is asked for."""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import Any, Final

from aiohttp import web

from axon.dash.nodepage import INSIDE_FILES
from axon.dash.pageserver import HEADERS, PageProgram, PageServer
from axon.dash.questions import PageNode, Questions
from axon.errors import ConfigError
from axon.swarm.dash.hub import Hub
from axon.swarm.dash.orders import read_order

HEARTBEAT_S: Final = 15.0
"""As often something is written to a page, so that one that has gone is noticed."""

_OWN: Final = "axon.swarm.dash"
_PROGRAM: Final = PageProgram(
    "axon swarm dash",
    "--port, or --port 0 for any that is free",
    {
        "/": (_OWN, "dash.html"),
        "/dash.css": (_OWN, "dash.css"),
        "/picture.js": (_OWN, "picture.js"),
        "/dash.js": (_OWN, "dash.js"),
        "/within.js": (_OWN, "within.js"),
        **INSIDE_FILES,
    },
)


class DashServer(PageServer):
    """Serves the page of one run; it listens inside `async with`.

    Args:
        hub: of the run.
        port: of loopback; 0 for any that is free.
        token: whoever has it may look and act.
        code: for the first page that says it, which gets the token for it; empty for none.
    """

    def __init__(self, hub: Hub, port: int, token: str, code: str = "") -> None:
        super().__init__(_PROGRAM, port, token)
        self._hub = hub
        self._code = code
        Questions(self, self._node)
        self.router.add_get("/events", self._events)
        self.router.add_post("/order", self._order)
        self.router.add_post("/stop", self._stop)
        self.router.add_post("/enter", self._enter)

    @property
    def url_once(self) -> str:
        """The same for one time: a browser's command line can be read by others."""
        return f"http://{self.endpoint}/#once:{self._code}"

    async def _node(self, request: web.Request) -> PageNode:
        """The node that a page looks into."""
        try:
            node = await asyncio.to_thread(self._hub.node, request.query.get("name", ""))
        except ConfigError as error:
            raise web.HTTPNotFound(text=f"{error}\n") from None

        async def ask(method: str, *params: object) -> Any:
            return await asyncio.to_thread(node.rpc, method, *params)

        return PageNode(node.name, ask, lambda: node.memory_kb()[0] * 1024 or None)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self.check_token(request.query.get("token", ""))
        response = web.StreamResponse(
            headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"}
        )
        try:
            with self._hub.page() as mail:
                await response.prepare(request)
                while True:
                    try:
                        message = await asyncio.wait_for(mail.get(), HEARTBEAT_S)
                    except TimeoutError:
                        await response.write(b": still here\n\n")
                        continue
                    if message is None:
                        return response
                    data = json.dumps(message.data, separators=(",", ":"))
                    await response.write(f"event: {message.kind}\ndata: {data}\n\n".encode())
        except ConfigError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from None
        except ConnectionError:  # The page was closed.
            return response

    async def _order(self, request: web.Request) -> web.Response:
        self.check_may_ask(request)
        try:
            self._hub.begin(read_order(await _json_of(request)))
        except ConfigError as error:
            busy = 409 if self._hub.busy else 400
            return web.json_response({"error": str(error)}, status=busy)
        return web.json_response({"doing": self._hub.busy}, status=202)

    async def _stop(self, request: web.Request) -> web.Response:
        self.check_may_ask(request)
        self._hub.stop()
        return web.json_response({"doing": self._hub.busy}, status=202)

    async def _enter(self, request: web.Request) -> web.Response:
        """The token, for the code that the browser was started with; it is good for one time."""
        data = await _json_of(request)
        said = data.get("code") if isinstance(data, dict) else None
        code, self._code = self._code, ""
        if not code or not isinstance(said, str):
            raise web.HTTPUnauthorized(text="this address was good for one time\n")
        if not hmac.compare_digest(said.encode(), code.encode()):
            raise web.HTTPUnauthorized(text="this address was good for one time\n")
        return web.json_response({"token": self._token})


async def _json_of(request: web.Request) -> object:
    """What a request holds; only as JSON, which no form of another site can send."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="expected application/json\n")
    try:
        found: object = json.loads(await request.text())
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="expected JSON\n") from None
    return found
