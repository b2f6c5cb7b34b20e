"""Headers, filters and proofs on the links of a wallet: given to who asks, asked of who gives.

    gethdrs, getcf --asked of the light client--> hdrs, cf
    greeted --gethdrs--> hdrs --judged by the light client--> gethdrs ... --all are known--> news
    a partner that we dialled, as long as no node gives filters: --getcf--> cf --held--> getcf ...

Filters are asked of one partner at a time, and of those alone that we dialled: the range tells how
old the wallet is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from axon.machine import MINUTE, Instant, earlier
from axon.node.partners import (
    FilterRange,
    HeadersHeard,
    JoinPartner,
    LeavePartner,
    WantFilters,
)
from axon.payments.chainmessages import CF, GetCF, GetHdrs, GetProof, Hdrs, ProofMessage
from axon.payments.chainservice import answer, asked, heard, question
from axon.payments.chaintalk import FILTERS_PAUSE, HEADERS_PAUSE, MAX_JOINED, ChainTalk
from axon.payments.linkbudget import WorkBudget
from axon.payments.linkevents import Side
from axon.payments.linkport import LinkPort
from axon.payments.messages import LinkMessage
from axon.payments.partnerevents import FindProof
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import Header
from axon.wire.messages import GetHeaders

GIVEN_BYTES_A_SECOND: Final = 1_000_000
"""Of filters, to all partners together; who asks for more is told that there are none now."""

GIVEN_AT_ONCE: Final = MINUTE
"""So long of that unused is kept: 60 MB, the filters of three weeks, are given at once."""

ChainMessage = GetHdrs | Hdrs | GetCF | CF | GetProof
"""What is said of the chain; proofs that come are the wallet's."""


class ChainExchange:
    """What is said of the chain on all links.

    Args:
        port: the way to the links.
        lied: told of a link on which was said what no honest wallet says, before it ends.
    """

    def __init__(self, port: LinkPort, lied: Callable[[int], None]) -> None:
        self._port = port
        self._lied = lied
        self.talks: dict[int, ChainTalk] = {}
        """Links that are open, by number."""
        self._given = WorkBudget(GIVEN_BYTES_A_SECOND, GIVEN_AT_ONCE)
        self._filters_asked: int | None = None  # The link on which they are.
        self._looks_at_filters = False  # It is being asked which are wanted.

    # Links come and go, time passes.

    def closed(self, link: int) -> ChainTalk:
        """A link has ended; what it was."""
        talk = self.talks.pop(link)
        if talk.is_joined:
            self._port.ask_client(LeavePartner(link), _nothing)
        if self._filters_asked == link:
            self._filters_asked = None
        return talk

    def join(self, talk: ChainTalk, now: Instant) -> bool:
        """Begin to ask somebody who answers; whether there was a seat for him."""
        came = [each for each in self.talks.values() if each.is_joined and each.side is Side.PAYEE]
        if talk.side is Side.PAYEE and len(came) >= MAX_JOINED:
            return False
        talk.joined(now)
        self._ask_headers(talk)
        return True

    def tick(self, now: Instant) -> None:
        """Do what is due."""
        for talk in self.talks.values():
            if talk.headers_at is not None and talk.headers_at <= now:
                talk.headers_at = now + HEADERS_PAUSE
                self._port.ask_client(LeavePartner(talk.link), _nothing)
                self._ask_headers(talk)
        self._look_at_filters(now)

    def deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        due: Instant | None = None
        for talk in self.talks.values():
            due = earlier(due, talk.headers_at)
            if self._filters_asked is None and not self._looks_at_filters:
                due = earlier(due, talk.filters_at)
        return due

    # We ask.

    def _ask_headers(self, talk: ChainTalk) -> None:
        self._port.ask_client(JoinPartner(talk.link), partial(self._asks_headers, talk.link))

    def _asks_headers(self, link: int, wanted: GetHeaders | None, now: Instant) -> None:
        asks = question(wanted)
        if asks is not None and link in self.talks and self._port.say(link, now, asks):
            self.talks[link].asked_headers()

    def _look_at_filters(self, now: Instant) -> None:
        """Ask which filters a partner may give, if there is one who may be asked."""
        if self._looks_at_filters or self._filters_asked is not None or not self._givers(now):
            return
        self._looks_at_filters = True
        self._port.ask_client(WantFilters(), self._asks_filters)

    def _givers(self, now: Instant) -> list[ChainTalk]:
        """Who may be asked for filters now."""
        return [
            talk
            for talk in self.talks.values()
            if talk.filters_at is not None and talk.filters_at <= now
        ]

    def _asks_filters(self, wanted: tuple[int, BlockHash] | None, now: Instant) -> None:
        self._looks_at_filters = False
        asks = question(wanted)
        for talk in self._givers(now):
            if isinstance(asks, GetCF) and self._port.say(talk.link, now, asks):
                talk.asked_filters, self._filters_asked = asks, talk.link
                return
            talk.filters_at = now + FILTERS_PAUSE

    # The other side says something.

    def heard(self, task: int, talk: ChainTalk, message: LinkMessage, now: Instant) -> None:
        """One message, which is answered by `task`."""
        port, link = self._port, talk.link
        match message:
            case GetHdrs():
                talk.wants_news = True
                port.ask_client(asked(message), partial(self._gives, task))
            case GetCF(start_height) if self._given.is_spent(now):
                port.reply(task, now, answer(FilterRange(start_height)))
            case GetCF():
                port.ask_client(asked(message), partial(self._gives, task))
            case GetProof(txid) if talk.is_partner:
                port.reply(task, now, ProofMessage(txid))
            case GetProof(txid):
                job = FindProof(talk.side, talk.invoice_id, txid)
                port.order(job, partial(self._proves, task, txid))
            case Hdrs() if talk.is_joined and not talk.may_send(message):
                self.end(task, talk, "headers that nobody asked for", now)
            case Hdrs() if talk.is_joined:
                port.ask_client(heard(link, message), partial(self._heard_headers, link, task))
            case CF() if talk.answers(message):
                then = partial(self._heard_filters, link, task, len(message.filters))
                port.ask_client(heard(link, message), then)
            case CF() if talk.asked_filters is not None:
                self.end(task, talk, "other filters than were asked for", now)
            case _:
                port.reply(task, now)

    def end(self, task: int, talk: ChainTalk, why: str, now: Instant) -> None:
        """This no honest wallet says: the link ends."""
        self._lied(talk.link)
        self._port.reply(task, now, end=why)

    def best_advanced(self, header: Header, now: Instant) -> None:
        """The best header is another one: tell who asked for headers."""
        for talk in self.talks.values():
            if talk.wants_news:
                self._port.say(talk.link, now, Hdrs((header,)))

    def _gives(self, task: int, given: tuple[Header, ...] | FilterRange, now: Instant) -> None:
        if isinstance(given, FilterRange):
            self._given.spend(sum(map(len, given.filters)), now)
        self._port.reply(task, now, answer(given))

    def _proves(self, task: int, txid: Txid, proof: bytes, now: Instant) -> None:
        self._port.reply(task, now, ProofMessage(txid, proof))

    def _heard_headers(self, link: int, task: int, came: HeadersHeard, now: Instant) -> None:
        talk, asks = self.talks.get(link), question(came.question)
        if talk is not None and came.fault:
            self.end(task, talk, came.fault, now)
            return
        if talk is not None:
            talk.headers += came.new
            if came.new and talk.filters_at is not None:
                talk.filters_at = min(talk.filters_at, now)
        if talk is None or asks is None:
            self._port.reply(task, now)
        else:
            talk.asked_headers()
            self._port.reply(task, now, asks)

    def _heard_filters(self, link: int, task: int, came: int, taken: int, now: Instant) -> None:
        if link in self.talks:
            self._filters_asked = None
            self.talks[link].took_filters(taken, came, now)
        self._port.reply(task, now)


def _nothing(_outcome: object, _now: Instant) -> None:
    """Nothing follows."""
