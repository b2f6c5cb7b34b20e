"""What a draft says of itself, and which fees nobody means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.primitives.transaction import COIN
from axon.wallet.draft import (
    HIGH_FEE_PART,
    HIGH_FEERATE_SAT_KVB,
    MAX_FEE_SAT,
    MAX_FEERATE_SAT_KVB,
    Draft,
    Recipient,
    check_fee,
)
from axon.wallet.errors import BadFee
from axon.wallet.payment import Payee, draft
from tests.wallet.scene import BOB, Scene


def made(fee_sat: int, vsize: int, amount_sat: int) -> Draft:
    """A draft with these figures, whatever its PSBT does."""
    scene = Scene()
    scene.receive(COIN)
    base = draft(scene.wallet, [Payee(BOB.address(), 10_000)], feerate_sat_kvb=1_000)
    paid = Recipient(BOB.script, BOB.address(), amount_sat, ours=False)
    return replace(base, recipients=(paid,), fee_sat=fee_sat, vsize=vsize)


def test_the_bounds_are_those_of_bitcoin_core() -> None:
    assert (MAX_FEE_SAT, MAX_FEERATE_SAT_KVB) == (10_000_000, 10_000_000)
    assert (HIGH_FEERATE_SAT_KVB, HIGH_FEE_PART) == (100_000, 10)


def test_a_tenth_of_a_bitcoin_is_the_highest_fee() -> None:
    # At a rate below all bounds, so that the fee alone is too much.
    check_fee(made(MAX_FEE_SAT, 200_000, 50 * COIN))
    with pytest.raises(BadFee, match="more than any payment needs"):
        check_fee(made(MAX_FEE_SAT + 1, 200_000, 50 * COIN))


def test_ten_thousand_satoshi_for_a_byte_is_the_highest_feerate() -> None:
    check_fee(made(1_000_000, 100, COIN))
    with pytest.raises(BadFee, match="more than any payment needs"):
        check_fee(made(1_000_100, 100, COIN))


def test_a_high_feerate_may_take_a_tenth_of_the_amount() -> None:
    check_fee(made(20_000, 199, 200_000))
    with pytest.raises(BadFee, match="to pay 199999 sat is more than a tenth"):
        check_fee(made(20_000, 199, 199_999))
    check_fee(made(20_000, 200, 199_999))


def test_a_draft_adds_up_what_it_pays() -> None:
    it = made(1_999, 1_000, 7)
    two = replace(it, recipients=it.recipients * 2)
    assert (two.amount_sat, two.feerate_sat_kvb) == (14, 1_999)
