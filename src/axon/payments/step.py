"""What one side of a payment does next: what it says to its partner, and what it has others do."""

from __future__ import annotations

from dataclasses import dataclass

from axon.payments.invoice import Invoice
from axon.payments.messages import LinkMessage
from axon.payments.verdict import CoinClaim
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction


@dataclass(frozen=True, slots=True)
class LookUp:
    """It is to be found out whether coins are unspent.

    Args:
        invoice_id: what is paid.
        txid: of the payment.
        claims: the coins.
    """

    invoice_id: bytes
    txid: Txid
    claims: tuple[CoinClaim, ...]


@dataclass(frozen=True, slots=True)
class WatchFor:
    """Whatever goes against this payment is to be told of, in place of what was watched before.

    Args:
        invoice_id: for which it is.
        transaction: the payment.
        claims: the confirmed coins that it and its ancestors spend.
        ancestors: its unconfirmed ancestors.
    """

    invoice_id: bytes
    transaction: Transaction
    claims: tuple[CoinClaim, ...] = ()
    ancestors: tuple[Transaction, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepWatching:
    """For no other invoices than these anything is to be told of any more."""

    invoice_ids: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Settle:
    """A transaction is written down and is to be brought to the network, now or when it can be."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class ReachPayee:
    """The payee of an invoice is to be dialled, until there is nothing more to say."""

    invoice: Invoice


@dataclass(frozen=True, slots=True)
class RestLink:
    """There is nothing more to say to the payee of an invoice."""

    invoice_id: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """A payer is to be told something unasked, if his link is open."""

    invoice_id: bytes
    messages: tuple[LinkMessage, ...]


Want = LookUp | WatchFor | KeepWatching | Settle | ReachPayee | RestLink | Tell


@dataclass(frozen=True, slots=True)
class DealsMoved:
    """Payments between wallets may be at other stages than before: for whoever waits for one."""


@dataclass(frozen=True, slots=True)
class DealStep:
    """What follows.

    Args:
        messages: to the partner, in order.
        wants: of others, in order.
        end: a reason to end the link for good, None to keep it.
    """

    messages: tuple[LinkMessage, ...] = ()
    wants: tuple[Want, ...] = ()
    end: str | None = None
