"""What is wrong with what a wallet says is found, and nothing else is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from axon.primitives.transaction import COIN
from axon.swarm.lab.walletconsistency import WalletStatement, balance_fault, entry_fault

TXID = "11" * 32
ENTRY = {"txid": TXID, "state": "confirmed", "confirmations": 3, "amount": Decimal("0.25")}


@pytest.mark.parametrize(
    ("proven", "header", "said"),
    [
        (["22" * 32, TXID], {"confirmations": 3}, ""),
        (["22" * 32], {"confirmations": 3}, "no proof"),
        (ValueError("-5"), {"confirmations": 3}, "no proof"),
        ([TXID], {"confirmations": -1}, "not in the chain"),
        ([TXID], ValueError("-5"), "not in the chain"),
        ([TXID], {"confirmations": 2}, "3 confirmations, and 2 in the chain"),
    ],
)
def test_an_entry(proven: object, header: object, said: str) -> None:
    fault = entry_fault(ENTRY, proven, header)
    assert said in fault
    assert bool(fault) == bool(said)


def told(*entries: dict[str, Any]) -> WalletStatement:
    return WalletStatement("tip", entries, ())


def test_only_what_is_confirmed_counts() -> None:
    waiting = {**ENTRY, "state": "unconfirmed", "amount": Decimal(7)}
    paid = {**ENTRY, "amount": Decimal("-0.1")}
    said = told(ENTRY, waiting, paid)
    assert said.holds_sat == 15 * COIN // 100
    assert balance_fault(said, 15 * COIN // 100, "n1") == ""
    assert balance_fault(said, 15 * COIN // 100 + 1, "n1") == (
        "it holds 0.15 and n1 says 0.15000001"
    )
