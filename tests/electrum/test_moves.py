"""A chain that moves, a damaged index, a bug: nothing in between is told, and nothing is hidden."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from axon.chain.coins import Coin
from axon.chain.scriptindex import BlockTouches, ScriptIndex
from axon.electrum import service
from axon.electrum.following import Moved
from axon.electrum.poolfollowing import PoolFollowing
from axon.electrum.service import ElectrumService
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.transaction import COIN, TxOut
from axon.swarm.signer import Signer
from tests.electrum.serving import (
    ALICE,
    BOB,
    CAROL,
    LIMIT_S,
    coins_of,
    hash_of,
    serving_node,
    wallet_at,
)

HISTORY = "blockchain.scripthash.get_history"
SUBSCRIBE = "blockchain.scripthash.subscribe"
FEE_SAT = 1_000


@pytest.mark.process
def test_no_status_is_told_in_the_middle_of_a_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOVE_S", 0.02)
    held = asyncio.Event()
    confirmed = PoolFollowing.confirmed

    async def slowly(pool: PoolFollowing, txids: Iterable[Txid]) -> None:
        await held.wait()
        await confirmed(pool, txids)

    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await node.call("generatetoaddress", 2, ALICE.address())
            await node.call("generatetoaddress", 100, CAROL.address())
            coins = await coins_of(wallet, ALICE)
            paid = [TxOut(50 * COIN - FEE_SAT, BOB.script)]
            first, second = [ALICE.pay([coin], paid) for coin in coins]
            await wallet.ask("blockchain.transaction.broadcast", first.raw.hex())
            assert await wallet.ask(SUBSCRIBE, hash_of(BOB))
            monkeypatch.setattr(PoolFollowing, "confirmed", slowly)
            await node.call("generatetoaddress", 1, CAROL.address())
            await asyncio.sleep(0.1)  # The confirmed part has moved, the unconfirmed has not.
            await node.call("sendrawtransaction", second.raw.hex())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await wallet.news(SUBSCRIBE)
            held.set()
            _, status = await wallet.news(SUBSCRIBE)
            history = await wallet.ask(HISTORY, hash_of(BOB))
            assert [item["height"] for item in history] == [103, 0]
            text = "".join([f"{item['tx_hash']}:{item['height']}:" for item in history])
            assert status == hashlib.sha256(text.encode()).hexdigest()

    asyncio.run(run())


@pytest.mark.process
def test_who_has_few_unconfirmed_ones_does_not_wait_for_who_has_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LONG_UNCONFIRMED", 1)
    monkeypatch.setattr(service, "LONG_S", 0)

    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await node.call("generatetoaddress", 2, ALICE.address())
            await node.call("generatetoaddress", 100, CAROL.address())
            coins = await coins_of(wallet, ALICE)
            many = [hash_of(BOB), hash_of(ALICE)]
            few = hash_of(Signer("Mallory"))
            for script in (*many, few):
                await wallet.ask(SUBSCRIBE, script)
            paid = [TxOut(coins[0].amount_sat // 2 - FEE_SAT, each.script) for each in (BOB, ALICE)]
            await node.call("sendrawtransaction", ALICE.pay([coins[0]], paid).raw.hex())
            for _ in many:
                await wallet.news(SUBSCRIBE)
            paid.append(TxOut(FEE_SAT, Signer("Mallory").script))
            await node.call("sendrawtransaction", ALICE.pay([coins[1]], paid).raw.hex())
            told = [(await wallet.news(SUBSCRIBE))[0] for _ in range(3)]
            assert told[0] == few
            assert sorted(told[1:]) == sorted(many)  # And each of these in its round.

    asyncio.run(run())


def test_a_block_that_the_node_has_just_taken_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = ScriptIndex.connect

    def slowly(
        index: ScriptIndex,
        block: Block,
        block_hash: BlockHash,
        height: int,
        spent: Sequence[Sequence[Coin]],
    ) -> BlockTouches:
        time.sleep(0.1)
        return connect(index, block, block_hash, height, spent)

    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            assert await wallet.ask("server.ping") is None
            monkeypatch.setattr(ScriptIndex, "connect", slowly)
            await node.call("generatetoaddress", 1, BOB.address())
            txid = await wallet.ask("blockchain.transaction.id_from_pos", 1, 0)
            await node.call("generatetoaddress", 1, BOB.address())
            proved = await wallet.ask("blockchain.transaction.get_merkle", txid, 1)
            assert proved == {"block_height": 1, "merkle": [], "pos": 0}

    asyncio.run(run())


def test_a_damaged_index_is_built_anew_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    history = ScriptIndex.history

    def damaged(index: ScriptIndex, script: bytes, limit: int) -> list[tuple[int, Txid]] | None:
        monkeypatch.setattr(ScriptIndex, "history", history)
        del script, limit
        raise index.damage("a place has no transaction")

    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint):
            async with wallet_at(endpoint) as wallet:
                await node.call("generatetoaddress", 3, BOB.address())
                before = await wallet.ask(HISTORY, hash_of(BOB))
                assert len(before) == 3
                monkeypatch.setattr(ScriptIndex, "history", damaged)
                with pytest.raises((AssertionError, ConnectionError)):
                    await wallet.ask(HISTORY, hash_of(BOB))
            async with wallet_at(endpoint) as later:
                assert await later.ask(HISTORY, hash_of(BOB)) == before
                await node.call("generatetoaddress", 1, BOB.address())
                assert len(await later.ask(HISTORY, hash_of(BOB))) == 4

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert "The index of scripts is built anew: a place has no transaction" in caplog.text
    assert not (tmp_path / "indexes" / "damaged").exists()


def test_an_index_whose_files_are_damaged_is_built_anew_at_a_start(tmp_path: Path) -> None:
    async def run() -> int:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await node.call("generatetoaddress", 2, BOB.address())
            return len(await wallet.ask(HISTORY, hash_of(BOB)))

    assert asyncio.run(run()) == 2
    (tmp_path / "indexes" / "electrum" / "CURRENT").write_bytes(b"nonsense")
    assert asyncio.run(run()) == 4


def test_a_bug_comes_out_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: ElectrumService) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(ElectrumService, "tell", broken)

    async def run() -> None:
        async with serving_node(tmp_path):
            await asyncio.sleep(LIMIT_S)

    with pytest.raises(KeyError, match="a bug"):
        asyncio.run(run())


@pytest.mark.process
def test_who_comes_right_after_a_block_is_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index stands at a block a moment before clients know of it."""
    moved = ElectrumService.moved

    async def later(service: ElectrumService, steps: list[Moved]) -> None:
        await asyncio.sleep(0.1)
        await moved(service, steps)

    monkeypatch.setattr(ElectrumService, "moved", later)

    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await node.call("generatetoaddress", 1, ALICE.address())
            assert (await wallet.ask("blockchain.headers.subscribe"))["height"] == 1
            for height in (2, 3, 4):
                await node.call("generatetoaddress", 1, ALICE.address())
                await asyncio.sleep(0.05)  # The index is there by now, and nobody knows.
                assert (await wallet.ask("blockchain.headers.subscribe"))["height"] == height

    asyncio.run(asyncio.wait_for(run(), LIMIT_S))
