"""Many light clients on one node, each of which syncs filters (BIP 157) and stays.

    python -m bench.crowd HOST PORT COUNT HEIGHT

First all connect and shake hands; the line `connected` says so. When a line comes on standard input
all sync at once: headers, filter headers, and the filters of the blocks from 1 to HEIGHT, each
compared with its filter header's hash. Then how long each took is written as JSON; the connections
end when standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Final

from axon.chain.filters import filter_hash
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import REGTEST
from axon.wire.messages import (
    CFHeaders,
    CFilter,
    GetCFHeaders,
    GetCFilters,
    GetHeaders,
    Headers,
    Message,
    Ping,
    Pong,
    Unknown,
    Verack,
    Version,
)
from axon.wire.messages.filters import BASIC_FILTER
from axon.wire.messages.handshake import PROTOCOL_VERSION
from axon.wire.messages.headers import NO_STOP
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport

DIALLED_AT_ONCE: Final = 64
"""Connections that are being opened at a time: fewer than wait in a listener's queue."""

READ_BYTES: Final = 65_536
LONGEST_S: Final = 600.0


class Client:
    """One light client.

    Args:
        number: its own, for its nonce.
        height: up to which it syncs.
    """

    def __init__(self, number: int, height: int) -> None:
        self._number = number
        self._height = height
        self._transport = V1Transport(REGTEST.magic)
        self._ready = asyncio.Event()
        self._hashes: tuple[bytes, ...] = ()  # Of the filters, by the filter headers.
        self._filters = 0
        self._began = 0.0
        self._done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._listening: asyncio.Task[None] | None = None

    async def connect(self, host: str, port: int) -> None:
        """Dial, and shake hands."""
        self._reader, self._writer = await asyncio.open_connection(host, port, limit=READ_BYTES)
        agent = f"/light:{self._number}/"
        version = Version(
            PROTOCOL_VERSION, 0, int(time.time()), UNSPECIFIED, self._number + 1, agent, 0, False
        )
        self._send(version)
        self._listening = asyncio.create_task(self._listen())
        await self._ready.wait()

    async def sync(self) -> float:
        """Seconds until the last filter is here."""
        self._began = time.monotonic()
        self._send(GetHeaders((REGTEST.genesis.hash,), NO_STOP))
        return await self._done

    def _send(self, message: Message) -> None:
        self._writer.write(self._transport.encode(message.command, message.encode()))

    async def _listen(self) -> None:
        try:
            while data := await self._reader.read(READ_BYTES):
                for frame in self._transport.received(data):
                    assert isinstance(frame, Frame), "a node sends whole frames"
                    self._received(decode_message(frame.command, frame.payload))
            raise ConnectionError("the node ended the connection")
        except Exception as error:  # noqa: BLE001 (whoever waits for the sync is told)
            self._ready.set()
            if not self._done.done():
                self._done.set_exception(error)

    def _received(self, message: Message | Unknown) -> None:
        match message:
            case Version():
                self._send(Verack())
            case Verack():
                self._ready.set()
            case Ping(nonce):
                self._send(Pong(nonce))
            case Headers(headers) if self._began and not self._hashes and headers:
                assert len(headers) >= self._height, "the node has all of them"
                stop = headers[self._height - 1].hash
                self._send(GetCFHeaders(BASIC_FILTER, 1, stop))
                self._send(GetCFilters(BASIC_FILTER, 1, stop))
            case CFHeaders():
                self._hashes = message.filter_hashes
            case CFilter():
                assert filter_hash(message.filter) == self._hashes[self._filters], "as promised"
                self._filters += 1
                if self._filters == self._height:
                    self._done.set_result(time.monotonic() - self._began)
            case _:
                pass


async def run(host: str, port: int, count: int, height: int) -> None:
    """As the module says."""
    clients = [Client(number, height) for number in range(count)]
    dialling = asyncio.Semaphore(DIALLED_AT_ONCE)

    async def connect(client: Client) -> None:
        async with dialling:
            await client.connect(host, port)

    await asyncio.wait_for(asyncio.gather(*map(connect, clients)), LONGEST_S)
    print("connected", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    took = await asyncio.gather(*(client.sync() for client in clients), return_exceptions=True)
    failed = sorted({repr(each) for each in took if isinstance(each, BaseException)})
    served = sorted(each for each in took if not isinstance(each, BaseException))
    print(json.dumps({"served_s": served, "failed": failed}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
