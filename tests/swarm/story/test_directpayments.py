"""Checks of the outer ring: each fails when wallets or receipts say something else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from axon.swarm.story.checks import Check
from axon.swarm.story.directpayments import known, proved, refusal, verified

ROOT = Path(__file__).parent.parent.parent.parent
TXID = "ab" * 28 + "01234567"
BLOCK = "0f" * 28 + "89abcdef"


def told(stage: str = "checked", reason: str = "", **more: Any) -> dict[str, Any]:
    """A deal as a wallet lists it."""
    return {"stage": stage, "reason": reason, "level": 3, "height": 121, **more}


@pytest.mark.parametrize(
    ("deal", "seen"),
    [
        (told(), "funded, up to block 121"),
        (told(height=120), "funded, up to block 120"),
        (told(level=2), "signed, up to block 121"),
        (told(level=0), "refused, up to block 121"),
        (told(level=None, height=None), "nothing"),
    ],
)
def test_level_and_height_are_what_the_wallet_says(deal: dict[str, Any], seen: str) -> None:
    check = Check(10, "how much of it was shown", "funded, up to block 121", known(deal))
    assert check.seen == seen
    assert check.holds is (deal == told())


SPENT = f"a coin of it was spent by transaction {TXID} in block 122"


@pytest.mark.parametrize(
    ("deal", "seen"),
    [
        (told("refused", SPENT), "refused: spent in block 122 by ..01234567"),
        (told("refused", SPENT[:-1] + "3"), "refused: spent in block 123 by ..01234567"),
        (told("refused", "it pays too little"), "refused it pays too little"),
        (told("accepted"), "accepted"),
        (told("unknown", level=None), "unknown"),
    ],
)
def test_a_cheat_is_refused_for_the_block_that_spends_his_coin(
    deal: dict[str, Any], seen: str
) -> None:
    expected = "refused: spent in block 122 by ..01234567"
    check = Check(10, "Mallory's payment", expected, refusal(deal))
    assert check.seen == seen
    assert check.holds is (deal["reason"] == SPENT)


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"valid": True, "blockhash": BLOCK}, "valid, in block ..89abcdef"),
        ({"valid": True, "blockhash": "00" * 32}, "valid, in block ..00000000"),
        ({"valid": True, "blockhash": None}, "valid, in no block"),
        ({"valid": False}, "not valid"),
    ],
)
def test_a_receipt_proves_what_is_in_it(said: dict[str, Any], seen: str) -> None:
    check = Check(10, "the receipt", "valid, in block ..89abcdef", proved(said))
    assert check.seen == seen
    assert check.holds is (said.get("blockhash") == BLOCK)


def receipt_of_the_docs() -> str:
    """The one that docs/payments.md shows, with its proof."""
    page = (ROOT / "docs" / "payments.md").read_text()
    parts = re.findall(r"(?:^    (?:-----BEGIN|[^\n]).*\n)+", page, re.MULTILINE)
    shown = [part for part in parts if "MESSAGE" in part or "PROOF" in part]
    return "\n".join(re.sub(r"^    ", "", part, flags=re.MULTILINE) for part in shown)


@pytest.mark.process
@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("", "", "valid, in block ..5a6fec12"),
        ("Received: 0.5", "Received: 5.0", "not valid"),
        ("Height: 101", "Height: none", "not valid"),
    ],
)
def test_the_program_that_checks_receipts_says_no(
    old: str, new: str, seen: str, tmp_path: Path
) -> None:
    receipt = receipt_of_the_docs().replace(old, new, 1) if old else receipt_of_the_docs()
    assert verified(receipt, tmp_path / "nothing") == seen
    assert list((tmp_path / "nothing").iterdir()) == [], "it needs no file and leaves none"
