"""The indexes of axon and of Bitcoin Core over the same blocks, compared value by value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import BitcoindProcess
from tests.process.blocks import block_on_tip

pytestmark = [pytest.mark.interop, pytest.mark.process]

INDEXES = ("-txindex", "-txospenderindex", "-coinstatsindex")
NAMES = ("txindex", "coinstatsindex", "txospenderindex")
ALICE = Signer("Alice")
BOB = Signer("Bob")
FEE_SAT = 1_000
LOST_SAT = 12_345
UNKNOWN = "ab" * 32


class IndexingBitcoind(BitcoindProcess):
    """Bitcoin Core with its indexes."""

    def _command(self) -> list[str]:
        return [*super()._command(), *INDEXES]


class Pair:
    """Both, with the same blocks; neither knows of the other."""

    def __init__(self, axon: NodeProcess, core: BitcoindProcess) -> None:
        self.axon, self.core = axon, core
        self.blocks: list[Block] = []

    def give(self, *blocks: Block) -> None:
        """Both are given blocks."""
        for block in blocks:
            self.blocks.append(block)
            for rpc in (self.axon.rpc, self.core.rpc):
                assert rpc("submitblock", block.raw.hex()) in (None, "inconclusive")

    def mine(self, count: int, payee: Signer) -> None:
        """Axon mines, and Core is given the blocks."""
        for block_hash in self.axon.rpc("generatetoaddress", count, payee.address()):
            raw = self.axon.rpc("getblock", block_hash, 0)
            self.core.rpc("submitblock", raw)
            self.blocks.append(Block.decode(bytes.fromhex(raw)))

    def both(self, name: str, *args: object) -> Any:
        """What both answer to a call, or with what both refuse it."""
        ours, theirs = [_answer(rpc, name, *args) for rpc in (self.axon.rpc, self.core.rpc)]
        assert ours == theirs, (name, args)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            assert list(ours) == list(theirs), (name, args)
        return ours

    def settle(self) -> None:
        """Wait until both have indexed all."""
        height = self.axon.rpc("getblockcount")

        def is_done() -> bool:
            told = [rpc("getindexinfo") for rpc in (self.axon.rpc, self.core.rpc)]
            return all(
                each[name] == {"synced": True, "best_block_height": height}
                for each in told
                for name in NAMES
            )

        wait_until(is_done, 30.0, "the indexes are there")


def _answer(rpc: Callable[..., Any], name: str, *args: object) -> object:
    try:
        return rpc(name, *args)
    except RpcError as error:
        return error.code, error.message


def _coin(block: Block) -> Spendable:
    first = block.transactions[0]
    return Spendable(outpoint(first.txid, 0), first.outputs[0].amount_sat)


def _busy_block(pair: Pair, first: Block, second: Block) -> Block:
    """Spends within a block, an output that nobody can spend, a reward that is not all claimed."""
    coin, other = _coin(first), _coin(second)
    half = (coin.amount_sat - FEE_SAT) // 2
    split = ALICE.pay([coin], [TxOut(half, ALICE.script), TxOut(half, BOB.script)])
    inner = Spendable(outpoint(split.txid, 0), half)
    burnt = TxOut(7_777, b"\x6a\x04dust")
    joined = ALICE.pay([inner, other], [TxOut(half + other.amount_sat - 10_000, BOB.script), burnt])
    reward = pair.axon.rpc("getblocktemplate", {"rules": ["segwit"]})["coinbasevalue"]
    return block_on_tip(pair.axon, reward - LOST_SAT, split, joined)


@pytest.fixture(scope="module", name="pair")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    BitcoindProcess.require()
    folder = tmp_path_factory.mktemp("indexes")
    options = ("-connect=0", *INDEXES)
    with (
        IndexingBitcoind(folder / "core") as core,
        NodeProcess("axon", folder / "axon", options=options).start() as axon,
    ):
        pair = Pair(axon, core)
        pair.mine(105, ALICE)
        pair.give(_busy_block(pair, pair.blocks[0], pair.blocks[1]))
        pair.mine(2, BOB)
        # A branch that wins: its first block spends what the busy one spent.
        for rpc in (axon.rpc, core.rpc):
            rpc("invalidateblock", to_hex(pair.blocks[105].hash))
        pair.give(_busy_block(pair, pair.blocks[2], pair.blocks[0]))
        pair.mine(3, Signer("Carol"))
        pair.settle()
        yield pair


@pytest.mark.parametrize("kind", ["muhash", "none"])
def test_the_coins_in_sum_at_each_height_and_of_lost_blocks(pair: Pair, kind: str) -> None:
    for height in range(pair.axon.rpc("getblockcount") + 1):
        pair.both("gettxoutsetinfo", kind, height)
    for block in pair.blocks:
        pair.both("gettxoutsetinfo", kind, to_hex(block.hash))
    told = pair.both("gettxoutsetinfo", kind, to_hex(pair.blocks[105].hash))
    assert told["block_info"]["unspendables"]["scripts"] > 0
    assert told["block_info"]["unspendables"]["unclaimed_rewards"] > 0


def test_the_coins_in_sum_now(pair: Pair) -> None:
    pair.both("gettxoutsetinfo", "muhash")
    pair.both("gettxoutsetinfo", "none")
    for kind in ("hash_serialized_3", "muhash", "none"):
        for index in (True, False) if kind == "hash_serialized_3" else (False,):
            ours, theirs = [
                rpc("gettxoutsetinfo", kind, None, index) for rpc in (pair.axon.rpc, pair.core.rpc)
            ]
            assert list(ours) == list(theirs)
            del ours["disk_size"], theirs["disk_size"]
            assert ours == theirs


def test_transactions_of_blocks(pair: Pair) -> None:
    for block in [*pair.blocks[:3], *pair.blocks[100:]]:
        for transaction in block.transactions:
            txid = to_hex(transaction.txid)
            for level in (0, 1, 2, False, True):
                pair.both("getrawtransaction", txid, level)
            pair.both("getrawtransaction", txid, 2, to_hex(block.hash))
            pair.both("getrawtransaction", txid, 1, to_hex(pair.blocks[0].hash))


def test_spenders_in_blocks_and_in_the_pool(pair: Pair) -> None:
    outputs = [
        {"txid": to_hex(transaction.txid), "vout": index}
        for block in [*pair.blocks[:4], *pair.blocks[100:]]
        for transaction in block.transactions
        for index in range(len(transaction.outputs))
    ]
    coin = _coin(pair.blocks[4])
    waiting = ALICE.pay([coin], [TxOut(coin.amount_sat - FEE_SAT, BOB.script)])
    for rpc in (pair.axon.rpc, pair.core.rpc):
        rpc("sendrawtransaction", waiting.raw.hex())
    outputs.append({"txid": to_hex(pair.blocks[4].transactions[0].txid), "vout": 0})
    for options in ({}, {"mempool_only": True}, {"mempool_only": False}):
        for whole in (False, True):
            told = pair.both(
                "gettxspendingprevout", outputs, {**options, "return_spending_tx": whole}
            )
            assert any("spendingtxid" in each for each in told)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("gettxoutsetinfo", ["x"]),
        ("gettxoutsetinfo", ["hash_serialized_3", 5]),
        ("gettxoutsetinfo", ["muhash", 5, False]),
        ("gettxoutsetinfo", ["muhash", -1]),
        ("gettxoutsetinfo", ["muhash", 5_000]),
        ("gettxoutsetinfo", ["muhash", UNKNOWN]),
        ("gettxoutsetinfo", ["muhash", "ab"]),
        ("getrawtransaction", [UNKNOWN]),
        ("getrawtransaction", [UNKNOWN, 1, UNKNOWN]),
        ("getindexinfo", ["txindex"]),
        ("getindexinfo", ["coinstatsindex"]),
        ("getindexinfo", ["txospenderindex"]),
        ("getindexinfo", ["foo"]),
        ("gettxspendingprevout", [[{"txid": UNKNOWN, "vout": 0}]]),
        ("gettxspendingprevout", [[{"vout": 0, "txid": UNKNOWN.upper()}]]),
        ("gettxspendingprevout", [[{"txid": UNKNOWN, "vout": 0}], {"mempool_only": 1}]),
        ("gettxspendingprevout", [[{"txid": UNKNOWN, "vout": 0}], {"foo": True}]),
    ],
)
def test_answers_and_refusals(pair: Pair, name: str, args: list[object]) -> None:
    pair.both(name, *args)


def test_without_indexes_both_refuse_alike(tmp_path_factory: pytest.TempPathFactory) -> None:
    BitcoindProcess.require()
    folder = tmp_path_factory.mktemp("bare")
    with (
        BitcoindProcess(folder / "core") as core,
        NodeProcess("axon", folder / "axon", options=("-connect=0",)).start() as axon,
    ):
        pair = Pair(axon, core)
        pair.mine(2, ALICE)
        first: Transaction = pair.blocks[0].transactions[0]
        point = {"txid": to_hex(first.txid), "vout": 0}
        pair.both("getrawtransaction", point["txid"])
        pair.both("gettxspendingprevout", [point])
        pair.both("gettxspendingprevout", [point], {"mempool_only": False})
        pair.both("gettxoutsetinfo", "muhash", 1)
        for kind in ("hash_serialized_3", "muhash", "none"):
            told = [rpc("gettxoutsetinfo", kind) for rpc in (axon.rpc, core.rpc)]
            for each in told:
                del each["disk_size"]
            assert told[0] == told[1]
