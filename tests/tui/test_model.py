"""What a wallet answers, as values."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.transaction import MAX_MONEY_SAT
from axon.rpc.amounts import Amount, decode_json, encode_json
from axon.rpc.deliverytext import delivery_line
from axon.tui.asking import View, look
from axon.tui.model import (
    Output,
    ShownDelivery,
    ShownDraft,
    read_delivery,
    read_draft,
    read_sat,
)
from tests.tui.double import BOB, COIN, MINE, Double, txid


def seen(double: Double) -> View:
    return asyncio.run(look(double.ask))


@given(st.integers(-MAX_MONEY_SAT, MAX_MONEY_SAT))
def test_money_is_exact(sat: int) -> None:
    assert read_sat(decode_json(encode_json(Amount(sat)))) == sat


@pytest.mark.parametrize("wrong", [5, "0.5", 0.5, None])
def test_money_without_decimals_is_a_bug(wrong: object) -> None:
    with pytest.raises(AssertionError, match="no sum of money"):
        read_sat(wrong)


def test_a_look_reads_payments_sent_and_received() -> None:
    double = Double()
    double.add_payment(2, -COIN, "send")
    sent, received = seen(double).payments
    assert (sent.txid, sent.amount_sat, sent.fee_sat) == (txid(2), -COIN, 141)
    assert (sent.state, sent.height, sent.addresses) == ("unconfirmed", None, (BOB,))
    assert (received.fee_sat, received.height, received.confirmations) == (None, 110, 3)
    assert (received.label, received.addresses) == ("from Carol", (MINE,))


def test_two_looks_at_the_same_are_equal() -> None:
    double = Double()
    first = seen(double)
    assert seen(double) == first
    double.scanned -= 1
    assert seen(double) != first


def test_a_node_before_its_first_pong() -> None:
    double = Double(peers=1)
    (peer,) = seen(double).peers
    assert peer.ping_ms == pytest.approx(1.2)
    double.has_ponged = False
    (peer,) = seen(double).peers
    assert peer.ping_ms is None


def test_a_draft_and_its_total() -> None:
    double = Double()
    told = asyncio.run(
        double.ask("draftpayment", {BOB: "20.00000000"}, fee_rate=2.0, allow_high_fee=False)
    )
    draft = read_draft(told)
    assert draft == ShownDraft(
        psbt="cHNidP8=",
        outputs=(Output(BOB, 20 * COIN, ours=False),),
        amount_sat=20 * COIN,
        fee_sat=282,
        feerate_sat_vb=2.0,
        vsize=141,
        change_sat=30 * COIN - 282,
    )
    assert draft.total_sat == 20 * COIN + 282


def test_a_script_without_address_is_shown_as_it_is() -> None:
    double = Double()
    told = asyncio.run(
        double.ask("draftpayment", {BOB: "1.00000000"}, fee_rate=1.0, allow_high_fee=False)
    )
    told["recipients"][0] |= {"address": None, "script": "6a00"}
    assert read_draft(told).outputs[0].to == "6a00"


def test_what_became_of_a_payment_is_said_as_commands_say_it() -> None:
    double = Double()
    double.add_payment(2, -COIN, "send")
    entry = asyncio.run(double.ask("gettransaction", txid(2)))
    assert read_delivery(entry) == ShownDelivery("kept", delivery_line(entry))
