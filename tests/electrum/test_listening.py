"""Who is taken in: a place first, then TLS; each wait here is one of real time."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from pathlib import Path
from typing import Final

import pytest

from axon.electrum import listening, places
from axon.machine import Endpoint
from tests.electrum.serving import LIMIT_S, serving_node, wallet_at

FEW: Final = 4


def stranger(endpoint: Endpoint) -> socket.socket:
    """Somebody who connects and says nothing."""
    link = socket.create_connection((endpoint.host, endpoint.port), LIMIT_S)
    link.setblocking(False)
    return link


def is_held(link: socket.socket) -> bool:
    """Whether a connection is open, and nothing was said."""
    with pytest.raises(BlockingIOError):
        link.recv(1)
    return True


async def is_closed(link: socket.socket) -> bool:
    """Whether the server closes a connection; waits for that."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return not await asyncio.get_running_loop().sock_recv(link, 1)
    except ConnectionError:
        return True


def test_who_is_not_done_with_tls_has_a_place_and_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MAX_CLIENTS", places.RESERVED_STRANGERS + FEW)
    monkeypatch.setattr(listening, "HANDSHAKE_S", 0.5)

    async def run() -> None:
        async with serving_node(tmp_path, tls=True) as (_, endpoint):
            context = ssl.create_default_context(cafile=str(tmp_path / "electrum-cert.pem"))
            context.check_hostname = False
            async with wallet_at(endpoint, context) as wallet:
                assert await wallet.ask("server.ping") is None
                for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""):
                    with stranger(endpoint) as other:  # No TLS; then it resets the connection.
                        other.send(said)
                        linger = struct.pack("ii", 1, 0)
                        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                await asyncio.sleep(0.1)
                half_done = [stranger(endpoint) for _ in range(FEW - 1)]
                refused = [stranger(endpoint) for _ in range(20)]
                try:
                    await asyncio.sleep(0.1)
                    assert all(map(is_held, half_done))
                    began = asyncio.get_running_loop().time()
                    for link in refused:
                        assert await is_closed(link)
                    assert asyncio.get_running_loop().time() - began < 0.4
                    for link in half_done:
                        assert await is_closed(link)
                    assert await wallet.ask("server.ping") is None
                finally:
                    for link in (*half_done, *refused):
                        link.close()
            async with wallet_at(endpoint, context) as later:
                assert await later.ask("server.ping") is None

    asyncio.run(run())
