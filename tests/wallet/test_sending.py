"""Payments that are written down and replaced: whatever feerate, what is drafted can be sent."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from axon.primitives.transaction import COIN, Transaction
from axon.wallet.draft import Draft
from axon.wallet.errors import (
    BadFee,
    BadPsbt,
    CoinUnavailable,
    InsufficientFunds,
    UnknownTransaction,
)
from axon.wallet.payment import (
    ALL,
    MIN_FEERATE_SAT_KVB,
    Payee,
    draft,
    record_payment,
    replacement_fee_sat,
)
from axon.wallet.signing import sign_fully
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, PASSPHRASE, Scene, paying

NAMED = re.compile(r"at least (\d+\.\d) sat/vB")
COIN_SAT = 20_000


def signed(wallet: Wallet, made: Draft) -> Transaction:
    return sign_fully(wallet, made.psbt, PASSPHRASE, allow_high_fee=True)


def send(scene: Scene, made: Draft) -> Transaction:
    return record_payment(scene.wallet, signed(scene.wallet, made), scene.now_s)


def to_bob(amount_sat: int) -> list[Payee]:
    return [Payee(BOB.address(), amount_sat)]


def rich(coins: int) -> Scene:
    scene = Scene()
    for name in range(coins):
        scene.receive(COIN_SAT, name)
    return scene


@given(rate=st.integers(MIN_FEERATE_SAT_KVB, 1_000_000), coins=st.integers(1, 3))
@example(rate=MIN_FEERATE_SAT_KVB, coins=3)
@settings(max_examples=40)
def test_any_feerate_that_nodes_relay_is_drafted_and_met(rate: int, coins: int) -> None:
    scene = Scene()
    for name in range(coins):
        scene.receive(COIN, name)
    made = draft(
        scene.wallet, [Payee(BOB.address(), ALL)], feerate_sat_kvb=rate, allow_high_fee=True
    )
    payment = send(scene, made)
    assert rate * payment.weight_wu <= made.fee_sat * 4_000
    # Rounded up to BDK's unit, then for each input and output.
    assert made.fee_sat <= (rate + 4) * made.vsize // 1_000 + coins + 3


def test_a_replacement_pays_for_what_it_replaces_and_for_its_own_relay() -> None:
    assert replacement_fee_sat([], 0) == 0
    assert replacement_fee_sat([500], 141) == 641
    assert replacement_fee_sat([500, 300], 200) == 1_000


def rival(scene: Scene, made: Draft, fee_sat: int) -> Transaction:
    """Another payment with the same coin."""
    points = [item.outpoint for item in made.inputs]
    other = draft(scene.wallet, to_bob(COIN // 4), fee_sat=fee_sat, coins=points)
    return signed(scene.wallet, other)


def test_a_stale_draft_is_refused_until_it_pays_enough() -> None:
    scene = Scene()
    scene.receive(COIN)
    made = draft(scene.wallet, to_bob(COIN // 2), fee_sat=1_000)
    little = rival(scene, made, 1_000)
    enough = rival(scene, made, 1_000 + little.vsize)
    almost = rival(scene, made, 1_000 + little.vsize - 1)
    first = send(scene, made)
    for short in (little, almost):
        with pytest.raises(BadFee, match=f"promised to {first.txid[::-1].hex()}.*or pay"):
            record_payment(scene.wallet, short, scene.now_s)
        assert scene.wallet.unconfirmed_own() == [first]
    record_payment(scene.wallet, enough, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [enough]
    assert record_payment(scene.wallet, enough, scene.now_s) is enough


def test_a_draft_whose_coin_is_spent_in_a_block_is_refused() -> None:
    scene = Scene()
    scene.receive(COIN)
    made = draft(scene.wallet, to_bob(COIN // 2), fee_sat=1_000)
    other = rival(scene, made, 90_000)
    scene.mine(send(scene, made))
    with pytest.raises(CoinUnavailable, match="which is in a block"):
        record_payment(scene.wallet, other, scene.now_s)
    assert scene.wallet.unconfirmed_own() == []


def test_a_payment_of_others_is_not_recorded() -> None:
    scene = Scene()
    with pytest.raises(UnknownTransaction):
        record_payment(scene.wallet, paying(scene.script(), COIN), scene.now_s)
    assert scene.wallet.history() == []


def test_a_psbt_is_signed_in_full_or_refused() -> None:
    scene = Scene()
    scene.receive(COIN)
    made = draft(scene.wallet, to_bob(COIN // 2), fee_sat=1_000)
    with pytest.raises(BadPsbt):
        sign_fully(scene.wallet, made.psbt, None)
    payment = sign_fully(scene.wallet, made.psbt, PASSPHRASE)
    assert payment.txid == made.psbt.transaction.txid
    assert payment.has_witness


def test_chosen_coins_are_spent_and_no_other_even_if_they_do_not_do() -> None:
    scene = Scene()
    chosen, _ = scene.receive(COIN, 1), scene.receive(COIN, 2)
    with pytest.raises(InsufficientFunds):
        draft(scene.wallet, to_bob(COIN + COIN // 2), fee_sat=1_000, coins=[chosen])


def test_what_was_replaced_before_is_not_paid_for_again() -> None:
    scene = Scene()
    scene.receive(COIN)
    made = draft(scene.wallet, to_bob(COIN // 2), fee_sat=50_000)
    second = rival(scene, made, 60_000)
    third = rival(scene, made, 70_000)
    send(scene, made)
    for replacement in (second, third):
        record_payment(scene.wallet, replacement, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [third]
