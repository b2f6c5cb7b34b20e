"""To which partners a wallet keeps links: those that a person named, and a few of those it knows.

    picked --proves its key--> kept --link lost--> awaited --link again--> kept
    picked or awaited --LIMIT--> given up, another one is picked after a pause
    heard of, while enough are kept --probed now and then--> proved, and left alone

A probe is a link that is closed as soon as the partner has proved its key: so hearsay becomes
something that may be passed on, and a table of strangers is not dialled all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.machine import MINUTE, SECOND, Instant, earlier
from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnertable import PartnerTable

MAX_NAMED: Final = 8
"""Partners that a person may name."""

WANTED: Final = 3
"""Links that are kept, those that a person named among them: one honest partner is enough to learn
of the chain with the most work."""

PROVE_LIMIT: Final = MINUTE
"""So long a partner that was picked has to prove its key."""

LOST_LIMIT: Final = 10 * MINUTE
"""So long one whose link was lost is dialled again."""

PICK_PAUSE: Final = 10 * SECOND
"""Between two that are picked."""

PROBE_PAUSE: Final = 10 * MINUTE
"""Between two that are probed while enough are kept."""


@dataclass(slots=True)
class DialledPartner:
    """One link that is kept.

    Args:
        address: the partner's.
        is_named: by a person: it is never given up.
        is_probe: the link is closed when the partner has proved its key.
        until: it is given up then; None while the link is open, and for one that was named.
        has_proved: it has proved its key.
    """

    address: PartnerAddress
    is_named: bool
    is_probe: bool
    until: Instant | None
    has_proved: bool = False


class PartnerDials:
    """The links of one wallet to partners that it dials.

    Args:
        table: what it knows.
        named: by a person, at most 8.
        rng: picks.
        finds: others are dialled, too.
    """

    def __init__(
        self, table: PartnerTable, named: Iterable[PartnerAddress], rng: Random, *, finds: bool
    ) -> None:
        self._table = table
        self._named = list(named)[:MAX_NAMED]
        self._rng = rng
        self._finds = finds
        self._kept: dict[int, DialledPartner] = {}
        self._next_at: Instant = 0

    @property
    def kept(self) -> dict[int, DialledPartner]:
        """By the numbers of their links; not to be changed."""
        return self._kept

    def pick(self, now: Instant) -> tuple[PartnerAddress, bool, bool] | None:
        """Whom to open a link to now: address, whether it was named, whether it is a probe."""
        if self._named:
            return self._named.pop(0), True, False
        if not self._finds or now < self._next_at:
            return None
        is_full = sum(not each.is_probe for each in self._kept.values()) >= WANTED
        known = [each.address.public_key for each in self._kept.values()]
        address = self._table.pick(self._rng, known, is_proved=False if is_full else None)
        self._next_at = now + (PROBE_PAUSE if is_full or address is None else PICK_PAUSE)
        return None if address is None else (address, False, is_full)

    def begun(self, link: int, picked: tuple[PartnerAddress, bool, bool], now: Instant) -> None:
        """A link is being opened to one that was picked."""
        address, is_named, is_probe = picked
        until = None if is_named else now + PROVE_LIMIT
        self._kept[link] = DialledPartner(address, is_named, is_probe, until)

    def heard(self, now: Instant) -> None:
        """There may be others to dial."""
        self._next_at = min(self._next_at, now + PICK_PAUSE)

    def proved(self, link: int, now: Instant) -> None:
        """A partner has proved its key."""
        partner = self._kept[link]
        self._table.proved(partner.address, now // SECOND)
        partner.until = now if partner.is_probe else None
        partner.has_proved = True

    def lost(self, link: int, now: Instant) -> None:
        """An open link was lost; it is dialled again by itself."""
        partner = self._kept.get(link)
        if partner is not None and not partner.is_named:
            partner.until = now if partner.is_probe else now + LOST_LIMIT

    def lied(self, link: int) -> None:
        """A partner sent what no honest one sends: it is dialled no more in this run."""
        partner = self._kept.pop(link, None)
        if partner is not None:
            self._table.forget(partner.address.public_key)

    def give_up(self, now: Instant) -> list[int]:
        """The links to close now."""
        over = [
            link
            for link, partner in self._kept.items()
            if partner.until is not None and now >= partner.until
        ]
        for link in over:
            partner = self._kept.pop(link)
            if not (partner.is_probe and partner.has_proved):
                self._table.failed(partner.address.public_key)
                self.heard(now)
        return over

    def deadline(self) -> Instant | None:
        """When `pick` or `give_up` has something to say."""
        due: Instant | None = 0 if self._named else None
        if self._finds and len(self._table):
            due = earlier(due, self._next_at)
        for partner in self._kept.values():
            due = earlier(due, partner.until)
        return due
