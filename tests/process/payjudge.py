"""Judges payments between wallets after all is over: by blocks, records, receipts and balances.

    a payment is settled   one transaction of the chain pays its invoice, both have it, and receipts
    or truly undone        none does, nobody thinks so, and its coins are there

Nothing is believed of a wallet but what it has on its disk and says when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from axon.errors import WalletError
from axon.host.lightwallet import check_scripts
from axon.payments.receipt import Receipt, verify
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import OutPoint, Transaction, TxOut

UNDONE: Final = ("", "issued", "linked", "expired", "refused")
"""Stages of a payment that was not made; empty where a wallet knows nothing of it."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one wallet has of a payment.

    Args:
        stage: how far it is; empty where it is not known.
        txid: of what is settled, as it is shown; empty before.
        receipt: its text; empty before.
    """

    stage: str = ""
    txid: str = ""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One payment that was begun.

    Args:
        number: of the round.
        payer, payee: their names.
        script: that the invoice asks to be paid, and no other.
        amount_sat: how much.
        paying, paid: what each of them has.
    """

    number: int
    payer: str
    payee: str
    script: bytes
    amount_sat: int
    paying: Side
    paid: Side


@dataclass(frozen=True, slots=True)
class Purse:
    """What a wallet holds.

    Args:
        name: its own.
        first_sat: what it was given.
        last_sat: what it has now, all of it in blocks.
        spendable_sat: what a payment of everything would spend.
    """

    name: str
    first_sat: int
    last_sat: int
    spendable_sat: int


class Chain:
    """The transactions of blocks, in order.

    Args:
        transactions: all of them.
    """

    def __init__(self, transactions: Iterable[Transaction]) -> None:
        self._outputs: dict[OutPoint, TxOut] = {}
        self._paying: dict[bytes, list[Transaction]] = {}
        self.fees_sat = 0
        for item in transactions:
            if not item.is_coinbase:
                taken = sum(self._outputs[point].amount_sat for point in item.prevouts)
                self.fees_sat += taken - sum(output.amount_sat for output in item.outputs)
            for index, output in enumerate(item.outputs):
                self._outputs[OutPoint(item.txid + index.to_bytes(4, "little"))] = output
                self._paying.setdefault(output.script_pubkey, []).append(item)

    def paying(self, script: bytes) -> list[Transaction]:
        """Those with an output to this script."""
        return self._paying.get(script, [])


def complaints(attempts: Sequence[Attempt], purses: Sequence[Purse], chain: Chain) -> list[str]:
    """What must not be, one sentence each; empty if all is well."""
    found: list[str] = []
    due = {purse.name: purse.first_sat for purse in purses}
    for attempt in attempts:
        transactions = chain.paying(attempt.script)
        where = f"round {attempt.number}, {attempt.payer} to {attempt.payee}"
        if len(transactions) > 1:
            found.append(f"{where}: paid {len(transactions)} times")
        if transactions:
            due[attempt.payer] -= attempt.amount_sat
            due[attempt.payee] += attempt.amount_sat
            found += [f"{where}: {each}" for each in _unsettled(attempt, transactions[0].txid)]
        else:
            found += [f"{where}: {each}" for each in _begun(attempt)]
    return found + _of_purses(purses, due, chain.fees_sat)


def _unsettled(attempt: Attempt, txid: Txid) -> list[str]:
    """What is wrong with a payment that a block has."""
    found = []
    for name, side in ((attempt.payer, attempt.paying), (attempt.payee, attempt.paid)):
        if side.stage != "settled":
            found.append(f"a block has it, and for {name} it is {side.stage or 'not known'}")
        if side.txid != to_hex(txid):
            found.append(f"a block has {to_hex(txid)}, and {name} has {side.txid or 'nothing'}")
    receipts = [_read(side.receipt) for side in (attempt.paying, attempt.paid)]
    for name, receipt in zip((attempt.payer, attempt.payee), receipts, strict=True):
        if receipt is None:
            found.append(f"{name} has no receipt")
            continue
        if receipt.txid != txid:
            found.append(f"the receipt of {name} is for another transaction")
        if receipt.amount_sat != attempt.amount_sat:
            found.append(f"the receipt of {name} is for {receipt.amount_sat} sat")
        if receipt.proof is None:
            found.append(f"the receipt of {name} has no proof")
        verdict = verify(receipt, check_scripts)
        if not verdict.is_valid:
            found.append(f"the receipt of {name} is not valid: {verdict.reason}")
    if None not in receipts and len({receipt.message for receipt in receipts if receipt}) > 1:
        found.append("their receipts differ")
    return found


def _read(text: str) -> Receipt | None:
    try:
        return Receipt.decode(text) if text else None
    except WalletError:
        return None


def _begun(attempt: Attempt) -> list[str]:
    """What is wrong with a payment that no block has."""
    return [
        f"no block has it, and for {name} it is {side.stage}"
        for name, side in ((attempt.payer, attempt.paying), (attempt.payee, attempt.paid))
        if side.stage not in UNDONE
    ]


def _of_purses(purses: Sequence[Purse], due: dict[str, int], fees_sat: int) -> list[str]:
    found = []
    lost_sat = sum(purse.first_sat - purse.last_sat for purse in purses) - fees_sat
    if lost_sat:
        found.append(f"{lost_sat} sat are lost beside the fees")
    for purse in purses:
        short_sat = due[purse.name] - purse.last_sat
        if not 0 <= short_sat <= fees_sat:
            found.append(f"{purse.name} has {purse.last_sat} sat and should have {due[purse.name]}")
        if purse.spendable_sat != purse.last_sat:
            found.append(
                f"{purse.name} has {purse.last_sat} sat and can spend {purse.spendable_sat}"
            )
    return found
