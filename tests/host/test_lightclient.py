"""A light client and a wallet inside a block, against a full node of the same process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from axon.drivers.aio.routes import Proxy, Routes
from axon.errors import ConfigError
from axon.host.fullnode import RunningNode, full_node
from axon.host.lightclient import goes_out_privately, light_client
from axon.host.lightwallet import light_wallet
from axon.host.settings import Bind, FullNodeSettings, LightSettings, PeerSettings
from axon.machine import Endpoint
from axon.primitives.address import decode_address
from axon.primitives.network import REGTEST
from tests.socksserver import SocksServer

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHER = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx"
LIMIT_S = 30.0
TOR = Routes(onion=Proxy(Endpoint("127.0.0.1", 9050)))


def node_settings(folder: Path) -> FullNodeSettings:
    peers = PeerSettings(binds=(Bind(Endpoint("127.0.0.1", 0)),), connect=(), lab=True)
    return FullNodeSettings(network=REGTEST, folder=folder, peers=peers)


def light_settings(folder: Path, node: RunningNode) -> LightSettings:
    return LightSettings(network=REGTEST, folder=folder, connect=node.endpoints)


def script_of(address: str) -> bytes:
    return decode_address(address, REGTEST)


def test_scripts_are_watched(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(node_settings(tmp_path / "node")) as node:
            await node.call("generatetoaddress", 3, ADDRESS)
            async with light_client(light_settings(tmp_path, node), [script_of(ADDRESS)]) as client:
                found = client.transactions()
                heights = [(await anext(found)).height for _ in range(3)]
                assert heights == [1, 2, 3]
                assert await client.wait_synced(LIMIT_S)
                assert client.height == 3
                await node.call("generatetoaddress", 1, OTHER)
                await node.call("generatetoaddress", 1, ADDRESS)
                assert (await anext(found)).height == 5
                await client.watch(script_of(OTHER), since_height=4)
                assert (await anext(found)).height == 4
                client.stop()
                await client.wait_stopped()

    asyncio.run(asyncio.wait_for(run(), 2 * LIMIT_S))


def test_a_wallet_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        with pytest.raises(ConfigError, match="no wallet 'alice'"):
            async with light_wallet(LightSettings(REGTEST, tmp_path), "alice"):
                pass

    asyncio.run(run())


def test_what_is_no_command_is_named_and_the_client_lives(tmp_path: Path) -> None:
    async def run() -> None:
        async with light_client(LightSettings(REGTEST, tmp_path, connect=())) as client:
            for _ in range(2):
                with pytest.raises(TypeError, match="'nonsense'"):
                    await client.ask("nonsense")

    asyncio.run(run())


def test_a_wallet_dials_through_its_proxy(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(node_settings(tmp_path / "node")) as node:
            await node.call("generatetoaddress", 2, ADDRESS)
            with SocksServer({"bob.example": node.endpoints[0]}) as server:
                proxy = Proxy(server.endpoint)
                settings = LightSettings(
                    network=REGTEST,
                    folder=tmp_path,
                    connect=(Endpoint("bob.example", 5),),
                    routes=Routes(ipv4=proxy, ipv6=proxy, onion=proxy, names=proxy),
                )
                async with light_client(settings) as client:
                    assert await client.wait_synced(LIMIT_S)
                    assert client.height == 2
                assert [asked.host for asked in server.requests()] == ["bob.example"]

    asyncio.run(asyncio.wait_for(run(), 2 * LIMIT_S))


@pytest.mark.parametrize(
    ("settings", "private"),
    [
        ({}, False),
        ({"routes": TOR}, True),
        ({"routes": TOR, "connect": (Endpoint("1.2.3.4", 1),)}, False),
        ({"routes": TOR, "onlynet": ("ipv4",)}, False),
        ({"routes": TOR, "offline": True}, False),
        ({"routes": Routes(i2p=Endpoint("127.0.0.1", 7656))}, True),
    ],
)
def test_when_payments_go_out_privately(settings: dict[str, Any], private: bool) -> None:
    made = LightSettings(network=REGTEST, folder=Path("/nowhere"), **settings)
    assert goes_out_privately(made) is private
