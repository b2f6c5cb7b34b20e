"""What people hold and how they pay: coins, change, stamps."""

from __future__ import annotations

import pytest

from axon.primitives.hashes import Txid
from axon.primitives.transaction import COIN, TxOut, outpoint
from axon.swarm.people import STAMP_SAT, Broke, StampBox, View, in_coins, payment
from axon.swarm.purse import Purse, Spendable

ALICE, BOB = Purse("Alice"), Purse("Bob")


def coin(number: int, amount: int) -> Spendable:
    return Spendable(outpoint(Txid(bytes([number]) * 32), 0), amount * COIN)


def stamps(count: int = 5) -> StampBox:
    box = StampBox()
    box.cut(coin(9, 50), count)
    return box


def test_amounts_are_written_as_people_do() -> None:
    assert in_coins(30 * COIN) == "30"
    assert in_coins(STAMP_SAT) == "0.0001"
    assert in_coins(0) == "0"
    assert in_coins(12 * COIN + COIN // 2) == "12.5"


def test_cutting_stamps_costs_one_stamp() -> None:
    box = StampBox()
    cut = box.cut(coin(9, 50), 40)
    assert [item.amount_sat for item in cut.outputs[:40]] == [STAMP_SAT] * 40
    assert sum(item.amount_sat for item in cut.outputs) == 50 * COIN - STAMP_SAT
    assert box.left == 40


def test_a_payment_gives_change_and_its_fee_is_a_stamp() -> None:
    view = View({ALICE.script: (coin(1, 30), coin(2, 20))}, ())
    paid = payment(view, ALICE, BOB, 40, stamps())
    assert paid.outputs == (TxOut(40 * COIN, BOB.script), TxOut(10 * COIN, ALICE.script))
    assert len(paid.inputs) == 3  # Two coins of hers and the stamp.


def test_a_coin_that_fits_leaves_no_change() -> None:
    view = View({ALICE.script: (coin(1, 30),)}, ())
    assert payment(view, ALICE, BOB, 30, stamps()).outputs == (TxOut(30 * COIN, BOB.script),)


def test_what_waits_counts_in_the_total_and_not_in_the_ledger() -> None:
    held = {ALICE.script: (coin(1, 50),)}
    waiting = payment(View(held, ()), ALICE, BOB, 20, stamps())
    view = View(held, (waiting,))
    assert (view.ledger_sat(ALICE), view.total_sat(ALICE)) == (50 * COIN, 30 * COIN)
    assert (view.ledger_sat(BOB), view.total_sat(BOB)) == (0, 20 * COIN)


def test_nobody_pays_what_he_does_not_hold() -> None:
    view = View({ALICE.script: (coin(1, 30),)}, ())
    with pytest.raises(Broke, match="Alice wants to pay 31 and holds 30"):
        payment(view, ALICE, BOB, 31, stamps())


def test_a_stamp_is_used_once() -> None:
    box = stamps(1)
    view = View({ALICE.script: (coin(1, 30),)}, ())
    payment(view, ALICE, BOB, 1, box)
    with pytest.raises(Broke, match="stamp box is empty"):
        payment(view, ALICE, BOB, 1, box)
