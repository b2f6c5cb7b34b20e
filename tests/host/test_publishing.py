"""A full node that answers over REST and publishes over ZeroMQ, as its settings say."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from axon.errors import ConfigError
from axon.host.fullnode import RunningNode, full_node
from axon.host.rpcsettings import RpcSettings
from axon.host.settings import Bind, FullNodeSettings, PeerSettings
from axon.machine import Endpoint
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.rpc.settings import ServerSettings
from axon.rpc.zmqpub.settings import ZmqNotifier

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
LOOPBACK = Endpoint("127.0.0.1", 0)
LIMIT_S = 60.0


def settings(folder: Path, *, rest: bool) -> FullNodeSettings:
    rpc = RpcSettings(ServerSettings((LOOPBACK,)), rest=rest)
    peers = PeerSettings(binds=(Bind(LOOPBACK),), connect=())
    return FullNodeSettings(network=REGTEST, folder=folder, peers=peers, rpc=rpc)


async def get(node: RunningNode, path: str) -> tuple[bytes, bytes]:
    """Head and body of an answer over HTTP."""
    assert node.rpc is not None
    end = node.rpc.endpoints[0]
    reader, writer = await asyncio.open_connection(end.host, end.port)
    writer.write(f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(LIMIT_S):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body


def test_a_block_is_published_and_then_asked_for(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/published"
    notifiers = tuple([ZmqNotifier(topic, address) for topic in ("rawblock", "sequence")])

    async def run() -> None:
        told = replace(settings(tmp_path / "node", rest=True), zmq=notifiers)
        context = zmq.asyncio.Context()
        async with full_node(told) as node, asyncio.timeout(LIMIT_S):
            socket = context.socket(zmq.SUB)
            socket.setsockopt(zmq.SUBSCRIBE, b"")
            socket.connect(address)
            shown = await node.call("getzmqnotifications")
            assert [each["type"] for each in shown] == ["pubrawblock", "pubsequence"]
            while not await socket.poll(50):  # A subscription takes a moment.
                await node.call("generatetoaddress", 1, ADDRESS)
            while (await socket.recv_multipart())[0] != b"rawblock":
                pass
            while await socket.poll(50):
                await socket.recv_multipart()
            (made,) = await node.call("generatetoaddress", 1, ADDRESS)
            topic, body, _ = await socket.recv_multipart()
            assert (topic, body) == (b"sequence", bytes.fromhex(made) + b"C")
            topic, raw, _ = await socket.recv_multipart()
            assert (topic, Block.decode(raw).hash[::-1].hex()) == (b"rawblock", made)
            head, body = await get(node, f"/rest/block/{made}.bin")
            assert head.startswith(b"HTTP/1.1 200")
            assert body == raw
            _, body = await get(node, "/rest/chaininfo.json")
            assert json.loads(body)["bestblockhash"] == made
        context.destroy(0)

    asyncio.run(run())


def test_neither_is_there_by_default(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(settings(tmp_path, rest=False)) as node:
            assert (await get(node, "/rest/chaininfo.json"))[0].startswith(b"HTTP/1.1 404")
            assert await node.call("getzmqnotifications") == []

    asyncio.run(run())


def test_an_address_in_use_ends_the_start(tmp_path: Path) -> None:
    async def run() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        told = replace(settings(tmp_path, rest=False), zmq=(ZmqNotifier("hashtx", address),))
        with pytest.raises(ConfigError, match=f"Unable to bind {address} for -zmqpubhashtx"):
            async with full_node(told):
                pass
        server.close()

    asyncio.run(run())
