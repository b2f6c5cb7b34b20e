"""The page's HTTP server: on loopback, for whoever has the token.

The page itself is the same for everybody and says nothing of the run. What is told of it, and what
is asked for, needs the token in the request: never a cookie, which a browser would send along for
other sites. Requests that name another host (DNS rebinding) or come from another site are refused.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final, Self

from aiohttp import web

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.swarm.dash.hub import Hub
from axon.swarm.dash.orders import read_order
from axon.swarm.markup import BASE_STYLE

HOST: Final = "127.0.0.1"

MAX_ORDER_BYTES: Final = 32 * 1024
"""All names of a run fit in."""

HEARTBEAT_S: Final = 15.0
"""As often something is written to a page, so that one that has gone is noticed."""

_STOP_LIMIT_S: Final = 1.0
_FILES: Final = {
    "/": ("dash.html", "text/html"),
    "/dash.css": ("dash.css", "text/css"),
    "/picture.js": ("picture.js", "text/javascript"),
    "/dash.js": ("dash.js", "text/javascript"),
}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DashServer:
    """Serves the page of one run; it listens inside `async with`.

    Args:
        hub: of the run.
        port: of loopback; 0 for any that is free.
        token: whoever has it may look and act.
        code: for the first page that says it, which gets the token for it; empty for none.
    """

    def __init__(self, hub: Hub, port: int, token: str, code: str = "") -> None:
        self._hub = hub
        self._port = port
        self._token = token
        self._code = code

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: the port is taken.
        """
        app = web.Application(client_max_size=MAX_ORDER_BYTES, middlewares=[self._guard])
        app.router.add_get("/events", self._events)
        app.router.add_post("/order", self._order)
        app.router.add_post("/stop", self._stop)
        app.router.add_post("/enter", self._enter)
        for path in _FILES:
            app.router.add_get(path, self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_LIMIT_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError(_why(self._port, error)) from error
        self.endpoint = Endpoint(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """What opens the page, for whoever may act."""
        return f"http://{self.endpoint}/#{self._token}"

    @property
    def url_once(self) -> str:
        """The same for one time: a browser's command line can be read by others."""
        return f"http://{self.endpoint}/#once:{self._code}"

    # Who may ask.

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            self._check_site(request)
            response = await handler(request)
        except web.HTTPException as refusal:
            response = web.Response(status=refusal.status, text=refusal.text)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    def _check_site(self, request: web.Request) -> None:
        port = self.endpoint.port
        if request.host not in (f"{HOST}:{port}", f"localhost:{port}"):
            raise web.HTTPMisdirectedRequest(text=f"this is http://{self.endpoint}/\n")
        origin = request.headers.get("Origin", f"http://{request.host}")
        if origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="other sites may not ask this one\n")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise web.HTTPForbidden(text="other sites may not ask this one\n")

    def _check_token(self, said: str) -> None:
        if not hmac.compare_digest(said.encode(), self._token.encode()):
            raise web.HTTPUnauthorized(text="open the address that axon swarm dash has printed\n")

    def _check_may_act(self, request: web.Request) -> None:
        scheme, _, said = request.headers.get("Authorization", "").partition(" ")
        self._check_token(said if scheme == "Bearer" else "")

    # What is answered.

    async def _file(self, request: web.Request) -> web.Response:
        name, kind = _FILES[request.path]
        body = (files("axon.swarm.dash") / "page" / name).read_text(encoding="utf-8")
        if name == "dash.css":
            body = BASE_STYLE + body
        return web.Response(text=body, content_type=kind)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._check_token(request.query.get("token", ""))
        response = web.StreamResponse(
            headers={**_HEADERS, "Content-Type": "text/event-stream; charset=utf-8"}
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
        self._check_may_act(request)
        try:
            self._hub.begin(read_order(await _json_of(request)))
        except ConfigError as error:
            busy = 409 if self._hub.busy else 400
            return web.json_response({"error": str(error)}, status=busy)
        return web.json_response({"doing": self._hub.busy}, status=202)

    async def _stop(self, request: web.Request) -> web.Response:
        self._check_may_act(request)
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


def _why(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {HOST} is taken, perhaps by another axon swarm dash; "
            "name another one with --port, or --port 0 for any that is free"
        )
    return f"cannot listen on port {port} of {HOST}: {error.strerror or error}"
