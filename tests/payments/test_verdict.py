"""What a person is told of a payment: no more than what was shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.mempool.outcome import Refused
from axon.payments.refusals import in_words
from axon.payments.verdict import PaymentLevel, Verdict, verdict_text

LEVELS = list(PaymentLevel)[1:-1]


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_tells_what_it_includes_and_what_not(level: PaymentLevel) -> None:
    shown = verdict_text(Verdict(level, height=812, peers=3))
    assert shown.headline.endswith(".")
    assert len(shown.proved) == level
    said = " ".join(shown.proved)
    assert ("in blocks of the chain" in said) is (level >= PaymentLevel.FUNDED)
    assert ("no block up to 812 has spent them, as 3 peers told" in said) is (
        level >= PaymentLevel.UNSPENT
    )
    assert shown.unproved


def test_where_no_node_is_in_reach_none_is_counted() -> None:
    shown = verdict_text(Verdict(PaymentLevel.UNSPENT, height=812))
    assert shown.proved[-1] == "no block up to 812 has spent them, as peers that are gone now told"


@pytest.mark.parametrize("level", LEVELS)
def test_until_it_is_mined_it_can_be_taken_back(level: PaymentLevel) -> None:
    missing = verdict_text(Verdict(level, height=812)).unproved
    assert "nothing behind block 812 is known" in missing[-1]
    assert "take it back" in missing[-1]
    assert len(missing) == max(PaymentLevel.MINED - level, 1)


def test_a_block_says_all_and_may_leave_the_chain() -> None:
    shown = verdict_text(Verdict(PaymentLevel.MINED, height=812))
    assert shown.proved == ("a block of the chain up to 812 has it",)
    (missing,) = shown.unproved
    assert "more work" in missing


def test_what_peers_show_against_it_comes_first() -> None:
    verdict = Verdict(PaymentLevel.UNSPENT, detail="a peer shows another", height=812, peers=3)
    shown = verdict_text(verdict)
    assert shown.headline == "Beware: a peer shows another."
    assert not any("on its way" in line for line in shown.unproved)
    assert any("on its way" in line for line in verdict_text(replace(verdict, detail="")).unproved)


def test_the_payer_reads_nothing_of_an_address_of_his() -> None:
    assert not any("your" in line for line in verdict_text(Verdict(PaymentLevel.UNOPPOSED)).proved)


def test_a_refusal_says_why_and_claims_nothing() -> None:
    shown = verdict_text(Verdict(PaymentLevel.REFUSED, "wrong-address", "it pays nothing to you"))
    assert shown.headline == "Refused: it pays nothing to you."
    assert shown.proved == shown.unproved == ()
    bare = verdict_text(Verdict(PaymentLevel.REFUSED, "dust"))
    assert bare.headline == "Refused: dust."


def test_one_peer_is_no_peers() -> None:
    assert "as 1 peer told" in verdict_text(Verdict(PaymentLevel.UNSPENT, peers=1)).proved[-1]


def test_reasons_of_the_pool_in_words() -> None:
    assert in_words("it", Refused("dust")).startswith("it has an output so small")
    fee = Refused("min relay fee not met", "10 < 15")
    assert in_words("it", fee).startswith("it pays too small a fee (10 < 15 sat)")
    odd = Refused("some-reason", "a detail")
    assert in_words("it", odd) == "it would not be passed on by nodes (some-reason, a detail)"
