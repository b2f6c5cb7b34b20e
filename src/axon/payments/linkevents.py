"""What a `LinkNode` is asked, has the wallet do, and reports: plain values.

Reports name a link by its number and say what happened to it. They hold nothing that a partner
said but the reason of his `bye`, no address of his, and in writing no invoice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final, Protocol

from axon.machine import Endpoint
from axon.payments.messages import LinkMessage

WALLET_LANE: Final = "wallet"
"""Where all jobs of links run: in order, one at a time."""


class Side(Enum):
    """Who we are on a link."""

    PAYER = "payer"
    PAYEE = "payee"


# Reasons of a `bye` that mean something to the other side.

DONE: Final = "done"
"""Nothing is left to say: the payer does not dial again."""
IDLE: Final = "idle"
"""Nothing was said for long: the payer does not dial again until he has something to say."""
BUSY: Final = "busy"
"""No room now: the payer dials again later."""
REPLACED: Final = "replaced"
"""Another link about the same invoice took the place of this quiet one."""
UNKNOWN: Final = "no such invoice"


# Commands.


class LinkTarget(Protocol):
    """An invoice, as far as a link needs it."""

    @property
    def id(self) -> bytes:
        """32 bytes."""

    @property
    def public_key(self) -> bytes:
        """By which the payee proves himself: 32 bytes, x-only."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where he listens."""


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Keep a link to the payee of an invoice, until `CloseLink`.

    The answer is the number of the link: the same for the same invoice, also when the connection
    is lost and made again. None if the invoice names no endpoint.
    """

    invoice: LinkTarget = field(repr=False)


@dataclass(frozen=True, slots=True)
class Say:
    """Say something on a link, unasked.

    The answer is False if the link is not open now or too much waits to be sent on it; then
    nothing was taken.
    """

    link: int
    messages: tuple[LinkMessage, ...]


@dataclass(frozen=True, slots=True)
class CloseLink:
    """End a link, and dial no more for it. The answer is whether there was one.

    Args:
        link: its number.
        reason: told to the partner, if he has proved himself.
    """

    link: int
    reason: str = DONE


# Jobs, in `WALLET_LANE`, and their outcomes.


@dataclass(frozen=True, slots=True)
class Prove:
    """Prove to a payer that we wrote the invoice he comes for; the outcome is a `Proof` or None.

    Args:
        link: its number.
        hint: 32 bytes, `linkkeys.invoice_hint` of that invoice, if it is one.
        session_id: of the connection, 32 bytes.
    """

    link: int
    hint: bytes = field(repr=False)
    session_id: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """The invoice of a hint, and the signature for `auth`.

    Args:
        invoice_id: 32 bytes; of a link that is about no invoice what stands in its place.
        signature: 64 bytes (BIP 340).
        seats: how many may have links about it at a time.
    """

    invoice_id: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Heard:
    """A partner said something on an open link; the outcome is `LinkReplies`.

    The first message of each connection is the partner's `hello`: the link is open, perhaps
    again, and what has to be said is said now. The last one may be his `bye`, whose replies go
    nowhere. In between a link's messages come in order, the next when this one is done with.

    Args:
        link: its number.
        side: ours.
        invoice_id: 32 bytes.
        message: what was said.
    """

    link: int
    side: Side
    invoice_id: bytes = field(repr=False)
    message: LinkMessage = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkReplies:
    """What to say to that. A question is to be answered, now or later by `Say`.

    Args:
        messages: in order; questions may come later than what stands behind them, if four of ours
            are open.
        end: a reason to end the link for good behind them, None to go on.
    """

    messages: tuple[LinkMessage, ...] = ()
    end: str | None = None


# Facts.


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """A link is open: the payee has proved himself, or we have.

    Args:
        link: its number.
        side: ours.
        invoice_id: 32 bytes.
    """

    category: ClassVar[str | None] = "net"
    link: int
    side: Side
    invoice_id: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"link {self.link} is open, we are the {self.side.value}"


@dataclass(frozen=True, slots=True)
class LinkFailed:
    """A connection came to nothing before the link was open; a payer dials again.

    Args:
        link: its number.
        side: ours.
        reason: one sentence.
    """

    category: ClassVar[str | None] = "net"
    link: int
    side: Side
    reason: str

    def __str__(self) -> str:
        return f"link {self.link} did not open, we are the {self.side.value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """An open link's connection ended.

    Args:
        link: its number.
        side: ours.
        reason: one sentence.
    """

    category: ClassVar[str | None] = "net"
    link: int
    side: Side
    reason: str

    def __str__(self) -> str:
        return f"link {self.link} has closed, we were the {self.side.value}: {self.reason}"
