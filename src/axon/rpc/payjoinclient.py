"""BIP 78 over HTTP, the sender's side: an offer is posted, a proposal or a refusal comes back.

Names and addresses are reached as the wallet reaches its peers, through its proxies or not at all.
What the receiver writes besides BIP 78's words is not handed on: a person might read it as ours.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64encode
from typing import Final

from axon.drivers.aio.routes import Destination, Routes, destination_of
from axon.drivers.aio.socks5 import connect_through
from axon.drivers.bounds import CONNECT_TIMEOUT
from axon.payments.payjoin import MAX_PSBT_BYTES, SHOWN, Declined, Offer, Trouble
from axon.payments.payjoinurl import PayjoinUrl
from axon.rpc.httpexchange import HttpBroken, HttpConnection

ANSWER_LIMIT_S: Final = 40.0
"""How long it may all take, connection included; over Tor half of it can pass until there is one.
Behind it the original is sent."""

MAX_ANSWER_BYTES: Final = 2 * MAX_PSBT_BYTES
"""Base64 makes four bytes of three, and some break lines."""


async def request_payjoin(
    url: PayjoinUrl,
    offer: Offer,
    routes: Routes,
    *,
    limit_s: float = ANSWER_LIMIT_S,
    trust: ssl.SSLContext | None = None,
) -> str | Declined:
    """Offer a payment to a receiver.

    Args:
        routes: the wallet's ways.
        limit_s: for everything.
        trust: whose certificates are believed; None for those that this system believes.

    Returns:
        The proposal in base64, not looked at yet; or why there is none. Nothing is raised for what
        the other side or the way there does.
    """
    try:
        async with asyncio.timeout(limit_s):
            status, body = await _post(url, offer, routes, trust)
    except TimeoutError:
        return Declined(Trouble.UNAVAILABLE, f"the receiver did not answer within {limit_s:g} s")
    except (HttpBroken, OSError, UnicodeError) as error:
        return Declined(Trouble.UNAVAILABLE, f"the receiver is not reached: {error}")
    if status != 200:
        return _declined(status, body)
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        return Declined(Trouble.UNAVAILABLE, "the receiver's answer is no base64")


async def _post(
    url: PayjoinUrl, offer: Offer, routes: Routes, trust: ssl.SSLContext | None
) -> tuple[int, bytes]:
    body = b64encode(offer.psbt)
    head = [
        f"POST {url.asking(offer.parameters.encode())} HTTP/1.1",
        f"Host: {url.endpoint}",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "",
        "",
    ]
    connection = HttpConnection(*await _connected(url, routes, trust), MAX_ANSWER_BYTES)
    try:
        return await connection.exchange("\r\n".join(head), body)
    finally:
        connection.close()


async def _connected(
    url: PayjoinUrl, routes: Routes, trust: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection by the way that leads there, and by no other.

    Raises:
        OSError: nobody is reached, or is not who he should be.
    """
    host, port = url.endpoint.host, url.endpoint.port
    context = (trust or ssl.create_default_context()) if url.is_https else None
    destination = destination_of(host)
    proxy = routes.proxy_to(destination)
    if proxy is not None:
        sock = await connect_through(proxy, url.endpoint, CONNECT_TIMEOUT)
        return await asyncio.open_connection(
            sock=sock, ssl=context, server_hostname=host if context else None
        )
    if destination in (Destination.ONION, Destination.I2P):
        raise OSError("no proxy leads there")
    if destination is Destination.NAME and not routes.looks_up:
        raise OSError("names are not looked up")
    return await asyncio.open_connection(host, port, ssl=context)


def _declined(status: int, body: bytes) -> Declined:
    try:
        said = json.loads(body)
        trouble = Trouble(said["errorCode"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return Declined(Trouble.UNAVAILABLE, f"the receiver refuses it (HTTP {status})")
    return Declined(trouble, SHOWN[trouble])
