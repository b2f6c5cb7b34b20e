"""What a full node states for subscribers, in the order of Bitcoin Core's signals."""

from __future__ import annotations

from dataclasses import replace

from axon.machine import HOUR, Report
from axon.node.commands import SendTransaction, SubmitBlock, SubmitHeader
from axon.node.notifications import BlockNotification, PoolNotification, TipNotification
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut
from tests.node.rig import ALICE, BLOCKS, BOB, NOW, Rig, coins_of, listening, next_block

NOTIFYING = replace(listening(), notifies=True)


def told(rig: Rig) -> list[str]:
    """What was stated since the last time: `+` and `-` for blocks, `A` and `R` for the pool."""
    names: list[str] = []
    for effect in rig.effects:
        if not isinstance(effect, Report):
            continue
        match effect.fact:
            case BlockNotification(block_hash, block, joined):
                assert block.hash == block_hash
                names.append(f"{'+' if joined else '-'}{block_hash.hex()[:8]}")
            case TipNotification(block_hash, block):
                assert block.hash == block_hash
                names.append(f"tip {block_hash.hex()[:8]}")
            case PoolNotification(move):
                label = "A" if move.entered else "R"
                names.append(f"{label}{move.transaction.txid.hex()[:8]}")
    rig.clear()
    return names


def short(thing: Block | Transaction) -> str:
    name: bytes = thing.hash if isinstance(thing, Block) else thing.txid
    return name.hex()[:8]


def notifying() -> Rig:
    rig = Rig(settings=NOTIFYING)
    rig.clear()
    return rig


def give(rig: Rig, block: Block) -> None:
    rig.command(SubmitBlock(block))


def test_there_are_none_unless_asked_for() -> None:
    rig = Rig()
    give(rig, next_block(rig))
    assert told(rig) == []


def test_transactions_and_a_block() -> None:
    rig = notifying()
    coin = coins_of(rig, ALICE)[0]
    first = ALICE.pay([coin], [TxOut(coin.amount_sat - 1_000, BOB.script)])
    better = ALICE.pay([coin], [TxOut(coin.amount_sat - 9_000, BOB.script)])
    rig.command(SendTransaction(first))
    assert told(rig) == [f"A{short(first)}"]
    rig.command(SendTransaction(better))
    assert told(rig) == [f"R{short(first)}", f"A{short(better)}"]
    rival = ALICE.pay([coin], [TxOut(coin.amount_sat - 2_000, BOB.script)])
    block = next_block(rig, [rival])
    give(rig, block)
    assert told(rig) == [f"R{short(better)}", f"+{short(block)}", f"tip {short(block)}"]


def test_a_reorganisation() -> None:
    rig = notifying()
    fork = rig.node.active.tip
    coin = coins_of(rig, ALICE)[0]
    payment = ALICE.pay([coin], [TxOut(coin.amount_sat - 1_000, BOB.script)])
    lost = next_block(rig, [payment])
    give(rig, lost)
    told(rig)
    first = next_block(rig, parent=fork, extra_nonce=b"x")
    give(rig, first)
    assert told(rig) == [], "a branch that is no better"
    entry = rig.node.headers.get(first.hash)
    assert entry is not None
    second = next_block(rig, parent=entry)
    give(rig, second)
    assert told(rig) == [
        f"-{short(lost)}",
        f"A{short(payment)}",
        f"+{short(first)}",
        f"+{short(second)}",
        f"tip {short(second)}",
    ], "no tip before the branch has more work"


def test_blocks_that_connect_together_are_a_tip_each() -> None:
    rig = notifying()
    first = next_block(rig)
    rig.command(SubmitHeader(first.header))
    second = next_block(rig, parent=rig.node.headers.get(first.hash))
    give(rig, second)
    assert told(rig) == []
    give(rig, first)
    assert told(rig) == [
        f"+{short(first)}",
        f"tip {short(first)}",
        f"+{short(second)}",
        f"tip {short(second)}",
    ]


def test_the_pool_follows_each_of_them_before_the_next() -> None:
    rig = notifying()
    coins = coins_of(rig, ALICE)[:2]
    waiting = [ALICE.pay([coin], [TxOut(coin.amount_sat - 1_000, BOB.script)]) for coin in coins]
    rivals = [ALICE.pay([coin], [TxOut(coin.amount_sat - 2_000, BOB.script)]) for coin in coins]
    for transaction in waiting:
        rig.command(SendTransaction(transaction))
    told(rig)
    first = next_block(rig, rivals[:1])
    rig.command(SubmitHeader(first.header))
    second = next_block(rig, rivals[1:], parent=rig.node.headers.get(first.hash))
    give(rig, second)
    give(rig, first)
    expected: list[str] = []
    for transaction, block in zip(waiting, (first, second), strict=True):
        expected += (f"R{short(transaction)}", f"+{short(block)}", f"tip {short(block)}")
    assert told(rig) == expected


def test_a_chain_begins_with_a_block() -> None:
    assert told(Rig(blocks=(), settings=NOTIFYING)) == [f"+{short(REGTEST.genesis)}"]
    assert told(Rig(settings=NOTIFYING)) == []


def test_the_first_sync_has_blocks_but_no_tips() -> None:
    rig = Rig(blocks=BLOCKS[:1], settings=NOTIFYING, now=NOW + 48 * HOUR)
    rig.clear()
    for raw in BLOCKS[1:3]:
        give(rig, Block.decode(raw))
    assert [each[0] for each in told(rig)] == ["+", "+"]
