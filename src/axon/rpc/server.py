"""The JSON-RPC server: HTTP in front of a registry of methods, with Bitcoin Core's manners.

A request is answered when its method is done; a method that waits keeps nobody else waiting. A
connection is kept for further requests until nothing has come for a while. Who may connect, and
what is done when there are too many connections: `axon.rpc.connections`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Coroutine, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse
from aiohttp.web_server import Server

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.rpc.auth import Credentials, Whitelist
from axon.rpc.calls import Caller, CallRunner
from axon.rpc.connections import LOOPBACK, RpcConnection, connection_of
from axon.rpc.connectionslots import MAX_CONNECTIONS, RESERVED_LOCAL, ConnectionSlots
from axon.rpc.dispatch import Call, Registry
from axon.rpc.httplog import http_log
from axon.rpc.jsoncodec import CHUNK_BYTES
from axon.rpc.pieces import PieceTurns
from axon.rpc.plaincalls import PlainHead, answer_head
from axon.rpc.settings import ServerSettings
from axon.rpc.sparselog import SparseLog

if TYPE_CHECKING:
    from axon.rpc.rest.service import RestService

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""Core's bound: a block of 4 MB in hex, with much room. Only who has a password comes this far."""

LONG_ANSWER_BYTES: Final = 64 * 1024
"""A longer answer is handed on bit by bit, as its caller takes it: over REST he may be anybody."""

REFUSAL_DELAY_S: Final = 0.25
"""A wrong password is answered late, so that guessing is slow."""

REST_SHARE: Final = 3 / 4
"""Of the requests under way at most so many are over REST, where nobody proves who he is: however
many ask, the owner's calls have the rest."""

REST_METHODS: Final = ("GET", "HEAD", "POST", "PUT")
"""Of HTTP; all mean the same."""

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="jsonrpc"'}
_JSON: Final = "application/json"
_NO_TEXT: Final = "text/html; charset=ISO-8859-1"
"""What an empty answer claims to be, as bitcoind's."""
_log: Final = logging.getLogger("axon.rpc")
_T = TypeVar("_T")


class RpcServer:
    """A JSON-RPC server; it listens inside `async with`.

    warming up --ready()--> answering --end of `async with`--> stopping, stopped

    Args:
        registry: the methods.
        settings: how it listens, and how much it takes on.
        credentials: who may call.
        whitelist: which methods; None for all.
        rest: answers questions over REST, on the same endpoints; None if nobody does.
    """

    def __init__(
        self,
        registry: Registry,
        settings: ServerSettings,
        credentials: Credentials,
        whitelist: Whitelist | None = None,
        rest: RestService | None = None,
    ) -> None:
        self.registry = registry
        self.endpoints: tuple[Endpoint, ...] = ()
        """Where it listens, once it does."""
        self._settings = settings
        self._credentials = credentials
        self._rest = rest
        self._warnings = SparseLog(_log)
        self._runner = CallRunner(registry, whitelist or Whitelist(), self._warnings)
        self._slots = ConnectionSlots(MAX_CONNECTIONS, RESERVED_LOCAL)
        self._calls = 0

    def warming(self, status: str) -> None:
        """Answer every call with -28 and this status."""
        self._runner.warming(status)

    def ready(self, context: object) -> None:
        """Answer calls from now on.

        Args:
            context: what the methods get as their first argument.
        """
        self._runner.ready(context)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: no endpoint could be bound.
        """
        self._loop = asyncio.get_running_loop()
        self._turns = PieceTurns()
        self._web = Server(
            self._handle,
            request_factory=self._request,
            handler_cancellation=True,
        )
        await self._runner.start()
        self._listeners = [
            listener
            for endpoint in self._settings.endpoints
            if (listener := await self._listen(endpoint)) is not None
        ]
        if not self._listeners:
            await self._runner.stop()
            self._runner.close()
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
        if self._runner.is_stopping:
            return
        for listener in self._listeners:
            listener.close()
        await self._runner.stop()
        self._web.pre_shutdown()
        await self._web.shutdown(1.0)
        self._warnings.close()
        self._runner.close()
        if self._rest is not None:
            self._rest.close()

    def _accept(self) -> asyncio.Protocol:
        return RpcConnection(
            self._web,
            self._slots,
            self._is_allowed,
            self._turns,
            self._warnings,
            self._begin_plain,
            keepalive_timeout=self._settings.timeout_s,
            access_log=None,
            auto_decompress=False,
            logger=http_log,
        )

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> BaseRequest:
        return BaseRequest(message, payload, protocol, writer, task, self._loop)

    def _is_allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        return any(address in network for network in (*LOOPBACK, *self._settings.allowed))

    async def _handle(self, request: BaseRequest) -> StreamResponse:
        """One HTTP request and its answer."""
        try:
            response = await self._respond(request)
        except ConnectionError as error:  # Only of this connection: those of methods end before.
            _log.debug("RPC: %s has left before it had its answer: %s", request.remote, error)
            connection_of(request).evict()
            return _refused(request, Response(status=408))
        if connection_of(request).is_over:
            response.force_close()
        return response

    async def _respond(self, request: BaseRequest) -> StreamResponse:
        """May it come in, and what is its answer. The head decides, before a body is read."""
        if self._rest is not None and request.raw_path.startswith("/rest/"):
            return await self._respond_rest(request, self._rest)
        is_wallet = request.path.startswith("/wallet/")
        if request.path != "/" and not is_wallet:
            return _refused(request, Response(status=404))
        if request.method != "POST":
            text = "JSONRPC server handles only POST requests"
            return _refused(request, Response(status=405, text=text))
        header = request.headers.get("Authorization")
        user = self._credentials.user_of(header) if header is not None else None
        if user is None:
            refusal = _refused(request, Response(status=401, headers=_CHALLENGE))
            if header is not None:
                self._warnings.warning("RPC: wrong password from %s", request.remote)
                await asyncio.sleep(REFUSAL_DELAY_S)
            return refusal
        if self._calls >= self._settings.max_calls:
            self._warnings.warning("RPC: more than %d calls at once", self._settings.max_calls)
            return Response(status=503, text="Work queue depth exceeded")
        self._calls += 1
        try:
            with connection_of(request).work():
                wallet = request.path.removeprefix("/wallet/") if is_wallet else None
                return await self._answer(request, Call(user, wallet))
        finally:
            self._calls -= 1

    async def _respond_rest(self, request: BaseRequest, rest: RestService) -> StreamResponse:
        """A question over REST, of whoever may connect."""
        if request.method not in REST_METHODS:
            status = 405 if request.method == "DELETE" else 501
            return _refused(request, Response(status=status, headers={"Content-Type": _NO_TEXT}))
        body = await self._take_body(request, rest.max_body_bytes)
        if isinstance(body, Response):
            return body
        if self._calls >= max(1, int(self._settings.max_calls * REST_SHARE)) or rest.is_full:
            self._warnings.warning("REST: too many questions at once")
            return Response(status=503, text="Work queue depth exceeded")
        with connection_of(request).work(proved=False):
            self._calls += 1
            asked = rest.respond(request.raw_path, b"".join(body))
            reply = await self._runner.attend(self._counted(asked), unwanted=rest.let_go)
            if reply is None:
                text = "Request rejected during server shutdown"
                return _refused(request, Response(status=503, text=text))
            try:
                limit_s = min(rest.slow_s, self._settings.timeout_s)
                return await self._send(
                    request, reply.status, reply.chunks, reply.content_type, limit_s
                )
            finally:
                rest.let_go(reply)

    async def _counted(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Work that counts until it is done, also if who asked for it has gone."""
        try:
            return await work
        finally:
            self._calls -= 1

    def _begin_plain(
        self, connection: RpcConnection, head: PlainHead, body: bytes
    ) -> asyncio.Task[None] | None:
        """Take a call past the HTTP library, if it may come in as it is."""
        if self._calls >= self._settings.max_calls or self._runner.is_stopping:
            return None
        user = self._credentials.user_of(head.authorization)
        if user is None:
            return None
        wallet = None if head.path == "/" else head.path.removeprefix("/wallet/")
        self._calls += 1
        caller = Caller(Call(user, wallet), connection.wait, stays=True)
        return self._runner.begin(self._answer_plain(connection, body, caller))

    async def _answer_plain(self, connection: RpcConnection, body: bytes, caller: Caller) -> None:
        try:
            with connection.work():
                answer = await self._runner.respond((body,), caller)
                chunks = (*answer.chunks, b"\n") if answer.chunks else ()
                size = sum(map(len, chunks))
                head = answer_head(answer.status, _JSON if chunks else None, size)
                await connection.answer(_larger((head, *chunks)), self._settings.timeout_s)
        except TimeoutError:
            self._warnings.warning("RPC: %s does not take its answer", connection.host)
            connection.evict()
        except ConnectionError as error:
            _log.debug("RPC: %s has left before it had its answer: %s", connection.host, error)
        finally:
            self._calls -= 1
            connection.answered()

    async def _answer(self, request: BaseRequest, call: Call) -> StreamResponse:
        body = await self._take_body(request, MAX_BODY_BYTES)
        if isinstance(body, Response):
            return body
        answer = await self._runner.respond(body, Caller(call, connection_of(request).wait))
        if not answer.chunks:
            return Response(status=answer.status)
        chunks = (*answer.chunks, b"\n")
        return await self._send(request, answer.status, chunks, _JSON, self._settings.timeout_s)

    async def _take_body(self, request: BaseRequest, most: int) -> list[bytes] | Response:
        """The body in chunks, or why it is not taken."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                if request.headers.get("Expect", "").lower() == "100-continue":
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await _read_body(request, most)
        except TimeoutError:
            return _refused(request, Response(status=408))
        except HttpProcessingError as error:
            return _refused(request, Response(status=400, text=error.message))
        return _refused(request, Response(status=413)) if body is None else body

    async def _send(
        self,
        request: BaseRequest,
        status: int,
        chunks: tuple[bytes, ...],
        content_type: str,
        limit_s: float,
    ) -> StreamResponse:
        """The response; a long one is sent here, and given up if no part is taken for so long."""
        headers = {"Content-Type": content_type}
        size = sum(map(len, chunks))
        if size < LONG_ANSWER_BYTES:
            return Response(status=status, body=b"".join(chunks), headers=headers)
        response = StreamResponse(status=status, headers=headers)
        response.content_length = size
        if connection_of(request).is_over:
            response.force_close()
        await response.prepare(request)
        try:
            for chunk in () if request.method == "HEAD" else _larger(chunks):
                async with asyncio.timeout(limit_s):
                    await response.write(chunk)
        except TimeoutError:
            self._warnings.warning("RPC: %s does not take its answer", request.remote)
            connection_of(request).evict()
        return response


async def _read_body(request: BaseRequest, most: int) -> list[bytes] | None:
    """The body in chunks; None if it is too long. Put together it would hold up the loop."""
    if (request.content_length or 0) > most:
        return None
    chunks: list[bytes] = []
    size = 0
    while chunk := await request.content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            return None
    return chunks


def _refused(request: BaseRequest, response: Response) -> Response:
    """An answer behind which the connection ends; from now on nothing is read of it."""
    connection_of(request).refuse(request.content)
    response.force_close()
    return response


def _larger(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of about `CHUNK_BYTES`; those of a batch may be tiny."""
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= CHUNK_BYTES:
            yield b"".join(gathered)
            gathered.clear()
            size = 0
    yield b"".join(gathered)
