"""A JSON-RPC client for asyncio: many calls at once, each on a connection of its own.

Speaks to axon and to Bitcoin Core alike. What it says and understands is `rpc.client.Exchange`, as
for the client that blocks. HTTP is spoken by `rpc.httpexchange`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from axon.rpc.client import DEFAULT_TIMEOUT_S, Exchange
from axon.rpc.httpexchange import HttpBroken, HttpConnection, HttpGone
from axon.rpc.jsonrpc import call_params

MAX_KEPT: Final = 8
"""Idle connections that are kept for later calls; a burst of calls may use more of them."""


class AsyncRpcClient:
    """One server, one user, calls that are awaited; on one event loop.

    A call is sent again once if the kept connection turns out to be closed before any answer, and
    once with a cookie read anew if the server has been started again since. A call that is
    cancelled closes its connection, by which a server knows that nobody waits any more.

    Args:
        url: `http://host:port`, or `http://user:password@host:port`.
        cookie: the cookie file; read at the first call and whenever its password is refused.
        user, password: instead of a cookie.
        wallet: its name, for `/wallet/NAME`.
        timeout_s: how long an answer may take; None for ever.
        numbers: what numbers with a fraction become, from their text.
        max_answer_bytes: longer answers are refused as no answer; None to take what comes.

    Raises:
        ConfigError: the URL is of another form.
    """

    def __init__(
        self,
        url: str,
        *,
        cookie: str | Path | None = None,
        user: str = "",
        password: str = "",
        wallet: str | None = None,
        timeout_s: float | None = DEFAULT_TIMEOUT_S,
        numbers: Callable[[str], object] = Decimal,
        max_answer_bytes: int | None = None,
    ) -> None:
        self._exchange = Exchange(
            url, cookie=cookie, user=user, password=password, wallet=wallet, numbers=numbers
        )
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._idle: list[HttpConnection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the idle connections; a later call opens a new one."""
        while self._idle:
            await self._idle.pop().closed()

    async def call(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method, with parameters by place, by name, or both.

        Returns:
            The result; numbers with a fraction are `Decimal`s, so sums of money stay exact.

        Raises:
            RpcError: the server's own error.
            Unreachable: no answer.
            Unauthorized: wrong password, or the method is not for this user.
        """
        return await self.call_with(method, call_params(args, named))

    async def call_with(self, method: str, params: object) -> Any:
        """Call a method with `params` as they stand in the request; raises as `call` does."""
        answer = await self._post(self._exchange.call(method, params))
        return self._exchange.result(*answer)

    async def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Several calls in one request.

        Args:
            calls: method and parameters by place.

        Returns:
            For each call its result, or its `RpcError` as a value.

        Raises:
            Unreachable, Unauthorized: as `call` does.
        """
        answer = await self._post(self._exchange.batch(calls))
        return self._exchange.results(*answer, len(calls))

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body of the answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                status, data = await self._send_kept(body)
                if self._exchange.may_retry(status):
                    status, data = await self._send_kept(body)
        except (HttpBroken, OSError) as error:  # TimeoutError is an OSError.
            raise self._exchange.unreachable(error) from error
        return status, data

    async def _send_kept(self, body: bytes) -> tuple[int, bytes]:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_closed:
                connection.close()
                continue
            try:
                return await self._send(connection, body)
            except HttpGone:  # It was closed while nothing went over it.
                break
        server = self._exchange.endpoint
        streams = await asyncio.open_connection(server.host, server.port)
        return await self._send(HttpConnection(*streams, self._max_answer_bytes), body)

    async def _send(self, connection: HttpConnection, body: bytes) -> tuple[int, bytes]:
        exchange = self._exchange
        lines = [f"POST {exchange.path} HTTP/1.1", f"Host: {exchange.endpoint}"]
        lines += [f"{name}: {value}" for name, value in exchange.headers().items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        try:
            return await connection.exchange("\r\n".join(lines), body)
        finally:
            if connection.is_usable and len(self._idle) < MAX_KEPT:
                self._idle.append(connection)
            else:  # Cancelled, broken, or one too many.
                connection.close()
