"""A connection through a SOCKS5 proxy (RFC 1928, RFC 1929).

    connected --methods--> [credentials] --request--> reply --> a socket to the destination

The messages are `python-socks`' own protocol without I/O; its ready-made connection does not know
Unix sockets, nor the reply codes by which Tor says what is wrong with an onion service. Every
destination is sent as text, addresses too, as Bitcoin Core does: then there is one form, and a name
is nobody's business but the proxy's.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from typing import Final

from python_socks._protocols import socks5
from python_socks._protocols.errors import ReplyError

from axon.drivers.aio.routes import Proxy
from axon.drivers.bounds import PROXY_TIMEOUT
from axon.machine import SECOND, Endpoint

MAX_HOST_SIZE: Final = 255
"""Bytes of a destination: its length is one byte of the request."""

_REFUSALS: Final = {
    0x01: "general failure",
    0x02: "connection not allowed",
    0x03: "network unreachable",
    0x04: "host unreachable",
    0x05: "connection refused",
    0x06: "TTL expired",
    0x07: "protocol error",
    0x08: "address type not supported",
    0xF0: "onion service descriptor can not be found",
    0xF1: "onion service descriptor is invalid",
    0xF2: "onion service introduction failed",
    0xF3: "onion service rendezvous failed",
    0xF4: "onion service missing client authorization",
    0xF5: "onion service wrong client authorization",
    0xF6: "onion service invalid address",
    0xF7: "onion service introduction timed out",
}
"""What the second byte of a reply means: RFC 1928, and from 0xF0 Tor's extension."""


class ProxyFailed(OSError):
    """No connection came of it; says whether the proxy or the destination is to blame."""


class _Request(socks5.ConnectRequest):
    """A request whose destination is text, whatever it is."""

    def _build_addr_request(self) -> bytes:
        host = self.host.encode("ascii")
        kind = socks5.AddressType.DOMAIN
        return bytes([kind, len(host)]) + host + self.port.to_bytes(2, "big")


async def connect_through(
    proxy: Proxy, destination: Endpoint, connect_timeout_us: int
) -> socket.socket:
    """A socket that leads through a proxy to a destination.

    Args:
        connect_timeout_us: for the connection to the proxy; the rest has `PROXY_TIMEOUT`.

    Raises:
        ProxyFailed: the proxy is not there, does not speak SOCKS5, or refuses.
    """
    host = destination.host
    if not host.isascii() or len(host) > MAX_HOST_SIZE:
        raise ProxyFailed(f"a proxy can be told no such name: {host[:60]!r}")
    try:
        async with asyncio.timeout(connect_timeout_us / SECOND):
            sock = await _connect(proxy)
    except TimeoutError as error:
        raise ProxyFailed(f"no answer of the proxy {proxy}") from error
    except OSError as error:
        raise ProxyFailed(f"the proxy {proxy} is not reached: {error.strerror}") from error
    leads = False
    try:
        async with asyncio.timeout(PROXY_TIMEOUT / SECOND):
            await _negotiate(sock, proxy, destination)
        leads = True
    except TimeoutError as error:
        limit = PROXY_TIMEOUT // SECOND
        raise ProxyFailed(f"the proxy {proxy} did not connect within {limit} s") from error
    except ReplyError as error:
        raise ProxyFailed(f"the proxy {proxy} answers wrongly: {error}") from error
    finally:
        if not leads:
            sock.close()
    return sock


async def _connect(proxy: Proxy) -> socket.socket:
    loop = asyncio.get_running_loop()
    place = proxy.place
    if isinstance(place, str):
        return await _connected(socket.AF_UNIX, place)
    failure: OSError | None = None
    for family, _, _, _, address in await loop.getaddrinfo(
        place.host, place.port, type=socket.SOCK_STREAM
    ):
        try:
            return await _connected(family, address)
        except OSError as error:
            failure = error
    raise failure or OSError("its name was not found")


async def _connected(family: int, address: object) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return sock


async def _negotiate(sock: socket.socket, proxy: Proxy, destination: Endpoint) -> None:
    """Say who we are, if anybody, and where to.

    Raises:
        ProxyFailed: it refuses, or hangs up.
        ReplyError: it does not speak SOCKS5.
    """
    loop, protocol = asyncio.get_running_loop(), socks5.Connection()
    # Tor leads connections with other credentials over other circuits; it asks nobody who he is.
    secret = secrets.token_hex(16) if proxy.isolates else None
    methods = socks5.AuthMethodsRequest(username=secret, password=secret)
    await loop.sock_sendall(sock, protocol.send(methods))
    reply = protocol.receive(await _read(sock, socks5.AuthMethodReply.SIZE))
    assert isinstance(reply, socks5.AuthMethodReply), "the first reply names a method"
    if reply.method == socks5.AuthMethod.USERNAME_PASSWORD:
        assert secret is not None, "the protocol refuses methods that were not offered"
        credentials = socks5.AuthRequest(username=secret, password=secret)
        await loop.sock_sendall(sock, protocol.send(credentials))
        protocol.receive(await _read(sock, socks5.AuthReply.SIZE))
    request = _Request(destination.host, destination.port)
    await loop.sock_sendall(sock, protocol.send(request))
    protocol.receive(await _read_reply(sock, proxy))


async def _read_reply(sock: socket.socket, proxy: Proxy) -> bytes:
    """A whole reply to a request: how long it is says its fourth byte, and perhaps its fifth."""
    head = await _read(sock, 4)
    if head[0] == socks5.SOCKS_VER and head[1]:
        why = _REFUSALS.get(head[1], f"unknown (0x{head[1]:02x})")
        raise ProxyFailed(f"the proxy {proxy} says: {why}")
    sizes = {socks5.AddressType.IPV4: 4, socks5.AddressType.IPV6: 16}
    if head[3] == socks5.AddressType.DOMAIN:
        head += await _read(sock, 1)
        return head + await _read(sock, head[4] + 2)
    if head[3] not in sizes:
        return head  # The protocol says what is wrong with it.
    return head + await _read(sock, sizes[socks5.AddressType(head[3])] + 2)


async def _read(sock: socket.socket, size: int) -> bytes:
    """Exactly so many bytes: what follows belongs to the destination."""
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < size:
        more = await loop.sock_recv(sock, size - len(data))
        if not more:
            raise ProxyFailed("the proxy hung up")
        data += more
    return data


async def look_up(host: str) -> str | None:
    """The first address of a host that the operator named for a proxy; None if there is none."""
    with suppress(OSError, UnicodeError):
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return str(found[0][4][0])
    return None
