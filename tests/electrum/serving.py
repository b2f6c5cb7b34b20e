"""A node on regtest that serves wallets, and one of these, in this process."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from axon.electrum.settings import ElectrumSettings
from axon.host.fullnode import RunningNode, full_node
from axon.host.settings import FullNodeSettings, PeerSettings
from axon.machine import Endpoint
from axon.primitives.hashes import Txid, from_hex, sha256, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, outpoint
from axon.swarm.lab.processes import free_ports
from axon.swarm.signer import Signer, Spendable

LIMIT_S: Final = 20.0
ALICE, BOB, CAROL = Signer("Alice"), Signer("Bob"), Signer("Carol")


def hash_of(signer: Signer) -> str:
    """The script hash of a signer, as wallets write it."""
    return to_hex(sha256(signer.script))


class Wallet:
    """A client: one question after the other, and what it is told meanwhile."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.told: list[dict[str, Any]] = []
        self._number = 0

    async def line(self) -> Any:
        """The next line from the server."""
        async with asyncio.timeout(LIMIT_S):
            text = await self.reader.readline()
        assert text.endswith(b"\n"), "the server has closed the connection"
        return json.loads(text)

    async def is_closed(self) -> bool:
        """Whether the server closes the connection, after what it still says."""
        async with asyncio.timeout(LIMIT_S):
            await self.reader.read()
        return True

    async def answer(self, method: str, *params: object) -> dict[str, Any]:
        """The whole answer to a question."""
        self._number += 1
        asked = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self.writer.write(json.dumps(asked).encode() + b"\n")
        while True:
            line = await self.line()
            if "method" not in line:
                assert line["id"] == self._number
                assert isinstance(line, dict)
                return line
            self.told.append(line)

    async def ask(self, method: str, *params: object) -> Any:
        """The result of a question that is not refused."""
        answer = await self.answer(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    async def refused(self, method: str, *params: object) -> dict[str, Any]:
        """Why a question is refused."""
        answer = await self.answer(method, *params)
        assert "result" not in answer, answer
        error = answer["error"]
        assert isinstance(error, dict)
        return error

    async def news(self, method: str) -> list[Any]:
        """What it is told next by a subscription; what comes before it is kept."""
        for place, line in enumerate(self.told):
            if line["method"] == method:
                params: list[Any] = self.told.pop(place)["params"]
                return params
        while True:
            line = await self.line()
            if line["method"] == method:
                found: list[Any] = line["params"]
                return found
            self.told.append(line)


@asynccontextmanager
async def serving_node(
    folder: Path, *, tls: bool = False
) -> AsyncIterator[tuple[RunningNode, Endpoint]]:
    """A node, and where it serves wallets."""
    endpoint = Endpoint("127.0.0.1", free_ports(1)[0])
    electrum = ElectrumSettings(() if tls else (endpoint,), (endpoint,) if tls else ())
    peers = PeerSettings(connect=())
    settings = FullNodeSettings(network=REGTEST, folder=folder, peers=peers, electrum=electrum)
    async with full_node(settings) as node:
        yield node, endpoint


@asynccontextmanager
async def wallet_at(
    endpoint: Endpoint, context: ssl.SSLContext | None = None
) -> AsyncIterator[Wallet]:
    """A wallet that is connected, once the server listens."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                streams = await asyncio.open_connection(
                    endpoint.host, endpoint.port, limit=1 << 24, ssl=context
                )
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
    try:
        yield Wallet(*streams)
    finally:
        streams[1].close()


async def coins_of(wallet: Wallet, signer: Signer) -> list[Spendable]:
    """What the server says that somebody may spend."""
    found = await wallet.ask("blockchain.scripthash.listunspent", hash_of(signer))
    return [Spendable(_point(item), item["value"]) for item in found]


def _point(item: dict[str, Any]) -> OutPoint:
    return outpoint(Txid(from_hex(item["tx_hash"])), item["tx_pos"])
