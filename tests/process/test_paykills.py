"""Wallets that are killed while they pay each other, in short, and the judge of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from axon.payments.receipt import issue
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, NULL_OUTPOINT, Transaction, TxIn, TxOut, outpoint
from tests.payments.receipts import INVOICE, PAID_SAT, PAYMENT, TIME_S, proof_of, worked
from tests.process.payjudge import Attempt, Chain, Purse, Side, complaints
from tests.process.paykills import run
from tests.wallet.scene import PASSPHRASE, make_block, new_wallet

FEE_SAT: Final = 500
ALICE_SCRIPT: Final = b"\x00\x14" + bytes(20)


@pytest.mark.process
def test_killed_wallets_lose_nothing_and_pay_nothing_twice(tmp_path: Path) -> None:
    said: list[str] = []
    tally = run(tmp_path, 4, 1, said.append)
    assert tally.faults == [], tally.text()
    assert tally.kills >= 4
    assert tally.ends["settled"] + tally.ends["undone"] == tally.rounds
    assert said


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.timeout(600)
def test_a_hundred_kills(tmp_path: Path) -> None:
    tally = run(tmp_path, 100, 2, lambda _: None)
    assert tally.faults == [], tally.text()


# The judge, of one payment of Alice's to Bob that is settled as it should be.

FUNDING = Transaction.build(2, [TxIn(NULL_OUTPOINT, bytes(4))], [TxOut(2 * COIN, ALICE_SCRIPT)])
OTHER = Transaction.build(2, [TxIn(NULL_OUTPOINT, bytes(5))], [TxOut(2 * COIN, ALICE_SCRIPT)])


def payment(parent: Transaction = FUNDING) -> Transaction:
    """Alice pays Bob's invoice."""
    change_sat = 2 * COIN - PAID_SAT - FEE_SAT
    outputs = [TxOut(PAID_SAT, INVOICE.script_pubkey), TxOut(change_sat, ALICE_SCRIPT)]
    return Transaction.build(2, [TxIn(outpoint(parent.txid, 0))], outputs)


PAID = payment()
BLOCK = worked(make_block(INVOICE.network.genesis.hash, 1, [PAID]))
RECEIPT = replace(
    issue(new_wallet(), INVOICE, PAID.txid, PAID_SAT, TIME_S, PASSPHRASE), proof=proof_of(BLOCK, 1)
)
SIDE = Side("settled", to_hex(PAID.txid), RECEIPT.encode())
ATTEMPT = Attempt(7, "alice", "bob", INVOICE.script_pubkey, PAID_SAT, SIDE, SIDE)
ALICE = Purse("alice", 2 * COIN, 2 * COIN - PAID_SAT - FEE_SAT, 2 * COIN - PAID_SAT - FEE_SAT)
BOB = Purse("bob", 0, PAID_SAT, PAID_SAT)
CHAIN = (FUNDING, PAID)


def paying(side: Side) -> Attempt:
    """Alice has something else."""
    return replace(ATTEMPT, paying=side)


def receipt(**changes: object) -> Attempt:
    """Alice has another receipt."""
    other = replace(RECEIPT, **changes)  # type: ignore[arg-type]
    return paying(replace(SIDE, receipt=other.encode()))


def test_the_judge_has_nothing_against_a_payment_that_is_settled() -> None:
    assert complaints([ATTEMPT], [ALICE, BOB], Chain(CHAIN)) == []


def test_nor_against_one_that_was_never_made() -> None:
    undone = replace(ATTEMPT, paying=Side(), paid=Side("linked"))
    purses = [Purse("alice", 2 * COIN, 2 * COIN, 2 * COIN), Purse("bob", 0, 0, 0)]
    assert complaints([undone], purses, Chain([FUNDING])) == []


@pytest.mark.parametrize(
    ("attempt", "word"),
    [
        (lambda: paying(Side()), "for alice it is not known"),
        (lambda: paying(replace(SIDE, stage="accepted")), "for alice it is accepted"),
        (lambda: paying(replace(SIDE, txid="00" * 32)), f"and alice has {'00' * 32}"),
        (lambda: paying(replace(SIDE, receipt="")), "alice has no receipt"),
        (lambda: receipt(proof=None), "receipt of alice has no proof"),
        (lambda: receipt(txid=PAYMENT.txid), "receipt of alice is for another transaction"),
        (lambda: receipt(amount_sat=PAID_SAT - 1), f"alice is for {PAID_SAT - 1} sat"),
        (lambda: receipt(amount_sat=PAID_SAT - 1), "the receipt of alice is not valid"),
        (lambda: receipt(time_s=TIME_S + 1), "their receipts differ"),
    ],
)
def test_the_judge_says_what_is_wrong_with_a_payment(
    attempt: Callable[[], Attempt], word: str
) -> None:
    assert any(word in each for each in complaints([attempt()], [ALICE, BOB], Chain(CHAIN)))


def test_the_judge_sees_what_is_paid_twice() -> None:
    chain = Chain([FUNDING, OTHER, PAID, payment(OTHER)])
    said = complaints([ATTEMPT], [ALICE, BOB], chain)
    assert any("paid 2 times" in each for each in said)


def test_the_judge_sees_a_payment_that_no_block_has_and_one_side_believes_in() -> None:
    said = complaints([ATTEMPT], [ALICE, BOB], Chain([FUNDING]))
    assert "round 7, alice to bob: no block has it, and for bob it is settled" in said


@pytest.mark.parametrize(
    ("alice", "bob", "word"),
    [
        (replace(ALICE, last_sat=ALICE.last_sat - 1), BOB, "1 sat are lost"),
        (ALICE, replace(BOB, last_sat=BOB.last_sat + 1), "-1 sat are lost"),
        (
            replace(ALICE, last_sat=ALICE.last_sat + COIN),
            replace(BOB, last_sat=BOB.last_sat - COIN),
            f"bob has {PAID_SAT - COIN} sat and should have {PAID_SAT}",
        ),
        (replace(ALICE, spendable_sat=COIN), BOB, f"can spend {COIN}"),
    ],
)
def test_the_judge_sees_coins_that_are_lost(alice: Purse, bob: Purse, word: str) -> None:
    assert any(word in each for each in complaints([ATTEMPT], [alice, bob], Chain(CHAIN)))
