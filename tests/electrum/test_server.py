"""The Electrum server over a real node: what wallets ask, and what they are told."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from axon.electrum.lines import MAX_LINE_BYTES
from axon.electrum.session import MAX_FAULTS
from axon.host.fullnode import RunningNode
from axon.primitives.block import Block
from axon.primitives.hashes import sha256d
from axon.primitives.merkle import fold_branch
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.swarm.signer import Signer, Spendable
from tests.electrum.serving import (
    ALICE,
    BOB,
    CAROL,
    LIMIT_S,
    Wallet,
    coins_of,
    hash_of,
    serving_node,
    wallet_at,
)

HISTORY = "blockchain.scripthash.get_history"
BALANCE = "blockchain.scripthash.get_balance"
SUBSCRIBE = "blockchain.scripthash.subscribe"
HEADERS = "blockchain.headers.subscribe"
FEE_SAT = 1_000


def status_of(history: list[dict[str, Any]]) -> str | None:
    """As the protocol defines it."""
    text = "".join([f"{item['tx_hash']}:{item['height']}:" for item in history])
    return hashlib.sha256(text.encode()).hexdigest() if text else None


async def mine(node: RunningNode, count: int, signer: Signer = CAROL) -> list[str]:
    """Blocks that pay somebody."""
    hashes = await node.call("generatetoaddress", count, signer.address())
    assert isinstance(hashes, list)
    return hashes


async def told(wallet: Wallet, signer: Signer) -> list[dict[str, Any]]:
    """A status as it is told, which is that of the history; that history.

    Where the chain has moved on between both a newer status comes, too.
    """
    while True:
        script, status = await wallet.news(SUBSCRIBE)
        assert script == hash_of(signer)
        history: list[dict[str, Any]] = await wallet.ask(HISTORY, script)
        if status == status_of(history):
            return history


async def told_in_the_end(wallet: Wallet, signer: Signer, heights: list[int]) -> Any:
    """The history of these heights, once it is told; on the way there may be others."""
    while True:
        history = await told(wallet, signer)
        if [item["height"] for item in history] == heights:
            return history


@pytest.mark.process
def test_a_payment_from_the_pool_into_a_block_and_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            assert await wallet.ask("server.version", "test", "1.4") == ["axon 0.1.0", "1.4"]
            first = await wallet.ask(HEADERS)
            assert first == {"height": 0, "hex": REGTEST.genesis.header.raw.hex()}
            await mine(node, 1, ALICE)
            await mine(node, 100)
            while (await wallet.news(HEADERS))[0]["height"] < 101:
                pass
            assert await wallet.ask(SUBSCRIBE, hash_of(BOB)) is None
            (coin,) = await coins_of(wallet, ALICE)
            outputs = [TxOut(COIN, BOB.script), TxOut(49 * COIN - FEE_SAT, ALICE.script)]
            payment = ALICE.pay([coin], outputs)
            txid = await wallet.ask("blockchain.transaction.broadcast", payment.raw.hex())
            assert txid == payment.txid[::-1].hex()
            unconfirmed = {"tx_hash": txid, "height": 0, "fee": FEE_SAT}
            assert await wallet.ask("blockchain.scripthash.get_mempool", hash_of(BOB)) == [
                unconfirmed
            ]
            assert await told(wallet, BOB) == [unconfirmed]
            assert await wallet.ask(BALANCE, hash_of(ALICE)) == {
                "confirmed": 50 * COIN,
                "unconfirmed": -COIN - FEE_SAT,
            }
            assert len(await coins_of(wallet, ALICE)) == 1
            (spent,) = await coins_of(wallet, BOB)
            child = BOB.pay([spent], [TxOut(COIN - FEE_SAT, CAROL.script)])
            await wallet.ask("blockchain.transaction.broadcast", child.raw.hex())
            assert [item["height"] for item in await told(wallet, BOB)] == [0, -1]
            assert await coins_of(wallet, BOB) == []

            (block_hash,) = await mine(node, 1)
            assert [item["height"] for item in await told(wallet, BOB)] == [102, 102]
            assert await wallet.ask(BALANCE, hash_of(BOB)) == {"confirmed": 0, "unconfirmed": 0}
            assert await wallet.ask("blockchain.transaction.get", txid) == payment.raw.hex()
            shown = await wallet.ask("blockchain.transaction.get", txid, True)
            assert (shown["blockhash"], shown["confirmations"]) == (block_hash, 1)
            proved = await wallet.ask("blockchain.transaction.get_merkle", txid, 102)
            branch = [bytes.fromhex(each)[::-1] for each in proved["merkle"]]
            header = await wallet.ask("blockchain.block.header", 102)
            root = fold_branch(payment.txid, branch, proved["pos"])
            assert root == bytes.fromhex(header)[36:68]
            by_place = await wallet.ask("blockchain.transaction.id_from_pos", 102, 1, True)
            assert by_place == {"tx_hash": txid, "merkle": proved["merkle"]}

    asyncio.run(run())


@pytest.mark.process
def test_who_subscribes_later_takes_no_news_from_who_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with (
            serving_node(tmp_path) as (node, endpoint),
            wallet_at(endpoint) as early,
            wallet_at(endpoint) as late,
        ):
            await mine(node, 3, ALICE)
            await mine(node, 100)
            await early.ask(HEADERS)
            await early.ask(SUBSCRIBE, hash_of(BOB))
            coins = await coins_of(early, ALICE)
            payments = [
                ALICE.pay([coin], [TxOut(50 * COIN - FEE_SAT, BOB.script)]) for coin in coins
            ]
            await early.ask("blockchain.transaction.broadcast", payments[0].raw.hex())
            assert len(await told(early, BOB)) == 1
            # One more round of news, then none for longer than anybody waits here.
            monkeypatch.setattr("axon.electrum.service.ROUND_PAUSE_S", 2 * LIMIT_S)
            await early.ask("blockchain.transaction.broadcast", payments[1].raw.hex())
            assert len(await told(early, BOB)) == 2
            await early.ask("blockchain.transaction.broadcast", payments[2].raw.hex())
            status = await late.ask(SUBSCRIBE, hash_of(BOB))
            assert await early.news(SUBSCRIBE) == [hash_of(BOB), status]

    asyncio.run(run())


@pytest.mark.process
def test_a_reorganisation_takes_back_and_tells(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            serving_node(tmp_path / "one") as (node, endpoint),
            serving_node(tmp_path / "two") as (other, _),
            wallet_at(endpoint) as wallet,
        ):
            await mine(node, 1, ALICE)
            for height in range(101):
                if height:
                    await mine(node, 1)
                block = await node.call("getblock", await node.call("getblockhash", height + 1), 0)
                assert await other.call("submitblock", block) is None
            (coin,) = await coins_of(wallet, ALICE)
            payment = ALICE.pay([coin], [TxOut(50 * COIN - FEE_SAT, BOB.script)])
            await node.call("sendrawtransaction", payment.raw.hex())
            await mine(node, 2)
            await wallet.ask(HEADERS)
            history = await wallet.ask(HISTORY, hash_of(BOB))
            assert await wallet.ask(SUBSCRIBE, hash_of(BOB)) == status_of(history)
            assert [item["height"] for item in history] == [102]

            branch = await mine(other, 3)
            for block_hash in branch:
                await node.call("submitblock", await other.call("getblock", block_hash, 0))
            while (await wallet.news(HEADERS))[0]["height"] < 104:
                pass
            assert await told(wallet, BOB) == [
                {"tx_hash": payment.txid[::-1].hex(), "height": 0, "fee": FEE_SAT}
            ]
            tip = Block.decode(bytes.fromhex(await other.call("getblock", branch[-1], 0)))
            header = await wallet.ask("blockchain.block.header", 104)
            assert header == tip.header.raw.hex()
            await mine(node, 1)
            assert [item["height"] for item in await told(wallet, BOB)] == [105]

    asyncio.run(run())


@pytest.mark.process
def test_blocks_that_are_invalidated_are_taken_back_and_come_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await mine(node, 3, BOB)
            hashes = await mine(node, 3, BOB)
            before = await wallet.ask(HISTORY, hash_of(BOB))
            assert await wallet.ask(SUBSCRIBE, hash_of(BOB)) == status_of(before)
            await node.call("invalidateblock", hashes[0])
            assert await told_in_the_end(wallet, BOB, [1, 2, 3]) == before[:3]
            (other,) = await mine(node, 1, BOB)
            await told_in_the_end(wallet, BOB, [1, 2, 3, 4])
            await node.call("reconsiderblock", hashes[0])
            assert await told_in_the_end(wallet, BOB, [1, 2, 3, 4, 5, 6]) == before
            header = await wallet.ask("blockchain.block.header", 6)
            assert sha256d(bytes.fromhex(header))[::-1].hex() == hashes[-1] != other

    asyncio.run(run())


def test_the_index_goes_on_where_it_stood(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await mine(node, 5, BOB)
            history = await wallet.ask(HISTORY, hash_of(BOB))
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            assert await wallet.ask(HISTORY, hash_of(BOB)) == history
            assert len(history) == 5
            await mine(node, 1, BOB)
            assert len(await wallet.ask(HISTORY, hash_of(BOB))) == 6

    asyncio.run(run())


def test_headers_and_their_proofs(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await mine(node, 9)
            raws = [
                bytes.fromhex(await wallet.ask("blockchain.block.header", at)) for at in range(10)
            ]
            joined = b"".join(raws[2:]).hex()
            expected = {"count": 8, "max": 2016, "hex": joined}
            assert await wallet.ask("blockchain.block.headers", 2, 100) == expected
            nothing = {"count": 0, "max": 2016, "hex": ""}
            assert await wallet.ask("blockchain.block.headers", 10, 5, 9) == nothing
            assert await wallet.ask("blockchain.block.headers", 10, 0) == nothing
            shown = await wallet.ask("blockchain.block.header", 5, 8)
            assert shown["header"] == raws[5].hex()
            last = await wallet.ask("blockchain.block.headers", 3, 3, 8)
            assert (last["root"], last["branch"]) == (shown["root"], shown["branch"])
            branch = [bytes.fromhex(each)[::-1] for each in shown["branch"]]
            assert fold_branch(sha256d(raws[5]), branch, 5)[::-1].hex() == shown["root"]
            for params in ((5, 10), (5, 4), (10,), (-1,), ("x",), (True,)):
                assert (await wallet.refused("blockchain.block.header", *params))["code"] == 1

    asyncio.run(run())


def test_versions_differ_in_what_there_is(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (_, endpoint):
            async with wallet_at(endpoint) as old, wallet_at(endpoint) as new:
                assert (await old.ask("server.version", "old", ["1.4", "1.4.1"]))[1] == "1.4.1"
                asked = ("server.version", "new", ["1.4", "1.6"], "more", 9999.9)
                assert (await new.ask(*asked))[1] == "1.6"
                assert await old.ask("blockchain.relayfee") == 0.000001
                assert (await new.refused("blockchain.relayfee"))["code"] == -32601
                assert (await old.refused("mempool.get_info"))["code"] == -32601
                assert await new.ask("mempool.get_info") == {
                    "mempoolminfee": 0.000001,
                    "minrelaytxfee": 0.000001,
                    "incrementalrelayfee": 0.000001,
                }
                assert await new.ask("blockchain.scripthash.unsubscribe", hash_of(BOB)) is False
                assert await new.ask(SUBSCRIBE, hash_of(BOB)) is None
                assert await new.ask("blockchain.scripthash.unsubscribe", hash_of(BOB)) is True
                assert await old.ask("blockchain.scripthash.unsubscribe", hash_of(BOB)) is False
                headers = await new.ask("blockchain.block.headers", 0, 1)
                assert headers["headers"] == [REGTEST.genesis.header.raw.hex()]
                assert await new.ask("blockchain.estimatefee", 2, "CONSERVATIVE") == -1
                assert await old.ask("blockchain.estimatefee", 0) == -1
                assert (await new.refused("server.version", "new", "1.4"))["code"] == 1
                shown = await new.ask("server.features")
                assert shown["genesis_hash"] == REGTEST.genesis.hash[::-1].hex()
                assert (shown["protocol_min"], shown["protocol_max"]) == ("1.4", "1.6")
                assert await new.ask("server.peers.subscribe") == []
                assert await new.ask("server.add_peer", {}) is False
                assert await new.ask("server.donation_address") == ""
                assert await new.ask("server.ping") is None
                assert "regtest" in await new.ask("server.banner")
            async with wallet_at(endpoint) as future:
                assert (await future.refused("server.version", "future", "1.7"))["code"] == 1
                assert await future.is_closed()

    asyncio.run(run())


@pytest.mark.process
def test_a_package_is_taken_or_told_why_not(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await wallet.ask("server.version", "test", "1.6")
            await mine(node, 1, ALICE)
            await mine(node, 100)
            (coin,) = await coins_of(wallet, ALICE)
            parent = ALICE.pay([coin], [TxOut(coin.amount_sat, BOB.script)], version=3)
            paid = coin.amount_sat - FEE_SAT
            child = BOB.pay([_output(parent)], [TxOut(paid, CAROL.script)], version=3)
            raws = [parent.raw.hex(), child.raw.hex()]
            send = "blockchain.transaction.broadcast_package"
            alone = await wallet.refused("blockchain.transaction.broadcast", raws[0])
            assert "rejected by network rules" in alone["message"]
            refused = await wallet.ask(send, [raws[0]])
            assert refused["success"] is False
            assert refused["errors"][0]["txid"] == parent.txid[::-1].hex()
            assert (await wallet.refused(send, [*raws, raws[1]]))["code"] == 1
            assert await wallet.ask(send, raws) == {"success": True}
            history = await wallet.ask(HISTORY, hash_of(BOB))
            assert [item["height"] for item in history] == [0, -1]
            assert await wallet.ask("mempool.get_fee_histogram")
            assert "tx-results" in await wallet.ask(send, raws, True)

    asyncio.run(run())


def _output(transaction: Transaction) -> Spendable:
    return Spendable(outpoint(transaction.txid, 0), transaction.outputs[0].amount_sat)


REFUSED: list[tuple[str, list[object], int]] = [
    ("blockchain.transaction.get", ["00"], 1),
    ("blockchain.transaction.get", ["00" * 32], 2),
    ("blockchain.transaction.get", ["00" * 32, "yes"], 1),
    ("blockchain.transaction.get_merkle", ["00" * 32, 0], 1),
    ("blockchain.transaction.get_merkle", ["00" * 32, 1], 1),
    ("blockchain.transaction.id_from_pos", [0, 1], 1),
    ("blockchain.transaction.broadcast", ["zz"], 1),
    ("blockchain.transaction.broadcast", [5], 1),
    ("blockchain.scripthash.get_history", ["zz" * 32], 1),
    ("blockchain.scripthash.subscribe", [None], 1),
    ("blockchain.scripthash.subscribe", [], -32602),
    ("blockchain.scripthash.subscribe", [1, 2, 3], -32602),
    ("blockchain.estimatefee", [1, "fast"], 1),
    ("blockchain.nothing", [], -32601),
    ("__class__", [], -32601),
]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (_, endpoint), wallet_at(endpoint) as wallet:
            for method, params, code in REFUSED:
                assert (await wallet.refused(method, *params))["code"] == code, (method, params)
            assert await wallet.ask("server.ping") is None

    asyncio.run(run())


def test_batches_names_and_nonsense(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (_, endpoint):
            async with wallet_at(endpoint) as wallet:
                named = {"id": "a", "method": "blockchain.block.header", "params": {"height": 0}}
                asked = [named, 5, {"method": "server.ping"}, {**named, "params": {"place": 0}}]
                wallet.writer.write(json.dumps(asked).encode() + b"\r\n\n")
                first, second, third = await wallet.line()
                assert first["result"] == REGTEST.genesis.header.raw.hex()
                assert second["error"]["code"] == -32600
                assert third["error"]["code"] == -32602
                for _ in range(MAX_FAULTS - 1):
                    wallet.writer.write(b"GET / HTTP/1.1\r\n")
                assert await wallet.is_closed()
            async with wallet_at(endpoint) as long:
                long.writer.write(b"x" * (MAX_LINE_BYTES + 1))
                with pytest.raises((ConnectionError, AssertionError)):
                    await long.line()
            async with wallet_at(endpoint) as wallet:
                assert await wallet.ask("server.ping") is None

    asyncio.run(run())


def test_tls_with_a_certificate_of_its_own_that_stays(tmp_path: Path) -> None:
    certificate = tmp_path / "electrum-cert.pem"

    async def run() -> None:
        async with serving_node(tmp_path, tls=True) as (_, endpoint):
            context = ssl.create_default_context(cafile=str(certificate))
            context.check_hostname = False
            async with wallet_at(endpoint, context) as wallet:
                assert await wallet.ask("server.ping") is None

    asyncio.run(run())
    made = certificate.read_bytes()
    assert (tmp_path / "electrum-key.pem").stat().st_mode & 0o077 == 0
    asyncio.run(run())
    assert certificate.read_bytes() == made
