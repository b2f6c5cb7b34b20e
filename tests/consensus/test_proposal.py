"""Blocks proposed before their work is done: the rules without work, with coins handed in."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.chain.coins import Coin
from axon.chain.headerentry import HeaderEntry
from axon.chain.headertree import HeaderTree
from axon.consensus.proposal import check_spending, check_unproved, outpoints_to_find
from axon.primitives.block import Block
from axon.primitives.hashes import sha256
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Rejected
from tests.consensus.chains import (
    ANYONE,
    GENESIS_SPOT,
    START_TIME,
    block_on,
    chain_on,
    coinbase,
    spend,
    spot_of,
)

BASE = chain_on(GENESIS_SPOT, 110)
TIP = spot_of(BASE[-1], 110)
NOW = (START_TIME + 3_600) * 1_000_000
MATURE = BASE[0].transactions[0]


@pytest.fixture(scope="module")
def parent() -> HeaderEntry:
    tree = HeaderTree(REGTEST)
    tree.add_chain([block.header for block in BASE], NOW)
    assert tree.best.height == TIP.height
    return tree.best


def unproved(block: Block, **changes: int | bytes) -> Block:
    """The same without work, and with some fields of its header changed."""
    old = block.header
    fields = {"version": old.version, "time": old.time, "bits": old.bits} | changes
    header = Header.build(
        int(fields["version"]),
        old.prev,
        bytes(changes.get("root", old.merkle_root)),
        int(fields["time"]),
        int(fields["bits"]),
        2**32 - 1,
    )
    return Block.build(header, block.transactions)


def coins_of(*made: tuple[Transaction, int]) -> dict[OutPoint, Coin]:
    return {
        outpoint(item.txid, 0): Coin(height, True, item.outputs[0].amount_sat, ANYONE)
        for item, height in made
    }


def reason(parent: HeaderEntry, block: Block) -> str | None:
    rejected = check_unproved(block, parent, REGTEST, NOW)
    return None if rejected is None else rejected.reason


def test_what_is_wrong_before_coins_are_looked_at(parent: HeaderEntry) -> None:
    good = block_on(TIP)
    assert reason(parent, unproved(good)) is None
    assert reason(parent, unproved(good, bits=0x1D00FFFF)) == "bad-diffbits"
    assert reason(parent, unproved(good, time=parent.median_time_past())) == "time-too-old"
    assert reason(parent, unproved(good, time=NOW // 1_000_000 + 7_201)) == "time-too-new"
    assert reason(parent, unproved(good, version=1)) == "bad-version(0x00000001)"
    assert reason(parent, unproved(good, root=bytes(32))) == "bad-txnmrklroot"
    early = block_on(TIP, base=coinbase(TIP.height))
    assert reason(parent, unproved(early)) == "bad-cb-height"
    other = block_on(spot_of(BASE[-2], 109), tag=7)
    assert reason(parent, other) == "inconclusive-not-best-prevblk"


def spending(parent: HeaderEntry, transactions: Sequence[Transaction], fees_sat: int) -> Block:
    return unproved(block_on(TIP, transactions, fees_sat=fees_sat))


def test_coins_and_scripts_of_a_proposal(parent: HeaderEntry) -> None:
    payment = spend([(MATURE, 0)], outputs=2)
    block = spending(parent, [payment], 1_000)
    points = outpoints_to_find(block)
    first = block.transactions[0]
    assert set(points) > {
        outpoint(MATURE.txid, 0),
        outpoint(payment.txid, 0),
        outpoint(payment.txid, 1),
        outpoint(first.txid, 0),
    }
    coins: dict[OutPoint, Coin | None] = dict.fromkeys(points)
    coins |= coins_of((MATURE, 1))
    spent = TxOut(MATURE.outputs[0].amount_sat, ANYONE)
    assert check_spending(block, parent, REGTEST, coins) == [(payment, (spent,))]
    greedy = spending(parent, [payment], 1_001)
    refused = check_spending(greedy, parent, REGTEST, coins)
    assert isinstance(refused, Rejected)
    assert refused.reason == "bad-cb-amount"
    coins[points[-1]] = coins[outpoint(MATURE.txid, 0)]  # An output is a coin already.
    refused = check_spending(block, parent, REGTEST, coins)
    assert isinstance(refused, Rejected)
    assert refused.reason == "bad-txns-BIP30"


@pytest.mark.parametrize(("height", "ok"), [(11, True), (12, False)])
def test_a_coinbase_is_spent_a_hundred_blocks_later(
    parent: HeaderEntry, height: int, ok: bool
) -> None:
    block = spending(parent, [spend([(MATURE, 0)])], 1_000)
    done = check_spending(block, parent, REGTEST, coins_of((MATURE, height)))
    assert isinstance(done, Rejected) is not ok
    if isinstance(done, Rejected):
        assert done.reason == "bad-txns-premature-spend-of-coinbase"


def test_signature_checks_are_counted(parent: HeaderEntry) -> None:
    multisig = b"\x51\x21" + b"\x02" * 33 + b"\x51\xae"  # 20 checks, four times.
    payment = spend([(MATURE, 0)])
    for count, expected in ((1_000, None), (1_001, "bad-blk-sigops")):
        bare = Transaction.build(
            2, payment.inputs, [*payment.outputs, *[TxOut(0, multisig)] * count]
        )
        assert reason(parent, spending(parent, [bare], 1_000)) == expected


def test_signature_checks_behind_hashes_are_counted(parent: HeaderEntry) -> None:
    checks = b"\x00\x63" + b"\xac" * 9_990 + b"\x68\x51"
    guard = b"\x00\x20" + sha256(checks)
    coin = Coin(1, False, 100_000, guard)
    points = [outpoint(MATURE.txid, index) for index in range(9)]
    inputs = [TxIn(point, witness=(checks,)) for point in points]
    for count, expected in ((8, None), (9, "bad-blk-sigops")):
        payment = Transaction.build(2, inputs[:count], [TxOut(1_000, guard)])
        block = spending(parent, [payment], count * 100_000 - 1_000)
        done = check_spending(block, parent, REGTEST, dict.fromkeys(points, coin))
        assert (done.reason if isinstance(done, Rejected) else None) == expected
