"""What recent blocks charged, and what that means for a payment."""

from __future__ import annotations

import pytest

from axon.chain.blockfees import MIN_FEERATE_SAT_KVB, feerate_for, feerate_of_block
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import MAINNET
from axon.primitives.transaction import TxOut, outpoint
from tests.chain.chains import block_on, coinbase, made_up_txid, paying_block, spending
from tests.data import mainnet_data

SUBSIDY_SAT = 5_000_000_000


def test_a_block_with_room_left_asks_for_the_least() -> None:
    block = paying_block(fee_sat=1_000_000)
    assert feerate_of_block(block, SUBSIDY_SAT) == MIN_FEERATE_SAT_KVB


def test_a_real_full_block() -> None:
    block = Block.decode((mainnet_data() / "blocks" / "830000.bin").read_bytes())
    found = feerate_of_block(block, MAINNET.subsidy_sat(830_000))
    taken_sat = sum(output.amount_sat for output in block.transactions[0].outputs)
    fees_sat = taken_sat - 625_000_000
    vsize = sum((item.weight_wu + 3) // 4 for item in block.transactions[1:])
    assert found == fees_sat * 1_000 // vsize
    assert 10_000 < found < 200_000


@pytest.mark.parametrize(
    ("target", "expected"), [(1, 9_000), (2, 9_000), (3, 4_000), (24, 4_000), (25, 2_000)]
)
def test_who_can_wait_pays_less(target: int, expected: int) -> None:
    assert feerate_for(target, [9_000, 2_000, 4_000], 0) == expected


def test_never_less_than_peers_ask_for() -> None:
    assert feerate_for(100, [2_000], 3_000) == 3_000
    assert feerate_for(1, [], 0) == MIN_FEERATE_SAT_KVB


def test_a_block_is_full_from_half_a_million_vbytes_on() -> None:
    fee_sat = 7_000_000
    for vsize, expected in ((499_999, MIN_FEERATE_SAT_KVB), (500_000, fee_sat * 1_000 // 500_000)):
        bare = spending([outpoint(made_up_txid(1), 0)], [TxOut(1, bytes(400_000))])
        padded = spending(
            [outpoint(made_up_txid(1), 0)], [TxOut(1, bytes(400_000 + vsize - bare.vsize))]
        )
        assert padded.vsize == vsize
        block = block_on(
            BlockHash(bytes(32)), coinbase(1, TxOut(SUBSIDY_SAT + fee_sat, b"")), padded
        )
        assert feerate_of_block(block, SUBSIDY_SAT) == expected
