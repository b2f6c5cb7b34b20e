"""A chain judged anew: good ones add up to the satoshi, bad ones are named."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.script import OP_RETURN
from axon.primitives.transaction import COIN, TxOut
from axon.swarm.lab.chaincheck import check_chain
from tests.consensus.chains import (
    ANYONE,
    GENESIS_SPOT,
    block_on,
    chain_on,
    coinbase,
    committed,
    spend,
    spot_of,
)

NOW = 2_000_000_000 * 1_000_000


def raws(blocks: list[Block]) -> list[bytes]:
    return [block.raw for block in blocks]


def test_a_young_chain_adds_up() -> None:
    blocks = chain_on(GENESIS_SPOT, 5)
    found = check_chain(raws(blocks), NOW)
    assert (found.height, found.tip_hex, found.fault) == (5, to_hex(blocks[-1].hash), "")
    assert found.allowed_sat == found.coins_sat == 5 * 50 * COIN
    assert (found.unclaimed_sat, found.coins) == (0, 5)


@settings(max_examples=10)
@given(
    fee_sat=st.integers(1, COIN),
    claimed=st.booleans(),
    burnt_sat=st.integers(0, COIN),
    outputs=st.integers(1, 4),
)
def test_fees_left_and_coins_burnt_are_counted(
    fee_sat: int, claimed: bool, burnt_sat: int, outputs: int
) -> None:
    blocks = chain_on(GENESIS_SPOT, COINBASE_MATURITY)
    spot = spot_of(blocks[-1], len(blocks))
    payment = spend([(blocks[0].transactions[0], 0)], fee_sat, outputs)
    kept_sat = 50 * COIN - burnt_sat + fee_sat * claimed
    paid = [TxOut(kept_sat, ANYONE), TxOut(burnt_sat, bytes((OP_RETURN,)))]
    base = committed(coinbase(spot.height + 1, outputs=paid), [payment])
    last = block_on(spot, [payment], base=base)
    found = check_chain(raws([*blocks, last]), NOW)
    assert found.fault == ""
    assert found.coins_sat + found.unclaimed_sat == found.allowed_sat == 101 * 50 * COIN
    assert found.unclaimed_sat == burnt_sat + fee_sat * (not claimed)
    assert found.coins == 100 + outputs


def test_who_takes_too_much_is_found() -> None:
    blocks = chain_on(GENESIS_SPOT, 2)
    spot = spot_of(blocks[-1], 2)
    greedy = block_on(spot, base=coinbase(3, outputs=[TxOut(500 * COIN, ANYONE)]))
    found = check_chain(raws([*blocks, greedy]), NOW)
    assert found.fault.startswith("height 3: bad-cb-amount")
    assert found.height == 2


def test_a_hole_is_found() -> None:
    blocks = chain_on(GENESIS_SPOT, 3)
    assert check_chain(raws([blocks[0], blocks[2]]), NOW).fault.startswith("height 2")
    assert check_chain(raws([blocks[0], blocks[0]]), NOW).fault == (
        "height 2: it does not follow the block before"
    )


def test_what_is_no_block_is_found() -> None:
    assert check_chain([b"\x00" * 90], NOW).fault.startswith("height 1")
