"""What is said on one link about the chain: what we may ask, what we owe, and what is too much.

    greeted --`chain` in the hello--> joined --gethdrs--> hdrs ... --no more--> news, as it comes
    joined to a partner that we dialled --getcf--> cf ... --no more--> looked at again now and then

The states of one link; who acts on them is `chainexchange`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from axon.machine import MINUTE, SECOND, Instant
from axon.p2p.blockannounce import MAX_ANNOUNCED
from axon.payments.chainmessages import CF, GetCF, Hdrs
from axon.payments.linkevents import Side

MAX_JOINED: Final = 8
"""Links that were dialled to us on which we ask: those that we dial have their seats beside them
(`node/partnerchain.MAX_PARTNERS`)."""

MAX_CREDITS: Final = 2
"""Long answers that a partner may still owe: headers that nobody asked for cost us work."""

FILTERS_PAUSE: Final = 30 * SECOND
"""Until a partner is looked at again that had no filters for us."""

FALSE_PAUSE: Final = 10 * MINUTE
"""The same of one whose filters were not all taken."""

HEADERS_PAUSE: Final = 5 * MINUTE
"""Until a partner that we dialled is asked anew: so the link is not idle, and no news is lost."""

TELL_PAUSE: Final = 10 * MINUTE
"""Between two answers to `getpartners` on one link: nobody reads a whole table."""


@dataclass(slots=True)
class ChainTalk:
    """One open link.

    Args:
        link: its number.
        side: ours.
        invoice_id: which it is about, 32 bytes.
        is_partner: it is about no invoice: a partner serves, or is served.
        is_joined: we ask the other side for headers.
        wants_news: he asked for headers, so he is told of new ones.
        credits: long answers that he owes us.
        asked_filters: the question for filters that is open.
        asked_partners: the question for partners that is open.
        headers_at: when he is asked for headers anew; None for never.
        filters_at: from when on he may be asked for filters; None for never.
        told_at: when he was last told of partners.
        headers: how many of his were new.
        filters: how many of his were taken.
    """

    link: int
    side: Side
    invoice_id: bytes = field(repr=False)
    is_partner: bool
    is_joined: bool = False
    wants_news: bool = False
    credits: int = 0
    asked_filters: GetCF | None = None
    asked_partners: bool = False
    headers_at: Instant | None = None
    filters_at: Instant | None = None
    told_at: Instant | None = None
    headers: int = 0
    filters: int = 0

    @property
    def is_dialled(self) -> bool:
        """A partner that we dialled: it may learn from our questions which blocks we look at."""
        return self.is_partner and self.side is Side.PAYER

    def joined(self, now: Instant) -> None:
        """We begin to ask."""
        self.is_joined = True
        if self.is_dialled:
            self.headers_at, self.filters_at = now + HEADERS_PAUSE, now

    def asked_headers(self) -> None:
        """He is being asked for headers."""
        self.credits = min(self.credits + 1, MAX_CREDITS)

    def may_send(self, message: Hdrs) -> bool:
        """Whether he may send these headers: an answer, or news."""
        if len(message.headers) <= MAX_ANNOUNCED:
            return True
        self.credits -= 1
        return self.credits >= 0

    def answers(self, message: CF) -> bool:
        """Whether these are filters that he was asked for; if so, the question is answered."""
        asked = self.asked_filters
        if asked is None or asked.start_height != message.start_height:
            return False
        self.asked_filters = None
        return True

    def took_filters(self, count: int, came: int, now: Instant) -> None:
        """So many of the filters that came were taken."""
        self.filters += count
        if count < came:
            self.filters_at = now + FALSE_PAUSE
        elif not came:
            self.filters_at = now + FILTERS_PAUSE

    def may_be_told(self, now: Instant) -> bool:
        """Whether he may be told of partners now; if so, he is."""
        if self.told_at is not None and now < self.told_at + TELL_PAUSE:
            return False
        self.told_at = now
        return True
