"""The links that a wallet keeps as the payer: when it dials which endpoint of an invoice.

    due --dialled--> under way --open--> open --lost--> due after a pause
                     under way --failed--> due: the next endpoint at once, after the last a pause

The pause doubles from round to round. Who has nothing more to say rests: then nothing is due.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.machine import MINUTE, SECOND, Dial, Endpoint, Instant, earlier
from axon.payments.linkevents import LinkTarget

FIRST_PAUSE: Final = SECOND
MAX_PAUSE: Final = 5 * MINUTE
STEADY: Final = MINUTE
"""A link that was open for so long was a success: the pauses begin anew."""


class LinkDials:
    """The dialling for one invoice.

    Args:
        endpoints: in the order in which they are tried; at least one.
        rng: smears pauses.
        now: the first one is due.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...], rng: Random, now: Instant) -> None:
        self._endpoints = endpoints
        self._rng = rng
        self._at = 0
        self._pause = FIRST_PAUSE
        self._opened_at: Instant | None = None
        self.due: Instant | None = now
        """When to dial; None while that is under way, while the link is open, and at rest."""

    def take(self) -> Endpoint:
        """The endpoint to dial now."""
        self.due = None
        return self._endpoints[self._at]

    def opened(self, now: Instant) -> None:
        """The payee has proved himself there."""
        self._opened_at = now

    def failed(self, now: Instant) -> None:
        """Nobody is there, or not the payee, or he has no room, or the link was lost."""
        if self._opened_at is None:
            self._at = (self._at + 1) % len(self._endpoints)
            self.due = now if self._at else self._after_pause(now)
            return
        if now - self._opened_at >= STEADY:
            self._pause = FIRST_PAUSE
        self._opened_at = None
        self.due = self._after_pause(now)  # Where he was, he may be again.

    def rest(self) -> None:
        """Nothing is to be said any more."""
        self._opened_at = self.due = None
        self._pause = FIRST_PAUSE

    def hurry(self, now: Instant) -> None:
        """Somebody waits: dial at once."""
        self.due = now

    def _after_pause(self, now: Instant) -> Instant:
        pause = int(self._pause * (0.75 + 0.5 * self._rng.random()))
        self._pause = min(2 * self._pause, MAX_PAUSE)
        return now + pause


class _Kept:
    __slots__ = ("dials", "invoice", "is_connected", "ticket")

    def __init__(self, invoice: LinkTarget, dials: LinkDials) -> None:
        self.invoice = invoice
        self.dials = dials
        self.ticket: int | None = None  # Of the dial that is under way.
        self.is_connected = False


class KeptLinks:
    """The links that are to stand, as the payer. The owner alone adds to them: no bound is needed.

    Args:
        rng: smears pauses.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._kept: dict[int, _Kept] = {}
        self._dialling: dict[int, int] = {}  # Link of each dial, by ticket.
        self._tickets = 0

    def link_of(self, invoice: LinkTarget, now: Instant) -> int | None:
        """The link about an invoice, which is dialled at once if it has no connection."""
        for link, kept in self._kept.items():
            if kept.invoice.id == invoice.id:
                if not kept.is_connected and kept.ticket is None:
                    kept.dials.hurry(now)
                return link
        return None

    def add(self, link: int, invoice: LinkTarget, now: Instant) -> None:
        """One more; its invoice names an endpoint."""
        self._kept[link] = _Kept(invoice, LinkDials(invoice.endpoints, self._rng, now))

    def remove(self, link: int) -> bool:
        """One less; whether there was one."""
        return self._kept.pop(link, None) is not None

    def invoice(self, link: int) -> LinkTarget:
        """What one of them is about."""
        return self._kept[link].invoice

    def dial(self, now: Instant) -> list[Dial]:
        """The connections to open now."""
        dials = []
        for link, kept in self._kept.items():
            if kept.dials.due is not None and now >= kept.dials.due:
                kept.ticket = self._tickets = self._tickets + 1
                self._dialling[kept.ticket] = link
                dials.append(Dial(kept.ticket, kept.dials.take()))
        return dials

    def dialled(self, ticket: int, *, stands: bool, now: Instant) -> int | None:
        """A dial came to an end.

        Args:
            ticket: of the dial.
            stands: there is a connection.
            now: the present.

        Returns:
            Its link; None if that is not wanted any more.
        """
        link = self._dialling.pop(ticket)
        kept = self._kept.get(link)
        if kept is None:
            return None
        kept.ticket = None
        kept.is_connected = stands
        if not stands:
            kept.dials.failed(now)
        return link

    def opened(self, link: int, now: Instant) -> None:
        """The payee has proved himself."""
        self._kept[link].dials.opened(now)

    def lost(self, link: int, now: Instant, *, rests: bool) -> None:
        """A connection ended, of a link that may be none of these.

        Args:
            link: its link.
            now: the present.
            rests: there is no need for another one now.
        """
        kept = self._kept.get(link)
        if kept is None:
            return
        kept.is_connected = False
        if rests:
            kept.dials.rest()
        else:
            kept.dials.failed(now)

    def deadline(self) -> Instant | None:
        """When the next dial is due."""
        due: Instant | None = None
        for kept in self._kept.values():
            due = earlier(due, kept.dials.due)
        return due
