"""What a transaction looks like, whatever it spends."""

from __future__ import annotations

import pytest

from axon.mempool.policy import Policy
from axon.mempool.standard import check_transaction, dust_outputs
from axon.primitives.dust import dust_limit_sat
from axon.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut
from tests.mempool.scene import PAY


@pytest.mark.parametrize("size", [1, 22, 25, 34, 252, 253, 300, 10_000])
def test_dust_is_what_costs_more_to_spend_than_it_holds(size: int) -> None:
    # A script whose length takes three bytes has a higher limit than any usual one.
    policy, script = Policy(), b"\x51" * size
    limit_sat = dust_limit_sat(script, policy.dust_feerate_sat_kvb)
    outputs = [TxOut(amount_sat, script) for amount_sat in (limit_sat, limit_sat - 1, 0)]
    assert dust_outputs(Transaction.build(2, [TxIn(NULL_OUTPOINT)], outputs), policy) == [1, 2]


def test_dust_limit_of_a_witness_key_hash_is_that_of_bitcoin_core() -> None:
    assert dust_limit_sat(PAY, 3_000) == 294
    assert dust_limit_sat(b"\x76\xa9\x14" + bytes(20) + b"\x88\xac", 3_000) == 546
    assert dust_limit_sat(b"\x6a\x04data", 3_000) == 0


@pytest.mark.parametrize(
    ("size", "reason"), [(1, "bad-cb-length"), (2, ""), (100, ""), (101, "bad-cb-length")]
)
def test_script_of_a_coinbase_has_two_to_a_hundred_bytes(size: int, reason: str) -> None:
    coinbase = Transaction.build(1, [TxIn(NULL_OUTPOINT, bytes(size))], [TxOut(1, PAY)])
    refused = check_transaction(coinbase)
    assert (refused.reason if refused is not None else "") == reason
