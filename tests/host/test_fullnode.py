"""A full node inside a block: what it offers there, and how the block ends."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

import axon
from axon.drivers.aio.routes import Proxy, Routes
from axon.errors import ConfigError
from axon.host.fullnode import full_node
from axon.host.rpcsettings import RpcSettings
from axon.host.settings import Bind, FullNodeSettings, PeerSettings
from axon.machine import Endpoint
from axon.node.commands import PingAll, Rescan
from axon.node.facts import Fact, TipChanged
from axon.primitives.network import REGTEST
from axon.rpc.asyncclient import AsyncRpcClient
from axon.rpc.errors import RpcError
from axon.rpc.settings import ServerSettings

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
LOOPBACK = Endpoint("127.0.0.1", 0)


def settings(folder: Path, rpc: RpcSettings | None = None) -> FullNodeSettings:
    peers = PeerSettings(binds=(Bind(LOOPBACK),), connect=())
    return FullNodeSettings(network=REGTEST, folder=folder, peers=peers, rpc=rpc)


def test_facts_calls_and_state_files(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(settings(tmp_path)) as node:
            assert node.endpoints[0].port
            assert node.rpc is None
            facts = node.facts()
            await node.call("generatetoaddress", 2, ADDRESS)
            node.stop()
            await node.wait_stopped()
            heights = [fact.height async for fact in facts if isinstance(fact, TipChanged)]
            assert heights == [1, 2]
            assert node.height == 2
        async with full_node(settings(tmp_path)) as node:
            assert node.height == 2

    asyncio.run(run())
    left = {path.name for path in tmp_path.iterdir()}
    assert {"peers.dat", "banlist.json", "mempool.dat"} <= left


def test_another_programs_umask_opens_nothing(tmp_path: Path) -> None:
    folder, open_ones = tmp_path / "data" / "regtest", list[Path]()
    rpc = RpcSettings(ServerSettings((LOOPBACK,)), folder / ".cookie")

    async def run() -> None:
        async with full_node(settings(folder, rpc=rpc)) as node:
            await node.call("generatetoaddress", 1, ADDRESS)
            open_ones.extend(path for path in folder.iterdir() if path.stat().st_mode & 0o077)

    before = os.umask(0)
    try:
        asyncio.run(run())
        open_ones.extend(path for path in folder.iterdir() if path.stat().st_mode & 0o077)
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert not open_ones, "of what libraries make inside, the folders are closed"


def test_its_rpc_answers_as_soon_as_the_block_is_entered(tmp_path: Path) -> None:
    rpc = RpcSettings(ServerSettings((LOOPBACK,)), tmp_path / ".cookie")

    async def run() -> None:
        async with full_node(settings(tmp_path, rpc=rpc)) as node:
            assert node.rpc is not None
            async with AsyncRpcClient(node.rpc.url, cookie=node.rpc.cookie) as client:
                assert await client.call("getblockcount") == 0
                await client.call("stop")
            await node.wait_stopped()

    asyncio.run(run())
    assert not (tmp_path / ".cookie").exists()


def test_a_start_whose_port_is_taken_leaves_the_cookie_of_who_has_it(tmp_path: Path) -> None:
    rpc = RpcSettings(ServerSettings((LOOPBACK,)), tmp_path / ".cookie")

    async def run() -> None:
        async with full_node(settings(tmp_path / "one", rpc=rpc)) as node:
            assert node.rpc is not None
            taken = replace(rpc, server=ServerSettings(node.rpc.endpoints[:1]))
            with pytest.raises(ConfigError):
                async with full_node(settings(tmp_path / "two", rpc=taken)):
                    pass
            async with AsyncRpcClient(node.rpc.url, cookie=node.rpc.cookie) as client:
                assert await client.call("getblockcount") == 0

    asyncio.run(run())


def test_rpc_settings_have_defaults(tmp_path: Path) -> None:
    placed = RpcSettings().placed(REGTEST, tmp_path)
    assert placed.server.endpoints[0] == Endpoint("127.0.0.1", REGTEST.rpc_port)
    assert placed.cookie == tmp_path / ".cookie"
    assert RpcSettings(cookie=None).placed(REGTEST, tmp_path).cookie is None
    assert placed.placed(REGTEST, tmp_path / "other") == placed

    async def run() -> None:
        told = settings(tmp_path, axon.RpcSettings.at(LOOPBACK))
        async with full_node(told) as node:
            assert node.rpc is not None
            assert node.rpc.cookie == tmp_path / ".cookie"
            async with AsyncRpcClient(node.rpc.url, cookie=node.rpc.cookie) as client:
                assert await client.call("getblockcount") == 0

    asyncio.run(run())


def test_what_the_block_raises_comes_out_and_the_node_stops_in_order(tmp_path: Path) -> None:
    async def run() -> None:
        with pytest.raises(ZeroDivisionError):
            async with full_node(settings(tmp_path)):
                raise ZeroDivisionError
        async with full_node(settings(tmp_path)):
            pass

    asyncio.run(run())


def test_a_cancelled_start_leaves_a_folder_that_can_be_used(tmp_path: Path) -> None:
    async def start(entered: asyncio.Event) -> None:
        async with full_node(settings(tmp_path)):
            entered.set()
            await asyncio.sleep(3600)

    async def run() -> None:
        for delay_s in (0.0, 0.001, 0.01):
            task = asyncio.create_task(start(asyncio.Event()))
            await asyncio.sleep(delay_s)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with full_node(settings(tmp_path)) as node:
            assert node.height == 0

    asyncio.run(run())


def test_a_folder_has_one_node(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(settings(tmp_path)):
            with pytest.raises(ConfigError, match="lock"):
                async with full_node(settings(tmp_path)):
                    pass

    asyncio.run(run())


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(settings(tmp_path / "a")) as first:
            peers = PeerSettings(binds=(Bind(LOOPBACK), Bind(first.endpoints[0])), connect=())
            taken = FullNodeSettings(network=REGTEST, folder=tmp_path / "b", peers=peers)
            with pytest.raises(ConfigError, match=str(first.endpoints[0].port)):
                async with full_node(taken):
                    pass

    asyncio.run(run())


def test_a_proxy_without_an_address_is_refused(tmp_path: Path) -> None:
    named = Proxy(Endpoint("proxy.example", 9050))
    peers = PeerSettings(routes=Routes(ipv4=named, dns=False))

    async def run() -> None:
        with pytest.raises(ConfigError, match="Invalid -proxy address or hostname"):
            async with full_node(FullNodeSettings(network=REGTEST, folder=tmp_path, peers=peers)):
                pass

    asyncio.run(run())


def test_what_is_no_command_is_named_and_the_node_lives(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(settings(tmp_path)) as node:
            for nonsense in ("nonsense", None, Rescan(0)):  # The last is for a light client.
                with pytest.raises(TypeError, match=re.escape(repr(nonsense))):
                    await node.ask(nonsense)
            await node.ask(PingAll())
            await node.call("generatetoaddress", 1, ADDRESS)
            assert node.height == 1

    asyncio.run(run())


def test_what_json_does_not_know_is_refused_by_its_python_name(tmp_path: Path) -> None:
    async def run() -> None:
        async with full_node(settings(tmp_path)) as node:
            with pytest.raises(RpcError, match=r"type builtins\.object is not .* type string"):
                await node.call("getblock", object())

    asyncio.run(run())


@pytest.mark.parametrize("with_rpc", [False, True])
def test_what_a_taker_of_facts_raises_comes_out_as_it_is(tmp_path: Path, with_rpc: bool) -> None:
    def take(fact: Fact) -> None:
        if isinstance(fact, TipChanged):
            raise ZeroDivisionError("in the taker")

    rpc = RpcSettings(ServerSettings((LOOPBACK,)), tmp_path / ".cookie") if with_rpc else None

    async def run() -> None:
        async with full_node(settings(tmp_path, rpc)) as node:
            node.hand_facts_to(take)
            await node.call("generatetoaddress", 1, ADDRESS)
            await asyncio.sleep(30)

    with pytest.raises(ZeroDivisionError, match="in the taker"):
        asyncio.run(run())
