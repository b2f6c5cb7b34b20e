"""BIP 78 over HTTP, the receiver's side: strangers post originals, and get proposals.

It listens on a port of its own, apart from that of the owner's calls: whoever has an invoice may
come here. TLS or an onion service is put in front of it, for it listens on this machine only; a
sender takes nothing less.

    POST /pj/INVOICE?v=1&...   original in base64   ->   200 proposal in base64
                                                    ->   4xx, 5xx {"errorCode": ..., "message": ...}
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response

from axon.machine import Endpoint
from axon.payments.payjoin import (
    MAX_PSBT_BYTES,
    VERSION,
    Declined,
    Offer,
    Proposal,
    Trouble,
    read_bounded,
)
from axon.payments.payjoinparameters import parse_parameters
from axon.rpc.smallserver import SmallLimits, SmallServer
from axon.wallet.errors import BadPsbt

Join = Callable[[str, Offer], Awaitable[Proposal | Declined]]
"""What the wallet answers, told the last part of the path and what was offered."""

PATH: Final = "/pj/"
_NAME: Final = re.compile(r"[0-9A-Za-z_-]{1,100}", re.ASCII)

MAX_BODY_BYTES: Final = 2 * MAX_PSBT_BYTES
MAX_CONNECTIONS: Final = 32

MAX_JOINS: Final = 4
"""Offers that are looked at at once: each may have thousands of signatures to verify."""

BODY_LIMIT_S: Final = 15.0
JOIN_LIMIT_S: Final = 30.0
IDLE_S: Final = 15.0
LINGERING_S: Final = 2.0
"""Of a body that is too long so much more is read: who was cut off would not hear why."""

_LIMITS: Final = SmallLimits(MAX_CONNECTIONS, IDLE_S, LINGERING_S, cancels=True, decompresses=False)

_STATUS: Final = {
    Trouble.UNAVAILABLE: 503,
    Trouble.NOT_ENOUGH_MONEY: 422,
    Trouble.VERSION_UNSUPPORTED: 400,
    Trouble.REJECTED: 400,
}
_OPEN: Final = {"Access-Control-Allow-Origin": "*"}
"""In every answer, so that wallets that are web pages can read it (BIP 78)."""


class PayjoinEndpoint:
    """Answers requests; to be called by any low-level server of aiohttp.

    Args:
        join: what the wallet answers.
    """

    def __init__(self, join: Join) -> None:
        self._join = join
        self._joins = 0

    async def handle(self, request: BaseRequest) -> Response:
        """One request and its answer."""
        name = request.path.removeprefix(PATH)
        if not request.path.startswith(PATH) or not _NAME.fullmatch(name):
            return Response(status=404, headers=_OPEN)
        if request.method != "POST":
            return Response(status=405, headers=_OPEN | {"Allow": "POST"})
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                body = await _read_body(request)
        except (TimeoutError, HttpProcessingError):
            body = None
        if body is None:
            return _closing(refusal(Declined(Trouble.REJECTED, "too long, too slow, or broken")))
        try:
            psbt = read_bounded(body.decode("ascii"))
        except (BadPsbt, UnicodeDecodeError):
            return refusal(Declined(Trouble.REJECTED, "the body is no PSBT in base64"))
        said = await self._joined(name, Offer(psbt.raw, parse_parameters(request.query_string)))
        if isinstance(said, Declined):
            return refusal(said)
        return Response(text=said.base64, content_type="text/plain", headers=_OPEN)

    async def _joined(self, name: str, offer: Offer) -> Proposal | Declined:
        if self._joins >= MAX_JOINS:
            return Declined(Trouble.UNAVAILABLE, "too many offers at once")
        self._joins += 1
        try:
            async with asyncio.timeout(JOIN_LIMIT_S):
                return await self._join(name, offer)
        except TimeoutError:
            return Declined(Trouble.UNAVAILABLE, "the wallet is busy")
        finally:
            self._joins -= 1


class PayjoinServer:
    """Listens on this machine inside `async with`.

    Args:
        endpoint: where; port 0 is any free one.
        join: what the wallet answers.
    """

    def __init__(self, endpoint: Endpoint, join: Join) -> None:
        self.endpoint = endpoint
        """Where it listens, once it does."""
        self._server = SmallServer(PayjoinEndpoint(join).handle, _LIMITS)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: the endpoint cannot be bound.
        """
        self.endpoint = await self._server.open(self.endpoint, "payjoin: {}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self._server.close()


def refusal(said: Declined) -> Response:
    """A refusal in the form of BIP 78."""
    told: dict[str, object] = {"errorCode": said.trouble.value, "message": said.reason}
    if said.trouble is Trouble.VERSION_UNSUPPORTED:
        told["supported"] = [VERSION]
    return Response(
        status=_STATUS[said.trouble],
        text=json.dumps(told),
        content_type="application/json",
        headers=_OPEN,
    )


def _closing(response: Response) -> Response:
    response.force_close()
    return response


async def _read_body(request: BaseRequest) -> bytes | None:
    """The body; None if it is too long."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    while piece := await request.content.readany():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
