"""What a `PartnerNode` is asked, has the wallet do, and reports: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from axon.machine import Endpoint
from axon.payments.linkevents import Side
from axon.payments.partneraddress import PartnerAddress
from axon.primitives.hashes import Txid
from axon.primitives.header import Header

# Commands.


@dataclass(frozen=True, slots=True)
class ServePartners:
    """Serve wallets that dial an endpoint, which is listened on: the `PartnerAddress` of it."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class ListPartners:
    """The partners that are known: a tuple of `PartnerState`."""


@dataclass(frozen=True, slots=True)
class PartnerState:
    """One partner.

    Args:
        address: its own.
        is_named: by a person, for this run.
        is_open: there is a link to it.
        proved_s: when it last proved its key to us, seconds since 1970; 0 for never.
        headers: how many it brought in this run that were new.
        filters: how many filters it brought.
    """

    address: PartnerAddress
    is_named: bool
    is_open: bool
    proved_s: int
    headers: int
    filters: int


@dataclass(frozen=True, slots=True)
class BestAdvanced:
    """The best header is another one: who wants to know is told. The answer is None."""

    header: Header


PartnerNodeCommand = ServePartners | ListPartners | BestAdvanced


# Jobs for the wallet's desk.


@dataclass(frozen=True, slots=True)
class RecallPartners:
    """What was kept of partners. The outcome is a `partnerbook.Recalled`."""


@dataclass(frozen=True, slots=True)
class KeepPartners:
    """Write down what is known of partners. The outcome is None.

    Args:
        table: as `PartnerTable.encode` gives it.
    """

    table: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenPartnerKey:
    """The wallet's key as a partner, which is made the first time. The outcome are 32 bytes.

    Args:
        entropy: 32 random bytes.
    """

    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FindProof:
    """The proof that a payment is in a block, for its other side. The outcome are its bytes.

    Empty if the wallet has none, and for every transaction that is not a payment of this invoice:
    else strangers would learn which ones are the wallet's.

    Args:
        side: ours on the link.
        invoice_id: which it is about.
        txid: of the transaction.
    """

    side: Side
    invoice_id: bytes = field(repr=False)
    txid: Txid


PartnerJob = RecallPartners | KeepPartners | OpenPartnerKey | FindProof


# Facts.


@dataclass(frozen=True, slots=True)
class PartnerOpened:
    """A link to a partner is open.

    Args:
        link: its number.
        is_dialled: we dialled it, and it has proved its key; else it dialled us.
    """

    category: ClassVar[str | None] = "net"
    link: int
    is_dialled: bool

    def __str__(self) -> str:
        return f"link {self.link} to a partner is open, {_who(self.is_dialled)}"


@dataclass(frozen=True, slots=True)
class PartnerClosed:
    """A link to a partner has ended.

    Args:
        link: its number.
        is_dialled: by us.
        reason: one sentence.
    """

    category: ClassVar[str | None] = "net"
    link: int
    is_dialled: bool
    reason: str

    def __str__(self) -> str:
        return f"link {self.link} to a partner has closed, {_who(self.is_dialled)}: {self.reason}"


def _who(is_dialled: bool) -> str:
    return "which we dialled" if is_dialled else "which dialled us"
