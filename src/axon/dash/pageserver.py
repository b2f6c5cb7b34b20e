"""The HTTP server of a page: on loopback, for whoever has the token.

The page itself is the same for everybody and says nothing of what it shows. What is told, and what
is asked for, needs the token in the request: never a cookie, which a browser would send along for
other sites. Requests that name another host (DNS rebinding) or come from another site are refused.
"""

from __future__ import annotations

import errno
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Self

from aiohttp import web

from axon.dash.basestyle import BASE_STYLE
from axon.errors import ConfigError
from axon.machine import Endpoint

HOST: Final = "127.0.0.1"

MAX_REQUEST_BYTES: Final = 32 * 1024
"""All names of a run fit in."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Of every answer."""

_STOP_LIMIT_S: Final = 1.0
_KINDS: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class PageProgram:
    """Whose page it is.

    Args:
        name: the command, for texts.
        option: by which its port is named.
        files: package and name of each file in a folder `page`, by path.
    """

    name: str
    option: str
    files: Mapping[str, tuple[str, str]]


class PageServer:
    """Serves the files of a page, and what handlers add; it listens inside `async with`.

    A page is a subclass, which adds its handlers when it is made.

    Args:
        program: whose page.
        port: of loopback; 0 for any that is free.
        token: whoever has it may look and act.
    """

    def __init__(self, program: PageProgram, port: int, token: str) -> None:
        self._program = program
        self._port = port
        self._token = token
        app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[self._guard])
        self.router = app.router
        """Handlers are added to it before it listens."""
        self.router.add_get("/base.css", _base_style)
        for path in program.files:
            self.router.add_get(path, self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_LIMIT_S)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: the port is taken.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError(self._why(error)) from error
        self.endpoint = Endpoint(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _why(self, error: OSError) -> str:
        if error.errno == errno.EADDRINUSE:
            return (
                f"port {self._port} of {HOST} is taken, perhaps by another {self._program.name}; "
                f"name another one with {self._program.option}"
            )
        return f"cannot listen on port {self._port} of {HOST}: {error.strerror or error}"

    @property
    def url(self) -> str:
        """What opens the page, for whoever may act."""
        return f"http://{self.endpoint}/#{self._token}"

    def check_token(self, said: str) -> None:
        """Let in whoever has the token.

        Raises:
            HTTPUnauthorized: it is another one.
        """
        if not hmac.compare_digest(said.encode(), self._token.encode()):
            told = f"open the address that {self._program.name} has printed\n"
            raise web.HTTPUnauthorized(text=told)

    def check_may_ask(self, request: web.Request) -> None:
        """Let in a request that carries the token.

        Raises:
            HTTPUnauthorized: it does not.
        """
        scheme, _, said = request.headers.get("Authorization", "").partition(" ")
        self.check_token(said if scheme == "Bearer" else "")

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            self._check_site(request)
            response = await handler(request)
        except web.HTTPException as refusal:
            response = web.Response(status=refusal.status, text=refusal.text)
        if not response.prepared:
            response.headers.update(HEADERS)
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

    async def _file(self, request: web.Request) -> web.Response:
        package, name = self._program.files[request.path]
        body = (files(package) / "page" / name).read_text(encoding="utf-8")
        return web.Response(text=body, content_type=_KINDS[name.rpartition(".")[2]])


async def _base_style(_: web.Request) -> web.Response:
    return web.Response(text=BASE_STYLE, content_type="text/css")
