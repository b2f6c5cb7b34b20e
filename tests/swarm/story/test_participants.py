"""What participants hold and how they pay: coins, change, stamps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.hashes import Txid
from axon.primitives.transaction import COIN, OutPoint, Transaction, TxOut, outpoint
from axon.swarm.signer import Signer, Spendable
from axon.swarm.story.participants import (
    FEE_COIN,
    FEE_COIN_SAT,
    NodeHoldings,
    NotEnoughCoins,
    choose,
    in_coins,
    make_fee_coins,
)

ALICE, BOB = Signer("Alice"), Signer("Bob")
HERS, HIS = frozenset((ALICE.script,)), frozenset((BOB.script,))


def point(number: int) -> OutPoint:
    return outpoint(Txid(bytes([number]) * 32), 0)


def listed(number: int, amount: Decimal | int, *, spendable: bool = True) -> dict[str, Any]:
    """A coin as a wallet lists it."""
    return {
        "txid": f"{number:064x}",
        "vout": number,
        "amount": Decimal(amount),
        "spendable": spendable,
    }


def test_amounts_are_written_as_people_do() -> None:
    assert in_coins(30 * COIN) == "30"
    assert in_coins(FEE_COIN_SAT) == "0.0001"
    assert in_coins(0) == "0"
    assert in_coins(12 * COIN + COIN // 2) == "12.5"


def test_everybody_gets_stamps_and_cutting_them_costs_one() -> None:
    cut = make_fee_coins(BOB, Spendable(point(9), 50 * COIN), [ALICE.script, BOB.script], 12)
    assert cut.outputs[:12] == (TxOut(FEE_COIN_SAT, ALICE.script),) * 12
    assert cut.outputs[12:24] == (TxOut(FEE_COIN_SAT, BOB.script),) * 12
    assert sum(item.amount_sat for item in cut.outputs) == 50 * COIN - FEE_COIN_SAT


def test_a_payment_takes_a_stamp_and_the_largest_coins() -> None:
    coins = [listed(1, 20), listed(2, FEE_COIN), listed(3, 30), listed(4, FEE_COIN), listed(5, 5)]
    assert [coin["vout"] for coin in choose("Alice", coins, 40)] == [2, 3, 1]


def test_nobody_pays_what_is_not_there() -> None:
    coins = [listed(1, 30), listed(2, FEE_COIN), listed(3, 20, spendable=False)]
    with pytest.raises(NotEnoughCoins, match="Alice wants to pay 31 and holds 30"):
        choose("Alice", coins, 31)
    with pytest.raises(NotEnoughCoins, match="Alice has no stamp left"):
        choose("Alice", coins[:1], 1)


@given(st.lists(st.integers(1, 50), max_size=8), st.integers(1, 100))
def test_what_is_chosen_suffices_and_no_coin_is_idle(held: list[int], amount: int) -> None:
    coins = [listed(n, whole) for n, whole in enumerate(held)] + [listed(99, FEE_COIN)]
    if sum(held) < amount:
        with pytest.raises(NotEnoughCoins):
            choose("Alice", coins, amount)
        return
    stamp, *chosen = [coin["vout"] for coin in choose("Alice", coins, amount)]
    assert stamp == 99
    assert len(set(chosen)) == len(chosen)
    amounts = [held[place] for place in chosen]
    assert sum(amounts) >= amount > sum(amounts) - min(amounts)


def pays(prevouts: Mapping[OutPoint, int], outputs: list[TxOut]) -> Transaction:
    return ALICE.pay([Spendable(place, sat) for place, sat in prevouts.items()], outputs)


def test_what_waits_counts_in_the_total_and_not_in_the_ledger() -> None:
    held = {point(1): TxOut(50 * COIN, ALICE.script), point(2): TxOut(FEE_COIN_SAT, ALICE.script)}
    waiting = pays(
        {point(1): 50 * COIN, point(2): FEE_COIN_SAT},
        [TxOut(20 * COIN, BOB.script), TxOut(30 * COIN, ALICE.script)],
    )
    view = NodeHoldings(held, (waiting,))
    assert (view.ledger_sat(HERS), view.total_sat(HERS)) == (50 * COIN, 30 * COIN)
    assert (view.ledger_sat(HIS), view.total_sat(HIS)) == (0, 20 * COIN)


def test_a_payment_may_spend_one_that_waits_in_any_order() -> None:
    first = pays({point(1): 50 * COIN}, [TxOut(50 * COIN, ALICE.script)])
    second = pays({outpoint(first.txid, 0): 50 * COIN}, [TxOut(50 * COIN, BOB.script)])
    held = {point(1): TxOut(50 * COIN, ALICE.script)}
    for waiting in ((first, second), (second, first)):
        view = NodeHoldings(held, waiting)
        assert (view.total_sat(HERS), view.total_sat(HIS)) == (0, 50 * COIN)
