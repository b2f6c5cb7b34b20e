"""Wallets of a node, in this process: made, paid, seen through a reorganisation, found again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.host.fullnode import RunningNode, full_node
from axon.host.settings import FullNodeSettings, PeerSettings
from axon.mempool.policy import Policy
from axon.primitives.network import REGTEST
from axon.rpc.amounts import Amount
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.errors import RpcError

AHEAD = 5
FALLBACK = 20_000
COIN_AGE = 101


def settings(folder: Path, *names: str, disabled: bool = False) -> FullNodeSettings:
    wallets = NodeWalletSettings(
        names=names,
        ahead=AHEAD,
        fallback_sat_kvb=FALLBACK,
        settings_file=folder / "settings.json",
    )
    return FullNodeSettings(
        network=REGTEST,
        folder=folder,
        peers=PeerSettings(connect=()),
        wallets=None if disabled else wallets,
    )


def run(
    folder: Path, act: Callable[[RunningNode], Awaitable[None]], *names: str, disabled: bool = False
) -> None:
    async def inside() -> None:
        async with full_node(settings(folder, *names, disabled=disabled)) as node:
            await act(node)

    asyncio.run(inside())


async def refusal(node: RunningNode, wallet: str | None, method: str, *args: object) -> int:
    """The code with which a call is refused."""
    try:
        if wallet is None:
            await node.call(method, *args)
        else:
            await node.call_wallet(wallet, method, *args)
    except RpcError as refused:
        return refused.code
    raise AssertionError(f"{method} was not refused")


async def trusted(node: RunningNode, wallet: str) -> int:
    found: Amount = await node.call_wallet(wallet, "getbalance")
    return found.sat


def test_payments_from_wallet_to_wallet_and_a_restart(tmp_path: Path) -> None:
    async def first(node: RunningNode) -> None:
        assert await refusal(node, None, "getbalance") == -18
        for name in ("alice", "bob"):
            assert await node.call("createwallet", name) == {"name": name}
        assert await refusal(node, None, "getbalance") == -19
        assert await refusal(node, "carol", "getbalance") == -18
        assert await refusal(node, None, "createwallet", "alice") == -4
        assert await refusal(node, None, "loadwallet", "alice") == -35
        assert await refusal(node, None, "loadwallet", "carol") == -18
        assert await refusal(node, None, "loadwallet", "../alice") == -8
        mined = await node.call_wallet("alice", "getnewaddress")
        to_bob = await node.call_wallet("bob", "getnewaddress", "rent", "legacy")
        await node.call("generatetoaddress", COIN_AGE, mined)
        assert await trusted(node, "alice") == 50 * 10**8
        txid = await node.call_wallet("alice", "sendtoaddress", to_bob, 1.5, "books")
        assert txid in await node.call("getrawmempool")
        balances = await node.call_wallet("bob", "getbalances")
        assert balances["mine"]["untrusted_pending"] == Amount(150_000_000)
        assert await refusal(node, "bob", "sendtoaddress", mined, 1) == -6
        await node.call_wallet("alice", "sendtoaddress", to_bob, 1)  # From unconfirmed change.
        await node.call("generatetoaddress", 1, mined)
        assert await trusted(node, "bob") == 250_000_000
        assert (await node.call_wallet("alice", "gettransaction", txid))["comment"] == "books"
        await node.call("unloadwallet", "bob", load_on_startup=True)

    async def second(node: RunningNode) -> None:
        assert await node.call("listwallets") == ["bob"]
        assert await trusted(node, "bob") == 250_000_000
        listed = await node.call("listtransactions")
        assert [each["label"] for each in listed] == ["rent", "rent"]
        await node.call("loadwallet", "alice")
        assert len(await node.call_wallet("alice", "listunspent", 0)) == 2

    run(tmp_path, first)
    assert '"bob"' in (tmp_path / "settings.json").read_text()
    run(tmp_path, second, "bob", "nobody")


def test_names_of_wallets_are_folders_and_folders_in_folders(tmp_path: Path) -> None:
    names = ["my wallet", "specter", "specter/alice", "specter_hotstorage/a/b"]

    async def act(node: RunningNode) -> None:
        for name in reversed(names):
            assert await node.call("createwallet", name) == {"name": name}
        assert await refusal(node, None, "createwallet", "specter/alice") == -4
        assert await refusal(node, None, "loadwallet", "specter_hotstorage/a") == -18
        for name in ("/tmp/a", "a/../b", "a//b", "a/", ".a", "a/.b", " a", "a/b/c/d/e", "a\n"):
            assert await refusal(node, None, "createwallet", name) == -8
        listed = await node.call("listwalletdir")
        assert [each["name"] for each in listed["wallets"]] == names
        assert await trusted(node, "specter/alice") == 0
        await node.call("unloadwallet", "specter/alice", load_on_startup=True)

    async def again(node: RunningNode) -> None:
        assert await node.call("listwallets") == ["specter/alice"]

    run(tmp_path, act)
    run(tmp_path, again, "specter/alice")


def test_a_reorganisation_takes_back_and_brings_again(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        await node.call("createwallet", "alice")
        await node.call("createwallet", "bob")
        mined = await node.call_wallet("alice", "getnewaddress")
        to_bob = await node.call_wallet("bob", "getnewaddress")
        await node.call("generatetoaddress", COIN_AGE, mined)
        txid = await node.call_wallet("alice", "sendtoaddress", to_bob, 2)
        block = (await node.call("generatetoaddress", 1, mined))[0]
        assert await trusted(node, "bob") == 200_000_000
        await node.call("invalidateblock", block)
        found = await node.call_wallet("bob", "gettransaction", txid)
        assert (found["confirmations"], found["trusted"]) == (0, False)
        assert await trusted(node, "bob") == 0
        alice = await node.call_wallet("alice", "getbalances")
        assert alice["mine"]["immature"] == Amount(100 * 50 * 10**8), "the lost coinbase is none"
        since = await node.call_wallet("bob", "listsinceblock", block)
        assert [each["txid"] for each in since["removed"]] == [txid]
        await node.call("reconsiderblock", block)
        assert await trusted(node, "bob") == 200_000_000

    run(tmp_path, act)


def test_a_wallet_is_open_once_and_nothing_runs_without_wallets(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        await node.call("createwallet", "alice")
        other = FullNodeSettings(
            network=REGTEST,
            folder=tmp_path / "other",
            peers=PeerSettings(connect=()),
            wallets=NodeWalletSettings(folder=tmp_path / "one" / "wallets", names=("alice",)),
        )
        with pytest.raises(ConfigError, match="another process has it open"):
            async with full_node(other):
                pass

    async def without(node: RunningNode) -> None:
        assert await refusal(node, None, "listwallets") == -32601

    run(tmp_path / "one", act)
    run(tmp_path / "one", without, disabled=True)


def test_of_two_payments_at_once_each_knows_of_the_other(tmp_path: Path) -> None:
    """Each fits what the pool takes together, both do not: the second is refused, not lost."""
    policy = Policy(cluster_count=3)

    async def inside() -> None:
        async with full_node(replace(settings(tmp_path), policy=policy)) as node:
            await node.call("createwallet", "alice")
            mined = await node.call_wallet("alice", "getnewaddress")
            await node.call("generatetoaddress", COIN_AGE, mined)
            for _ in range(2):
                await node.call_wallet("alice", "sendtoaddress", mined, 1)
            sends = [node.call_wallet("alice", "sendtoaddress", mined, 1) for _ in range(2)]
            results = await asyncio.gather(*sends, return_exceptions=True)
            refused = [each for each in results if isinstance(each, RpcError)]
            assert [each.message for each in refused] == [
                "too many unconfirmed transactions in cluster"
            ]
            assert len(await node.call("getrawmempool")) == 3
            listed = await node.call_wallet("alice", "listtransactions", "*", 1_000)
            sent = [item["txid"] for item in listed if item["category"] == "send"]
            assert len(sent) == 3, "none is in the wallet that no node has"

    asyncio.run(inside())
