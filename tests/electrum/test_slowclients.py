"""Clients that take nothing of what they ask for; each wait here is one of real time."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from axon.electrum import connection, server
from tests.electrum.serving import LIMIT_S, serving_node, wallet_at


def long_question(number: int) -> bytes:
    """A line whose answer is as long: an id comes back as it is."""
    asked = {"id": f"{number}{'x' * 900_000}", "method": "server.ping"}
    return json.dumps(asked).encode() + b"\n"


def is_dropped(slow: socket.socket, unsent: bytearray) -> bool:
    """Send what can be sent; whether the connection is no more."""
    try:
        del unsent[: slow.send(unsent or b"\n")]
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


def test_who_takes_nothing_is_dropped_and_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SLOW_S", 0.2)

    async def run() -> None:
        async with serving_node(tmp_path) as (_, endpoint), wallet_at(endpoint) as quick:
            with socket.socket() as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                slow.connect((endpoint.host, endpoint.port))
                slow.setblocking(False)
                unsent = bytearray(b"".join(map(long_question, range(20))))
                async with asyncio.timeout(LIMIT_S):
                    while not is_dropped(slow, unsent):
                        assert await quick.ask("server.ping") is None
                        await asyncio.sleep(0.01)

    asyncio.run(run())


def test_more_than_there_is_room_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_SENT_BYTES", 0)

    async def run() -> None:
        async with serving_node(tmp_path) as (_, endpoint), wallet_at(endpoint) as wallet:
            assert await wallet.ask("server.features")
            wallet.writer.write(long_question(1))
            refused = await wallet.line()
            assert refused["error"]["code"] == -102
            assert await wallet.ask("server.ping") is None

    asyncio.run(run())
