"""What a payee has himself that goes against a payment: its coin is in two payments at once.

Nodes do not relay the second of two transactions that spend the same, so peers may never show what
is in our own hands: a payment to another invoice of ours, a joined one, a payment that we made and
in which somebody put this coin. Only what is signed counts here, because strangers can make up the
rest; what blocks have spent is looked up, and they are named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from axon.payments.book import Book
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.verdict import PaymentLevel, Verdict
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction
from axon.wallet.wallet import Wallet

_TAKEN: Final = (DealStage.CHECKED, DealStage.JOINED, DealStage.ACCEPTED)
"""Stages of a payment that is signed by the owners of its coins, and that no block has decided."""


@dataclass(frozen=True, slots=True)
class OwnRival:
    """A transaction of ours that spends what a payment spends, or what it builds on.

    Args:
        txid: its name.
        deal: of ours that has it, of another invoice; None if it is a payment that we made.
    """

    txid: Txid
    deal: Deal | None = None

    def refusal(self, height: int) -> Verdict:
        """Why the payment is not taken.

        Args:
            height: of our best chain.
        """
        sentence = (
            f"a coin of it is spent by transaction {to_hex(self.txid)} as well, which the payee has"
            " already and no block yet"
        )
        return Verdict(PaymentLevel.REFUSED, "txn-mempool-conflict", sentence, height)


def own_rival(
    wallet: Wallet, book: Book, deal: Deal, family: Iterable[Transaction]
) -> OwnRival | None:
    """What we have against a payment that is signed; None for nothing.

    Args:
        deal: what it is for; another payment of the same invoice is no rival, one of them counts.
        family: the payment, and what it builds on that no block has.
    """
    family = tuple(family)
    spent = {point: each.txid for each in family for point in each.prevouts}
    for invoice_id, other in book.named(Role.PAYEE):
        if other.stage not in _TAKEN or invoice_id == deal.invoice.id:
            continue
        for each in _transactions(other):
            if any(spent.get(point, each.txid) != each.txid for point in each.prevouts):
                return OwnRival(each.txid, other)
    ledger, counted = wallet.ledger, wallet.counted()
    for txid in [txid for each in family for txid in ledger.conflicts(each)]:
        rival = ledger.transactions[txid]
        is_signed = txid in counted and ledger.spends_ours(rival)
        if is_signed and txid not in ledger.confirmed and not deal.invoice.is_paid_by(rival):
            return OwnRival(txid)
    return None


def _transactions(deal: Deal) -> list[Transaction]:
    """All that it rests on which no block has."""
    assert deal.packet is not None, "it was checked"
    joined = () if deal.joined is None else (deal.joined,)
    return [*joined, deal.packet.transaction, *deal.packet.unconfirmed]
