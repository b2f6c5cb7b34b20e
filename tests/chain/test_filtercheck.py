"""Which of two filters is a block's, as far as the block can tell."""

from __future__ import annotations

import pytest

from axon.chain.coins import Coin
from axon.chain.filtercheck import FilterDoubt, doubt
from axon.chain.filters import basic_filter, filter_elements
from axon.primitives.block import Block
from axon.primitives.hashes import hash160
from axon.primitives.network import REGTEST
from axon.primitives.script import push
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from tests.chain.chains import PAYEE, block_on, coinbase, made_up_txid


def block_and_elements() -> tuple[Block, list[bytes]]:
    """A block that pays one script and spends a coin of another, whose key its input shows."""
    block = _spending(b"", (SIGNATURE, KEY), PAYEE)
    return block, filter_elements(block, [[], [Coin(1, False, 2, REDEEM)]])


def test_nothing_speaks_against_the_filter_itself() -> None:
    block, elements = block_and_elements()
    found = doubt(basic_filter(block.hash, elements), block)
    assert found == FilterDoubt(0, 0)
    assert not found.is_lie


def test_a_filter_that_hides_what_is_paid_is_a_lie() -> None:
    block, elements = block_and_elements()
    hiding = [item for item in elements if item != PAYEE]
    found = doubt(basic_filter(block.hash, hiding), block)
    assert found == FilterDoubt(1, 0)
    assert found.is_lie


def test_a_filter_that_hides_what_is_spent_is_doubted() -> None:
    block, elements = block_and_elements()
    hiding = [item for item in elements if item != REDEEM]
    found = doubt(basic_filter(block.hash, hiding), block)
    assert found == FilterDoubt(0, 1)
    assert not found.is_lie
    assert found > doubt(basic_filter(block.hash, elements), block)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x05\x00", b"\xff" * 20])
def test_what_is_no_filter_is_a_lie(data: bytes) -> None:
    block, _ = block_and_elements()
    found = doubt(data, block)
    assert found.is_lie
    nothing = basic_filter(block.hash, [])
    assert found > doubt(nothing, block) or data == nothing, "worse than to tell of nothing"


def test_a_filter_may_hold_more() -> None:
    block, elements = block_and_elements()
    assert doubt(basic_filter(block.hash, [*elements, b"more", b"and more"]), block) == FilterDoubt(
        0, 0
    )


KEY = b"\x02" + bytes(range(32))
LONG_KEY = b"\x04" + bytes(range(64))
SIGNATURE = b"\x30" + bytes(70)
REDEEM = b"\x00\x14" + hash160(KEY)
P2PKH = b"\x76\xa9\x14" + hash160(KEY) + b"\x88\xac"


@pytest.mark.parametrize(
    ("script_sig", "witness", "unlocked"),
    [
        (b"", (SIGNATURE, KEY), b"\x00\x14" + hash160(KEY)),
        (push(SIGNATURE) + push(KEY), (), P2PKH),
        (
            push(SIGNATURE) + push(LONG_KEY),
            (),
            b"\x76\xa9\x14" + hash160(LONG_KEY) + b"\x88\xac",
        ),
        (push(REDEEM), (SIGNATURE, KEY), b"\xa9\x14" + hash160(REDEEM) + b"\x87"),
        (push(REDEEM), (SIGNATURE,), b"\xa9\x14" + hash160(REDEEM) + b"\x87"),
    ],
    ids=["witness key hash", "key hash", "long key hash", "script hash", "script hash of any"],
)
def test_what_an_input_unlocks(
    script_sig: bytes, witness: tuple[bytes, ...], unlocked: bytes
) -> None:
    block = _spending(script_sig, witness)
    assert doubt(basic_filter(block.hash, [b"\x51"]), block) == FilterDoubt(0, 1)
    assert doubt(basic_filter(block.hash, [b"\x51", unlocked]), block) == FilterDoubt(0, 0)


@pytest.mark.parametrize(
    ("script_sig", "witness"),
    [
        (b"", ()),
        (b"", (SIGNATURE,)),
        (b"", (SIGNATURE, b"\x04" + KEY[1:])),
        (b"", (SIGNATURE, KEY + b"\x00")),
        (b"", (b"", SIGNATURE, KEY)),
        (push(SIGNATURE), ()),
        (push(SIGNATURE) + push(KEY[:-1]), ()),
        (push(SIGNATURE) + push(b"\x05" + KEY[1:]), ()),
        (push(SIGNATURE) + b"\xac", ()),
    ],
    ids=range(9),
)
def test_an_input_that_does_not_tell_is_not_held_against_a_filter(
    script_sig: bytes, witness: tuple[bytes, ...]
) -> None:
    block = _spending(script_sig, witness)
    assert doubt(basic_filter(block.hash, [b"\x51"]), block) == FilterDoubt(0, 0)


def _spending(script_sig: bytes, witness: tuple[bytes, ...], script: bytes = b"\x51") -> Block:
    point = outpoint(made_up_txid(1), 0)
    spend = Transaction.build(2, [TxIn(point, script_sig, 0, witness)], [TxOut(1, script)])
    return block_on(REGTEST.genesis.hash, coinbase(1, TxOut(1, b"\x51")), spend)
