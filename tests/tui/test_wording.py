"""One sentence for each situation, and texts that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.tui.model import Output, Payment, Peer, ShownCoin, ShownDelivery, ShownDraft, Sync
from axon.tui.wording import (
    ELLIPSIS,
    StyledText,
    Tone,
    became,
    coin_state,
    confirmation_text,
    confirmed,
    counterparty,
    draft_text,
    elided,
    peer_agrees,
    peer_filters,
    signed,
    standing,
)
from tests.tui.double import BOB, CAROL, COIN, MINE, txid

SYNCED = Sync(
    synced=True,
    headers=112,
    weighed=-1,
    filter_headers=112,
    scanned=112,
    peers=2,
    filter_peers=2,
    agreed=2,
    disputed=None,
    asked=2,
    agree=2,
    age_s=125,
    clock_behind=False,
)
PAYMENT = Payment(
    txid=txid(1),
    category="send",
    state="unconfirmed",
    amount_sat=-COIN,
    fee_sat=141,
    confirmations=0,
    height=None,
    time_s=0,
    label="",
    addresses=(BOB,),
)
IN_BLOCK = replace(PAYMENT, state="confirmed", confirmations=1, height=112)
COIN_READY = ShownCoin(
    place=f"{txid(1)}:0",
    address=MINE,
    label="",
    amount_sat=COIN,
    confirmations=3,
    frozen=False,
    immature=False,
    safe=True,
    change=False,
)
PEER = Peer(number=1, address="", agent="/axon/", height=1, filters="agrees", ping_ms=None)
TAPROOT = "bcrt1p" + "q" * 58


@given(st.text(max_size=80), st.integers(1, 80))
def test_elided_texts_fit_and_keep_both_ends(text: str, width: int) -> None:
    short = elided(text, width)
    assert len(short) <= width
    if short != text:
        head, tail = short.split(ELLIPSIS, 1) if ELLIPSIS not in text else (short[0:0], "")
        assert text.startswith(head)
        assert text.endswith(tail)


@pytest.mark.parametrize(
    ("changes", "sentence", "tone"),
    [
        ({}, "In sync at block 112, 2 min old: 2 of 2 nodes agree", Tone.GOOD),
        ({"agree": 1}, "In sync at block 112, 2 min old: 1 of 2 nodes agree", Tone.GOOD),
        (
            {"peers": 0, "synced": False, "age_s": 4 * 3_600},
            "No node is connected, looking for one; shown is block 112, 4 h old",
            Tone.WARN,
        ),
        (
            {"synced": False, "clock_behind": True},
            "The clock of this machine is behind the blocks: set it right",
            Tone.BAD,
        ),
        ({"filter_peers": 0}, "No filters from 2 nodes: payments are not seen", Tone.WARN),
        ({"disputed": 7}, "Nodes disagree about block 7, asking more", Tone.WARN),
        ({"synced": False, "weighed": 2_000}, "Weighing a chain: header 2,000", Tone.PLAIN),
        (
            {"synced": False, "filter_headers": -1},
            "Reading filter headers, 0 of 112",
            Tone.PLAIN,
        ),
        (
            {"synced": False, "scanned": 50},
            "Looking for payments, block 50 of 112",
            Tone.PLAIN,
        ),
        (
            {"synced": False, "agree": 0},
            "Waiting for nodes to show block 112: 0 of 2 nodes agree",
            Tone.WARN,
        ),
    ],
)
def test_standing(changes: dict[str, int], sentence: str, tone: Tone) -> None:
    assert standing(replace(SYNCED, **changes), offline=False) == StyledText(sentence, tone)  # type: ignore[arg-type]


def test_offline_was_asked_for() -> None:
    said = standing(replace(SYNCED, peers=0, synced=False), offline=True)
    assert said.text == "Offline: shown is what was known before"


@pytest.mark.parametrize(
    ("payment", "short", "long"),
    [
        (PAYMENT, "unconfirmed", "in no block yet"),
        (IN_BLOCK, "1", "1 confirmation"),
        (replace(IN_BLOCK, confirmations=2_000), "2,000", "2,000 confirmations"),
        (
            replace(PAYMENT, state="replaced"),
            "replaced",
            "replaced by another payment that spends the same; it counts for nothing",
        ),
        (
            replace(IN_BLOCK, category="immature", confirmations=3),
            "3",
            "3 confirmations; mined, to be spent after 100",
        ),
        (
            replace(PAYMENT, category="orphan"),
            "lost",
            "its block left the chain; it counts for nothing",
        ),
    ],
)
def test_how_sure_a_payment_is(payment: Payment, short: str, long: str) -> None:
    assert confirmed(payment).text == short
    assert confirmation_text(payment) == long


def test_amounts_have_signs() -> None:
    assert (signed(COIN), signed(-1), signed(0)) == ("+1.00000000", "-0.00000001", "0.00000000")


def test_whom_a_payment_concerns() -> None:
    assert counterparty(PAYMENT) == BOB
    assert counterparty(replace(PAYMENT, addresses=(BOB, CAROL, MINE))) == f"{BOB} and 2 more"
    assert counterparty(replace(PAYMENT, label="rent")) == "rent"
    assert counterparty(replace(PAYMENT, addresses=())) == ""


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "ready"),
        ({"change": True}, "change"),
        ({"safe": False}, "pending"),
        ({"immature": True}, "immature"),
        ({"immature": True, "frozen": True}, "frozen"),
    ],
)
def test_coin_states(changes: dict[str, bool], state: str) -> None:
    assert coin_state(replace(COIN_READY, **changes)).text == state  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("agent", "filters", "serves", "agrees"),
    [
        ("/axon/", "agrees", "yes", "yes"),
        ("/axon/", "open", "yes", "asking"),
        ("/axon/", "none", "no", ""),
        ("", "none", "", ""),
    ],
)
def test_what_a_node_serves(agent: str, filters: str, serves: str, agrees: str) -> None:
    peer = replace(PEER, agent=agent, filters=filters)
    assert (peer_filters(peer).text, peer_agrees(peer).text) == (serves, agrees)


@pytest.mark.parametrize("to", [BOB, TAPROOT, "6a" * 40])
@pytest.mark.parametrize("width", [20, 70, 200])
def test_a_draft_never_cuts_whom_it_pays(to: str, width: int) -> None:
    draft = ShownDraft("", (Output(to, 20 * COIN, ours=True),), 20 * COIN, 141, 1.0, 141, 5 * COIN)
    text = draft_text(draft, width)
    assert f"to {to} (this wallet)" in text
    for each in ("20.00000000 BTC", "0.00000141 BTC", "20.00000141 BTC", "5.00000000 BTC"):
        assert each in text


@pytest.mark.parametrize(
    ("word", "short", "tone"),
    [
        ("kept", "kept", Tone.WARN),
        ("handed over", "handed over", Tone.WARN),
        ("refused", "refused", Tone.BAD),
        ("accepted", "unconfirmed", Tone.GOOD),
        ("spreading", "unconfirmed", Tone.GOOD),
    ],
)
def test_what_became_of_a_payment(word: str, short: str, tone: Tone) -> None:
    assert became(PAYMENT, ShownDelivery(word, "All of it.")) == StyledText("All of it.", tone)
    assert confirmed(replace(PAYMENT, delivery=word)).text == short


def test_what_became_of_a_payment_that_waits_no_more() -> None:
    said = became(IN_BLOCK, ShownDelivery("confirmed", "It is in a block already."))
    assert said == StyledText("It is in block 112: 1 confirmation.", Tone.GOOD)
    said = became(replace(PAYMENT, state="replaced"), ShownDelivery("replaced", "It was refused."))
    assert said.text == "It was replaced by another payment."
