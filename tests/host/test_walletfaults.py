"""Wallets of a node where something goes wrong: crashes, lost blocks, payments the pool refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from axon.drivers.aio.walletfile import SqliteStore
from axon.host import openwallet
from axon.host.fullnode import RunningNode, full_node
from axon.host.settings import FullNodeSettings
from axon.mempool.policy import Policy
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.network import REGTEST
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.errors import RpcError
from axon.wallet.descriptorbook import HeldDescriptor
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.sealedkeys import Entropy
from tests.host.test_nodewallets import COIN_AGE, refusal, settings, trusted
from tests.host.test_walletcalls import rich, run
from tests.signing import Signer

STRANGER = Signer("Carol").address()


def run_with(given: FullNodeSettings, act: Callable[[RunningNode], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with full_node(given) as node:
            await act(node)

    asyncio.run(inside())


def wallets_of(given: FullNodeSettings) -> NodeWalletSettings:
    assert given.wallets is not None
    return given.wallets


def test_a_rescan_that_a_crash_prevented_is_done_when_the_wallet_is_loaded(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        await rich(node, "alice")
        listed = (await node.call_wallet("alice", "listdescriptors"))["descriptors"]
        await node.call("createwallet", "watch", disable_private_keys=True)
        await node.call("unloadwallet", "watch")
        path = tmp_path / "wallets" / "watch" / openwallet.WALLET_FILE
        with SqliteStore(path) as store:  # What an import writes before blocks are looked through.
            wallet = DescriptorWallet.load(store, Entropy(Random(1)))
            for each in listed:
                descriptor = parse_descriptor(each["desc"], REGTEST)[0]
                wallet.hold(descriptor, None, HeldDescriptor("", "", ahead=5), rescan_from=1)
        await node.call("loadwallet", "watch")
        assert await trusted(node, "watch") == 50 * 10**8
        await node.call("unloadwallet", "watch")
        with SqliteStore(path) as store:
            assert DescriptorWallet.load(store, Entropy(Random(1))).rescan_due is None

    run(tmp_path, act)


def test_an_import_leaves_no_rescan_due(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        await rich(node, "alice")
        listed = (await node.call_wallet("alice", "listdescriptors"))["descriptors"]
        wanted = [{"desc": each["desc"], "timestamp": 0, "range": [0, 9]} for each in listed]
        await node.call("createwallet", "watch", disable_private_keys=True)
        await node.call_wallet("watch", "importdescriptors", wanted)
        await node.call("unloadwallet", "watch")
        path = tmp_path / "wallets" / "watch" / openwallet.WALLET_FILE
        with SqliteStore(path) as store:
            assert DescriptorWallet.load(store, Entropy(Random(1))).rescan_due is None

    run(tmp_path, act)


def test_a_wallet_that_saw_another_branch_finds_where_the_branches_part(tmp_path: Path) -> None:
    blocks: list[str] = []

    async def first(node: RunningNode) -> None:
        await node.call("createwallet", "alice")
        await node.call("createwallet", "bob")
        mined = await node.call_wallet("alice", "getnewaddress")
        stranger = await node.call_wallet("alice", "getnewaddress")
        await node.call("generatetoaddress", COIN_AGE, stranger)
        for height in range(1, COIN_AGE + 1):
            blocks.append(await node.call("getblock", await node.call("getblockhash", height), 0))
        to_bob = await node.call_wallet("bob", "getnewaddress")
        await node.call_wallet("alice", "sendtoaddress", to_bob, 1)
        await node.call("generatetoaddress", 1, mined)
        await node.call("generatetoaddress", 4, mined)
        assert await trusted(node, "bob") == 10**8

    async def second(node: RunningNode) -> None:
        for block in blocks:
            assert await node.call("submitblock", block) is None
        await node.call("generatetoaddress", 8, STRANGER)
        await node.call("loadwallet", "bob")
        assert await trusted(node, "bob") == 0
        assert (await node.call_wallet("bob", "listtransactions"))[0]["confirmations"] == 0

    run(tmp_path / "one", first)
    other = settings(tmp_path / "two")
    wallets = replace(wallets_of(other), folder=tmp_path / "one" / "wallets")
    run_with(replace(other, wallets=wallets), second)


async def sent(node: RunningNode, address: str, count: int) -> list[str]:
    return [await node.call_wallet("alice", "sendtoaddress", address, 1) for _ in range(count)]


def test_a_payment_that_the_pool_would_refuse_is_not_made_and_says_so(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        address = await rich(node, "alice")
        await sent(node, address, 2)
        for method, args in (("sendtoaddress", (address, 1)), ("send", ({address: 1},))):
            with pytest.raises(RpcError, match="too many unconfirmed transactions in cluster"):
                await node.call_wallet("alice", method, *args)
        assert len(await node.call("getrawmempool")) == 2
        assert (await node.call_wallet("alice", "getwalletinfo"))["txcount"] == COIN_AGE + 2

    run_with(replace(settings(tmp_path), policy=Policy(cluster_count=2)), act)


def test_a_payment_that_the_pool_refused_is_handed_over_again_however_often_blocks_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openwallet, "RESEND_S", 0.3)

    async def act(node: RunningNode) -> None:
        address = await rich(node, "alice")
        *_, last = await sent(node, address, 3)
        assert last not in await node.call("getrawmempool")
        assert (await node.call_wallet("alice", "gettransaction", last))["confirmations"] == 0
        for _ in range(60):
            await node.call("generatetoaddress", 1, STRANGER)
            await asyncio.sleep(0.02)
            if (await node.call_wallet("alice", "gettransaction", last))["confirmations"]:
                return
        raise AssertionError("it was not handed over again")

    given = settings(tmp_path)
    wallets = replace(wallets_of(given), rejects_long_chains=False)
    run_with(replace(given, policy=Policy(cluster_count=2), wallets=wallets), act)


def test_payments_of_our_own_are_told_when_they_are_made_and_in_the_pool(tmp_path: Path) -> None:
    told = tmp_path / "told"
    given = settings(tmp_path)
    wallets = replace(wallets_of(given), notify=f"echo %s %w %b %h >> {told}")

    async def act(node: RunningNode) -> None:
        address = await rich(node, "alice")
        txid = await node.call_wallet("alice", "sendtoaddress", address, 1)
        (block,) = await node.call("generatetoaddress", 1, address)
        wanted = [f"{txid} alice unconfirmed -1"] * 2 + [f"{txid} alice {block} {COIN_AGE + 1}"]
        for _ in range(400):
            if [line for line in lines(told) if line.startswith(txid)] == wanted:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(lines(told))

    run_with(replace(given, wallets=wallets), act)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_coins_are_set_aside_only_for_a_payment_that_was_made(tmp_path: Path) -> None:
    async def act(node: RunningNode) -> None:
        call = node.call_wallet
        address = await rich(node, "alice")
        await call("alice", "encryptwallet", "horse")
        wanted = ({address: 1}, None, "unset", None, {"lock_unspents": True})
        unsigned = await call("alice", "send", *wanted)
        assert (unsigned["complete"], list(unsigned)) == (False, ["psbt", "complete"])
        assert len(await call("alice", "listlockunspent")) == 1
        await call("alice", "lockunspent", True)
        await call("alice", "walletpassphrase", "horse", 60)
        draft = {"lock_unspents": True, "add_to_wallet": False}
        await call("alice", "send", *wanted[:4], draft)
        locked = await call("alice", "listlockunspent")
        assert len(locked) == 1
        assert await refusal(node, "alice", "sendtoaddress", address, 1) == -6
        await call("alice", "lockunspent", True)
        assert (await call("alice", "send", *wanted))["complete"]
        assert await call("alice", "listlockunspent") == []

    run(tmp_path, act)
