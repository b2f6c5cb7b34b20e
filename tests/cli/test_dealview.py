"""What a person reads of payments from wallet to wallet."""

from __future__ import annotations

from typing import Any

import pytest

from axon.cli.dealview import NO_ANSWER, deal_lines, outcome_lines, receipt_line, title_line

ID, TXID = "ab" * 32, "cd" * 32


def deal(**changes: Any) -> dict[str, Any]:
    """A payment as `listdeals` tells it: accepted, and no block has it."""
    told: dict[str, Any] = {
        "id": ID,
        "role": "payer",
        "stage": "accepted",
        "reason": "",
        "advice": "",
        "amount": "0.50000000",
        "label": "Bob",
        "message": "a bicycle",
        "txid": TXID,
        "joined": False,
        "searched": None,
        "shown": {"headline": "It is signed.", "proved": ["one"], "unproved": ["two"]},
        "receipt": True,
    }
    return told | changes


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "abababababababab  paid   0.50000000 BTC  accepted  Bob: a bicycle"),
        ({"role": "payee"}, "abababababababab  asked  0.50000000 BTC  accepted  Bob: a bicycle"),
        (
            {"joined": True, "label": "", "message": ""},
            "abababababababab  paid   0.50000000 BTC  accepted, joined",
        ),
        (
            {"joined": True, "stage": "joined"},
            "abababababababab  paid   0.50000000 BTC  joined  Bob: a bicycle",
        ),
        ({"amount": None}, "abababababababab  paid   any amount  accepted  Bob: a bicycle"),
    ],
)
def test_a_line_says_who_did_what(changes: dict[str, Any], line: str) -> None:
    assert title_line(deal(**changes)) == line


def test_a_receipt_is_listed_by_its_whole_id() -> None:
    assert receipt_line(deal()) == f"{ID}  paid   0.50000000 BTC  Bob: a bicycle"


def test_how_far_the_search_for_spends_is_stands_below() -> None:
    line = "  looking whether its coins are spent: block 4,000 so far"
    assert line in deal_lines(deal(stage="checked", searched=4_000, shown=None))
    assert line not in deal_lines(deal())


def test_what_was_shown_and_what_not_stands_below() -> None:
    assert deal_lines(deal())[1:] == [
        f"  transaction {TXID}",
        "  It is signed.",
        "    shown: one",
        "    not shown: two",
    ]
    bare = deal(stage="refused", txid=None, shown=None, reason="it has expired", advice="ask anew")
    assert deal_lines(bare)[1:] == ["  it has expired", "  What to do: ask anew."]


KEPT: dict[str, Any] = {"delivery": "kept", "spread": None, "refusals": [], "peers": 0}


def test_who_has_paid_is_told_of_the_receipt_and_of_nodes() -> None:
    waiting = [KEPT | {"txid": "ee" * 32}, KEPT | {"txid": TXID}]
    receipt, nodes = outcome_lines("alice", deal(), waiting)
    assert receipt == "  Its receipt: axon wallet receipts alice abababababababab"
    assert nodes.startswith("  No node has fetched it yet.")
    assert outcome_lines("alice", deal(receipt=False), ()) == [f"  {NO_ANSWER}"]
    assert outcome_lines("alice", deal(stage="refused"), waiting) == []
