"""The JSON-RPC server: HTTP in front of a registry of methods, with Bitcoin Core's manners.

A connection is kept for as long as the caller likes. A request is answered when its method is done;
a method that waits keeps nobody else waiting. Before the node is ready every call is answered -28,
with what the node is doing. While it stops, calls under way are answered first, but for those that
wait for something: they, and all that come later, are answered -9.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Final, Self

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response
from aiohttp.web_server import Server

from axon.drivers.aio.driver import Stopped
from axon.errors import AxonError, ConfigError
from axon.machine import Endpoint
from axon.rpc.amounts import Json, decode_json, encode_json
from axon.rpc.auth import Credentials, Whitelist
from axon.rpc.dispatch import Call, Registry
from axon.rpc.errors import Code, RpcError, shutting_down
from axon.rpc.jsonrpc import Request, http_status, parse_request, reply
from axon.rpc.settings import IpNetwork, ServerSettings

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""Core's bound: a block of 4 MB in hex, with much room. Only who has a password comes this far."""

MAX_CONNECTIONS: Final = 256
"""Idle connections are kept for ever, so their number is bounded: each costs a file."""

REFUSAL_DELAY_S: Final = 0.25
"""A wrong password is answered late, so that guessing is slow."""

STOP_GRACE_S: Final = 10.0
"""How long a stopping server lets the calls under way finish."""

_KEEP_ALIVE_S: Final = 365 * 24 * 3600.0
_LOOPBACK: Final[tuple[IpNetwork, ...]] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1/128"),
)
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="jsonrpc"'}
_JSON: Final = {"Content-Type": "application/json"}
_log: Final = logging.getLogger("axon.rpc")
_http_log: Final = logging.getLogger("axon.http")


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of the HTTP library belongs in the log; what is no HTTP is a debug line."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError):
        return True
    reason = error.message.partition("\n")[0]
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    record.msg, record.args = "%s: %s", (record.getMessage(), reason)
    record.exc_info = None
    return _http_log.isEnabledFor(logging.DEBUG)


_http_log.addFilter(_is_news)


@dataclass(slots=True)
class _Running:
    """The call tasks under way: those that wait for something, and those that work."""

    waiting: dict[asyncio.Task[object], None] = field(default_factory=dict)
    working: dict[asyncio.Task[object], None] = field(default_factory=dict)


class RpcServer:
    """A JSON-RPC server; it listens inside `async with`.

    warming up --ready()--> answering --end of `async with`--> stopping, stopped
    """

    def __init__(
        self,
        registry: Registry,
        settings: ServerSettings,
        credentials: Credentials,
        whitelist: Whitelist | None = None,
    ) -> None:
        self.registry = registry
        self.endpoints: tuple[Endpoint, ...] = ()
        """Where it listens, once it does."""
        self._settings = settings
        self._credentials = credentials
        self._whitelist = whitelist or Whitelist()
        self._context: object = None
        self._status: str | None = "RPC server started"
        self._stopping = False
        self._calls = 0
        self._running = _Running()
        self._allowed = lru_cache(MAX_CONNECTIONS)(self._is_allowed)

    def warming(self, status: str) -> None:
        """Answer every call with -28 and this status."""
        self._status = status

    def ready(self, context: object) -> None:
        """Answer calls from now on.

        Args:
            context: what the methods get as their first argument.
        """
        self._context, self._status = context, None

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: no endpoint could be bound.
        """
        self._loop = asyncio.get_running_loop()
        self._web = Server(
            self._handle,
            request_factory=self._request,
            handler_cancellation=True,
            keepalive_timeout=_KEEP_ALIVE_S,
            access_log=None,
            auto_decompress=False,
            logger=_http_log,
        )
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._listeners = [
            listener
            for endpoint in self._settings.endpoints
            if (listener := await self._listen(endpoint)) is not None
        ]
        if not self._listeners:
            await self._group.__aexit__(None, None, None)
            raise ConfigError("Unable to bind any endpoint for RPC server")
        names = [listener.sockets[0].getsockname() for listener in self._listeners]
        self.endpoints = tuple(Endpoint(name[0], name[1]) for name in names)
        return self

    async def _listen(self, endpoint: Endpoint) -> asyncio.Server | None:
        try:
            return await self._loop.create_server(
                self._accept, endpoint.host, endpoint.port, reuse_address=True
            )
        except OSError as error:
            _log.warning("RPC cannot listen on %s: %s", endpoint, error.strerror or error)
            return None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop, if `stop` was not called before."""
        await self.stop()

    async def stop(self) -> None:
        """Waiting and later calls are answered -9, others with their result; connections close.

        Called within the `async with` while what the methods use still works.
        """
        if self._stopping:
            return
        self._stopping = True
        for listener in self._listeners:
            listener.close()
        for task in self._running.waiting:
            task.cancel()
        if self._running.working:
            await asyncio.wait(self._running.working, timeout=STOP_GRACE_S)
        for task in self._running.working:
            task.cancel()
        await self._group.__aexit__(None, None, None)
        self._web.pre_shutdown()
        await self._web.shutdown(1.0)

    def _accept(self) -> asyncio.Protocol:
        return self._web() if len(self._web.connections) < MAX_CONNECTIONS else _Refusal()

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> BaseRequest:
        return BaseRequest(
            message, payload, protocol, writer, task, self._loop, client_max_size=MAX_BODY_BYTES
        )

    def _is_allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        return any(address in network for network in (*_LOOPBACK, *self._settings.allowed))

    async def _handle(self, request: BaseRequest) -> Response:
        """One HTTP request: may it come in, and what is its answer."""
        if not self._allowed(request.remote or "::"):
            return Response(status=403)
        is_wallet = request.path.startswith("/wallet/")
        if request.path != "/" and not is_wallet:
            return Response(status=404)
        if request.method != "POST":
            return Response(status=405, text="JSONRPC server handles only POST requests")
        header = request.headers.get("Authorization")
        user = self._credentials.user_of(header) if header is not None else None
        if user is None:
            if header is not None:
                _log.warning("RPC: wrong password from %s", request.remote)
                await asyncio.sleep(REFUSAL_DELAY_S)
            return Response(status=401, headers=_CHALLENGE)
        if self._calls >= self._settings.max_calls:
            _log.warning("RPC: more than %d calls at once", self._settings.max_calls)
            return Response(status=503, text="Work queue depth exceeded")
        self._calls += 1
        try:
            wallet = request.path.removeprefix("/wallet/") if is_wallet else None
            return await self._answer(request, Call(user, wallet))
        finally:
            self._calls -= 1

    async def _answer(self, request: BaseRequest, call: Call) -> Response:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                if request.headers.get("Expect", "").lower() == "100-continue":
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await request.read()
        except (TimeoutError, HTTPRequestEntityTooLarge) as error:
            refusal = Response(status=408 if isinstance(error, TimeoutError) else 413)
            refusal.force_close()
            return refusal
        status, text = await self._respond(body, call)
        if text is None:
            return Response(status=status)
        # A lone surrogate, which JSON can name and UTF-8 cannot, goes back as it came: escaped.
        data = (text + "\n").encode("utf-8", "backslashreplace")
        return Response(status=status, body=data, headers=_JSON)

    async def _respond(self, body: bytes, call: Call) -> tuple[int, str | None]:
        """HTTP status and JSON; no JSON where the answer is empty."""
        if not self._whitelist.allows_any(call.user):
            return 403, None
        try:
            asked = decode_json(body)
        except ValueError:
            return _reply(None, None, RpcError(Code.PARSE_ERROR, "Parse error"))
        if isinstance(asked, list):
            return await self._respond_batch(asked, call)
        if not isinstance(asked, dict):
            error = RpcError(Code.PARSE_ERROR, "Top-level object parse error")
            return _reply(None, None, error)
        request, error_or_none = parse_request(asked)
        if error_or_none is not None:
            return http_status(error_or_none), _reply(request, None, error_or_none)[1]
        if not self._whitelist.allows(call.user, request.method):
            _log.warning("RPC: user %s is not allowed to call %s", call.user, request.method)
            return 403, None
        result, error_or_none = await self._call(request, call)
        if request.is_notification:
            return 204, None
        return _reply(request, result, error_or_none)

    async def _respond_batch(self, asked: list[Json], call: Call) -> tuple[int, str | None]:
        """One call after the other; each answer is encoded at once, and then others have a turn.

        A method that is no coroutine, and one that finds all it needs, never give way to the peers
        and callers that share the loop, so it is done here, however long the batch is.
        """
        requests = [parse_request(each) for each in asked]
        for request, error in requests:
            if error is None and not self._whitelist.allows(call.user, request.method):
                return 403, None
        replies = []
        for request, error in requests:
            result = None
            if error is None:
                result, error = await self._call(request, call)
            if not request.is_notification:
                replies.append(_reply(request, result, error)[1])
            await asyncio.sleep(0)
        return (200, f"[{','.join(replies)}]") if replies or not asked else (204, None)

    async def _call(self, request: Request, call: Call) -> tuple[Json, RpcError | None]:
        """Run one method; a method that waits ends when its caller hangs up, others never do."""
        if self._status is not None:
            return None, RpcError(Code.WARMUP, self._status)
        if self._stopping:  # What the methods use may be gone, and so may the group of tasks.
            return None, shutting_down()
        method = self.registry.methods.get(request.method)
        work = self._settled(request, call)
        if method is None or not method.is_async:
            return await work
        running = self._running.waiting if method.waits else self._running.working
        task = self._group.create_task(work)
        running[task] = None
        task.add_done_callback(lambda done: running.pop(done, None))
        try:
            return await (task if method.waits else asyncio.shield(task))
        except asyncio.CancelledError:
            if self._stopping and task.cancelled():
                return None, shutting_down()
            raise

    async def _settled(self, request: Request, call: Call) -> tuple[Json, RpcError | None]:
        """The outcome of a method, its errors as values; a bug in one is logged."""
        try:
            result = await self.registry.execute(
                self._context, request.method, request.params, call
            )
        except RpcError as error:
            return None, error
        except Stopped:
            return None, shutting_down()
        except AxonError as error:
            return None, RpcError(Code.MISC, str(error))
        except Exception as error:  # noqa: BLE001 One method's bug must not end the node.
            _log.exception("RPC method %s failed", request.method)
            return None, RpcError(Code.INTERNAL_ERROR, f"Internal error: {error!r}")
        return result, None


def _reply(request: Request | None, result: Json, error: RpcError | None) -> tuple[int, str]:
    """HTTP status and JSON of one answer; a result that JSON cannot say is an error of ours."""
    try:
        text = encode_json(reply(request, result, error))
    except (TypeError, RecursionError):
        _log.exception("RPC: an answer that JSON cannot say")
        error = RpcError(Code.INTERNAL_ERROR, "Internal error: the result is not JSON")
        text = encode_json(reply(request, None, error))
    if error is None or (request is not None and request.is_v2):
        return 200, text
    return http_status(error), text


class _Refusal(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
