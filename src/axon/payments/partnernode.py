"""Links to wallets as a machine that also serves them, and is served: the chain among wallets.

    WalletNode  payments, the light client
        |  events                           effects  ^
        v                                            |
    +---------------------------------------------------+
    | PartnerNode   whom to link to, whom to tell of    |
    |   ChainExchange   headers, filters, proofs        |
    |   LinkNode    who may speak, how much, how long   |
    +---------------------------------------------------+

Questions about the chain are answered on every open link, and asked of who says in his hello that
he answers them. Beside links about invoices there are links to partners: a wallet that serves has a
key of its own, and whoever knows it may come. What is asked of the light client goes out as a job
(`node/partners`); what a partner says of headers and filters is judged there, what he says of other
partners in `partnertable`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from random import Random

from axon.machine import (
    SECOND,
    Answer,
    Commanded,
    Delegate,
    Effect,
    Endpoint,
    Event,
    Instant,
    Report,
    earlier,
)
from axon.payments.chainexchange import ChainExchange, ChainMessage
from axon.payments.chainmessages import ProofMessage
from axon.payments.chaintalk import ChainTalk
from axon.payments.link import LinkNode
from axon.payments.linkevents import CloseLink, Heard, LinkClosed, LinkOpened, OpenLink, Side
from axon.payments.linkfeatures import serves_chain
from axon.payments.linkmessages import Bye, Hello
from axon.payments.linkport import LinkPort
from axon.payments.messages import LinkMessage
from axon.payments.partneraddress import PartnerAddress, partner_id
from axon.payments.partnerbook import Recalled
from axon.payments.partnerdials import PartnerDials
from axon.payments.partnerevents import (
    BestAdvanced,
    KeepPartners,
    ListPartners,
    OpenPartnerKey,
    PartnerClosed,
    PartnerNodeCommand,
    PartnerOpened,
    PartnerState,
    RecallPartners,
    ServePartners,
)
from axon.payments.partnermessages import MAX_TOLD, GetPartners, Partners
from axon.payments.partnertable import PartnerTable


class PartnerNode:
    """A `Machine` around the links of one wallet.

    Args:
        links: whose hello should have the feature `CHAIN`.
        rng: all chance comes from here.
        named: partners that a person named.
        finds: others that are known are dialled, too.
        lab: loopback addresses count as public ones.
    """

    def __init__(
        self,
        links: LinkNode,
        rng: Random,
        *,
        named: Iterable[PartnerAddress] = (),
        finds: bool = False,
        lab: bool = False,
    ) -> None:
        self._port = LinkPort(links)
        self._rng = rng
        self._named = tuple(named)
        self._finds = finds
        self._lab = lab
        self._table = PartnerTable(lab=lab)
        self._dials = PartnerDials(self._table, (), rng, finds=False)  # Until it is recalled.
        self._chain = ChainExchange(self._port, self._lied)
        self._own: PartnerAddress | None = None  # While we serve.
        self._own_key = b""
        self._saving = False
        self._is_new = True
        self._effects: list[Effect] = []

    # The machine.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; the effects are performed in order."""
        self._begin()
        match event:
            case Commanded(ticket, command) if isinstance(command, PartnerNodeCommand):
                self._commanded(ticket, command, now)
            case _:
                self._port.handle(event, now)
        return self._settle(now)

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        self._begin()
        self._port.tick(now)
        self._perform(now)
        return self._settle(now)

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called next."""
        if self._is_new:
            return 0
        due = earlier(self._port.links.deadline(), self._dials.deadline())
        return earlier(due, self._chain.deadline())

    def _begin(self) -> None:
        if self._is_new:
            self._is_new = False
            self._port.order(RecallPartners(), self._recalled)

    def _settle(self, now: Instant) -> list[Effect]:
        """Dial, ask and keep whatever is due after a step; all effects of it."""
        self._perform(now)
        for link in self._dials.give_up(now):
            self._port.ask(CloseLink(link), now)
        while (picked := self._dials.pick(now)) is not None:
            opened = self._port.ask(OpenLink(picked[0]), now)
            assert isinstance(opened, int), "a partner has an endpoint"
            self._dials.begun(opened, picked, now)
            self._port.tick(now)  # It is dialled at once.
        self._chain.tick(now)
        if self._table.is_changed and not self._saving:
            self._table.is_changed, self._saving = False, True
            self._port.order(KeepPartners(self._table.encode()), self._saved)
        self._perform(now)
        effects, self._effects = self._effects, []
        return effects

    def _recalled(self, kept: Recalled, _now: Instant) -> None:
        self._own_key = kept.public_key
        self._table = PartnerTable(kept.partners, lab=self._lab)
        self._dials = PartnerDials(self._table, self._named, self._rng, finds=self._finds)

    def _saved(self, _outcome: object, _now: Instant) -> None:
        self._saving = False

    # The links.

    def _perform(self, now: Instant) -> None:
        """Pass on what the links want, but for what is about the chain or partners."""
        while (effect := self._port.take()) is not None:
            match effect:
                case Delegate(task, Heard(link, _, _, message)) if self._is_ours(link, message):
                    self._heard(task, self._chain.talks[link], message, now)
                case Delegate(_, Heard(link, _, _, Hello() as hello)):
                    self._effects.append(effect)
                    self._greeted(self._chain.talks[link], hello, now)
                case Report(LinkOpened() as fact):
                    self._opened(fact, effect, now)
                case Report(LinkClosed() as fact):
                    self._closed(fact, effect, now)
                case _:
                    self._effects.append(effect)

    def _is_ours(self, link: int, message: LinkMessage) -> bool:
        about = ChainMessage | GetPartners | Partners
        return self._chain.talks[link].is_partner or isinstance(message, about)

    def _opened(self, fact: LinkOpened, report: Effect, now: Instant) -> None:
        is_dialled = fact.link in self._dials.kept
        comes = fact.side is Side.PAYEE and fact.invoice_id == partner_id(self._own_key)
        talk = ChainTalk(fact.link, fact.side, fact.invoice_id, is_dialled or comes)
        self._chain.talks[fact.link] = talk
        if is_dialled:
            self._dials.proved(fact.link, now)
        opened = Report(PartnerOpened(fact.link, is_dialled)) if talk.is_partner else report
        self._effects.append(opened)

    def _closed(self, fact: LinkClosed, report: Effect, now: Instant) -> None:
        talk = self._chain.closed(fact.link)
        self._dials.lost(fact.link, now)
        closed = PartnerClosed(fact.link, talk.is_dialled, fact.reason)
        self._effects.append(Report(closed) if talk.is_partner else report)

    def _greeted(self, talk: ChainTalk, hello: Hello, now: Instant) -> None:
        """Somebody has said hello: ask him, if he answers."""
        if serves_chain(hello) and self._chain.join(talk, now) and talk.is_partner:
            talk.asked_partners = self._port.say(talk.link, now, GetPartners())

    def _heard(self, task: int, talk: ChainTalk, message: LinkMessage, now: Instant) -> None:
        match message:
            case GetPartners():
                told = self._told(now) if talk.may_be_told(now) else ()
                self._port.reply(task, now, Partners(told))
            case Partners(addresses):
                if talk.asked_partners:
                    talk.asked_partners = False
                    self._table.heard(addresses, self._teller(talk), self._own_key)
                    self._dials.heard(now)
                self._port.reply(task, now)
            case Hello():
                self._port.reply(task, now)
                self._greeted(talk, message, now)
            case _ if isinstance(message, ChainMessage | ProofMessage | Bye):
                self._chain.heard(task, talk, message, now)
            case _:
                self._chain.end(task, talk, "this link is about no payment", now)

    def _lied(self, link: int) -> None:
        self._dials.lied(link)

    # Whom we tell of.

    def _told(self, now: Instant) -> tuple[PartnerAddress, ...]:
        """Ourselves, if others can dial us, and some who have proved their keys."""
        own = self._own
        first = () if own is None or not own.netaddress.is_routable(self._lab) else (own,)
        return (*first, *self._table.told(self._rng, now // SECOND))[:MAX_TOLD]

    def _teller(self, talk: ChainTalk) -> bytes:
        """The key of a partner that we dialled; empty for who dialled us."""
        kept = self._dials.kept.get(talk.link)
        return b"" if kept is None else kept.address.public_key

    # What the owner wants.

    def _commanded(self, ticket: int, command: PartnerNodeCommand, now: Instant) -> None:
        match command:
            case ServePartners(endpoint):
                job = OpenPartnerKey(self._rng.randbytes(32))
                self._port.order(job, partial(self._serves, ticket, endpoint))
            case ListPartners():
                self._effects.append(Answer(ticket, self._states()))
            case BestAdvanced(header):
                self._chain.best_advanced(header, now)
                self._effects.append(Answer(ticket, None))

    def _serves(self, ticket: int, endpoint: Endpoint, public_key: bytes, _now: Instant) -> None:
        self._own_key = public_key
        self._own = PartnerAddress(public_key, endpoint)
        self._effects.append(Answer(ticket, self._own))

    def _states(self) -> tuple[PartnerState, ...]:
        known = {entry.address: entry.proved_s for entry in self._table.entries}
        links = {each.address: (link, each.is_named) for link, each in self._dials.kept.items()}
        return tuple(
            [
                self._state(address, known.get(address, 0), *links.get(address, (-1, False)))
                for address in dict.fromkeys([*links, *known])
            ]
        )

    def _state(
        self, address: PartnerAddress, proved_s: int, link: int, is_named: bool
    ) -> PartnerState:
        talk = self._chain.talks.get(link)
        headers, filters = (0, 0) if talk is None else (talk.headers, talk.filters)
        return PartnerState(address, is_named, talk is not None, proved_s, headers, filters)
