"""A wallet's two machines as one: its light client, and its links to other wallets.

    sockets, lanes, callers
        |  events                 effects  ^
        v                                  |
    +----------------------------------------------+
    | WalletNode   whose event is it; what follows |
    |   SpvNode    headers, filters, nodes         |
    |   PartnerNode   links to wallets             |
    +----------------------------------------------+

Peers, dials and jobs belong to one of the two. What a payment wants of the network
(`DealStep.wants`) is asked of the light client, whose answers go back to the wallet as jobs.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import Final

from axon.errors import WalletError
from axon.machine import (
    MINUTE,
    SECOND,
    Answer,
    Clogged,
    Closed,
    Commanded,
    Completed,
    Delegate,
    Dial,
    DialFailed,
    Disconnect,
    Drained,
    Effect,
    Event,
    Instant,
    Machine,
    Opened,
    PeerId,
    Received,
    Report,
    Resolve,
    Resolved,
    earlier,
)
from axon.node.commands import SendTransaction
from axon.node.facts import HeadersAdvanced, PaymentFound, ScanAdvanced
from axon.node.partners import PartnerCommand
from axon.node.spendfacts import ConflictSeen, Echoed, WatchedMined
from axon.node.spends import FindSpends, StopWatching, WatchPayment
from axon.node.spendwatch import MAX_QUESTIONS
from axon.node.spv import SpvNode
from axon.payments.byfile import FileChecked
from axon.payments.coinsfound import (
    CoinsAsked,
    PaymentWatched,
    Purpose,
    claimed_coins,
    found_verdict,
)
from axon.payments.desk import (
    AtDesk,
    CoinsLookedUp,
    DeskCommand,
    DeskJob,
    FollowBlocks,
    PayeeSilent,
    PayerLeft,
    PeersShow,
    ResumeDeals,
    RuledOut,
)
from axon.payments.headerchain import BestHeaders
from axon.payments.httpjoin import SENDER_PATIENCE, OfferAnswered
from axon.payments.invoice import Invoice
from axon.payments.link import LinkNode
from axon.payments.linkevents import (
    WALLET_LANE,
    CloseLink,
    LinkClosed,
    LinkOpened,
    LinkReplies,
    OpenLink,
    Say,
    Side,
)
from axon.payments.partnerevents import BestAdvanced, PartnerNodeCommand
from axon.payments.partnernode import PartnerNode
from axon.payments.payjoin import Proposal
from axon.payments.step import (
    DealsMoved,
    DealStep,
    KeepWatching,
    LookUp,
    ReachPayee,
    RestLink,
    Settle,
    Tell,
    WatchFor,
)
from axon.primitives.hashes import Txid

PAYEE_PATIENCE: Final = MINUTE
"""A payee who has not accepted after so long is not waited for: the payment is settled without
him."""

PAYER_PATIENCE: Final = 30 * SECOND
"""A payer whose link is lost has so long to come back with a joined payment."""


class _Part(Enum):
    SPV = auto()
    LINKS = auto()
    OWN = auto()


class WalletNode:
    """A wallet on the network, as a `Machine`.

    Args:
        spv: its light client.
        links: to other wallets.
    """

    def __init__(self, spv: SpvNode, links: LinkNode | PartnerNode) -> None:
        self.spv = spv
        self._links = links
        self._machines: dict[_Part, Machine] = {_Part.SPV: spv, _Part.LINKS: links}
        self._peers: dict[PeerId, _Part] = {}
        self._tickets: dict[int, tuple[_Part, int]] = {}  # Of dials and lookups.
        self._tasks: dict[int, tuple[_Part, int | DeskJob]] = {}
        self._inner: dict[int, Purpose | None] = {}  # Commands of ours, by negative ticket.
        self._answers: dict[int, int] = {}  # Tickets of callers, by task.
        self._of_invoice: dict[tuple[Side, bytes], int] = {}  # Links that are open.
        self._due: dict[tuple[Side, bytes], Instant] = {}
        self.watched: dict[Txid, bytes] = {}
        """Payments against which whatever goes is told of, and for which invoice each is."""
        self._ticket = self._task = self._asked = 0
        self._wanted: deque[tuple[_Part, Effect]] = deque()
        self._effects: list[Effect] = []
        self._lookups: deque[LookUp] = deque()
        self._looking = 0  # Questions of ours that are open.
        self._is_new = True

    # The machine.

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; the effects are performed in order."""
        self._begin(now)
        match event:
            case Opened(peer, remote, local, ticket):
                part, inner = self._owner(ticket)
                self._peers[peer] = part
                self._give(part, Opened(peer, remote, local, inner), now)
            case DialFailed(ticket, reason):
                part, inner = self._tickets.pop(ticket)
                self._give(part, DialFailed(inner, reason), now)
            case Resolved(ticket, endpoints):
                part, inner = self._tickets.pop(ticket)
                self._give(part, Resolved(inner, endpoints), now)
            case Completed(task, outcome):
                self._completed(task, outcome, now)
            case Commanded(ticket, command):
                self._commanded(ticket, command, now)
            case Received(peer) | Clogged(peer) | Drained(peer):
                self._give(self._peers[peer], event, now)
            case Closed(peer):
                self._give(self._peers.pop(peer), event, now)
        return self._take(now)

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        self._begin(now)
        for part, machine in self._machines.items():
            deadline = machine.deadline()
            if deadline is not None and deadline <= now:
                self._wanted += [(part, effect) for effect in machine.tick(now)]
        for (side, invoice_id), due in list(self._due.items()):
            if due <= now:
                del self._due[side, invoice_id]
                silent = PayeeSilent if side is Side.PAYER else PayerLeft
                self._order(silent(invoice_id), now)
        return self._take(now)

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called next."""
        soonest = earlier(self.spv.deadline(), self._links.deadline())
        return earlier(soonest, min(self._due.values(), default=None))

    def _begin(self, now: Instant) -> None:
        if self._is_new:
            self._is_new = False
            self._order(ResumeDeals(), now)

    def _take(self, now: Instant) -> list[Effect]:
        """All effects; what one of the two wants follows behind what was wanted before."""
        while self._wanted:
            self._perform(*self._wanted.popleft(), now)
        effects, self._effects = self._effects, []
        return effects

    # Between the two and the driver.

    def _owner(self, ticket: int | None) -> tuple[_Part, int | None]:
        """Whose a new connection is: nobody dials a light client."""
        return (_Part.LINKS, None) if ticket is None else self._tickets.pop(ticket)

    def _give(self, part: _Part, event: Event, now: Instant) -> None:
        self._wanted += [(part, effect) for effect in self._machines[part].handle(event, now)]

    def _perform(self, part: _Part, effect: Effect, now: Instant) -> None:
        """Pass on what one of the two wants, under numbers that both share."""
        match effect:
            case Dial(ticket, endpoint, private):
                self._effects.append(Dial(self._number(part, ticket), endpoint, private))
            case Resolve(ticket, host, port):
                self._effects.append(Resolve(self._number(part, ticket), host, port))
            case Delegate(task, job) if isinstance(job, DeskJob):
                self._order(job, now, inner=task)
            case Delegate(task, job) if isinstance(job, PartnerCommand):
                self._ask_spv(job, task, now)
            case Delegate(task, job, lane):
                self._delegate(part, task, job, lane)
            case Answer(ticket, value) if ticket < 0:
                self._told(ticket, value, now)
            case Report(fact):
                self._effects.append(effect)
                self._reported(fact, now)
            case Disconnect(peer):
                self._peers.pop(peer, None)
                self._effects.append(effect)
            case _:
                self._effects.append(effect)

    def _number(self, part: _Part, inner: int) -> int:
        self._ticket += 1
        self._tickets[self._ticket] = (part, inner)
        return self._ticket

    def _delegate(self, part: _Part, inner: int | DeskJob, job: object, lane: str) -> int:
        self._task += 1
        self._tasks[self._task] = (part, inner)
        self._effects.append(Delegate(self._task, job, lane))
        return self._task

    # The wallet's desk.

    def _order(self, job: DeskJob, now: Instant, inner: int | None = None) -> int:
        """Have the wallet do something for a payment."""
        chain = BestHeaders(self.spv.headers.best)
        part, what = (_Part.OWN, job) if inner is None else (_Part.LINKS, inner)
        return self._delegate(part, what, AtDesk(job, chain, now // SECOND), WALLET_LANE)

    def _completed(self, task: int, outcome: object, now: Instant) -> None:
        part, inner = self._tasks.pop(task)
        if isinstance(inner, int):
            if isinstance(outcome, DealStep):
                told = LinkReplies(outcome.messages, outcome.end)
                self._give(part, Completed(inner, told), now)
                self._carry_out(outcome, now)
            else:
                self._give(part, Completed(inner, outcome), now)
            return
        ticket = self._answers.pop(task, None)
        if ticket is not None:
            self._effects.append(Answer(ticket, outcome))
        if isinstance(outcome, OfferAnswered) and isinstance(outcome.said, Proposal):
            self._due[Side.PAYEE, outcome.invoice_id] = now + SENDER_PATIENCE
        if isinstance(outcome, WalletError | Invoice | FileChecked | OfferAnswered | tuple):
            return
        assert isinstance(outcome, DealStep), f"no outcome of a desk: {outcome!r}"
        self._say(inner, outcome, now)
        self._carry_out(outcome, now)

    def _say(self, job: DeskJob, step: DealStep, now: Instant) -> None:
        """Tell the partner what follows from something that he did not say himself."""
        if step.messages:
            assert isinstance(job, CoinsLookedUp | PeersShow | PayerLeft), "these are about a payer"
            self._tell(Tell(job.invoice_id, step.messages), now)

    def _tell(self, want: Tell, now: Instant) -> None:
        link = self._of_invoice.get((Side.PAYEE, want.invoice_id))
        if link is not None:
            self._ask_links(Say(link, want.messages), now)

    def _carry_out(self, step: DealStep, now: Instant) -> None:
        self._effects.append(Report(DealsMoved()))
        for want in step.wants:
            match want:
                case LookUp():
                    self._lookups.append(want)
                    self._look_up_next(now)
                case WatchFor():
                    self._watch(want, now)
                case KeepWatching(invoice_ids):
                    for invoice_id in frozenset(self.watched.values()) - invoice_ids:
                        self._unwatch(invoice_id, now)
                case Settle(transaction):
                    self._ask_spv(SendTransaction(transaction), None, now)
                case Tell():
                    self._tell(want, now)
                case ReachPayee(invoice):
                    self._due[Side.PAYER, invoice.id] = now + PAYEE_PATIENCE
                    self._ask_links(OpenLink(invoice), now)
                case RestLink(invoice_id):
                    self._due.pop((Side.PAYER, invoice_id), None)
                    link = self._of_invoice.get((Side.PAYER, invoice_id))
                    if link is not None:
                        self._ask_links(CloseLink(link), now)

    def _look_up_next(self, now: Instant) -> None:
        """A light client takes so many questions: the others wait here, and nobody's is lost."""
        while self._lookups and self._looking < MAX_QUESTIONS:
            want = self._lookups.popleft()
            self._looking += 1
            purpose = CoinsAsked(want.invoice_id, want.txid)
            self._ask_spv(FindSpends(claimed_coins(want.claims)), purpose, now)

    def _watch(self, want: WatchFor, now: Instant) -> None:
        self._unwatch(want.invoice_id, now)
        txid = want.transaction.txid
        self.watched[txid] = want.invoice_id
        watch = WatchPayment(want.transaction, claimed_coins(want.claims), want.ancestors)
        self._ask_spv(watch, PaymentWatched(txid), now)

    def _unwatch(self, invoice_id: bytes, now: Instant) -> None:
        for txid in [txid for txid, each in self.watched.items() if each == invoice_id]:
            del self.watched[txid]
            self._ask_spv(StopWatching(txid), None, now)

    def _ask_spv(self, command: object, purpose: Purpose | None, now: Instant) -> None:
        self._asked -= 1
        self._inner[self._asked] = purpose
        self._give(_Part.SPV, Commanded(self._asked, command), now)

    def _ask_links(self, command: object, now: Instant) -> None:
        self._asked -= 1
        self._inner[self._asked] = None
        self._give(_Part.LINKS, Commanded(self._asked, command), now)

    def _told(self, ticket: int, value: object, now: Instant) -> None:
        """One of the two answers what was asked of it."""
        match self._inner.pop(ticket):
            case CoinsAsked(invoice_id, txid):
                verdict = found_verdict(value, txid, self.spv.headers.best.height)
                self._order(CoinsLookedUp(invoice_id, txid, verdict), now)
                self._looking -= 1
                self._look_up_next(now)
            case int(task):
                self._give(_Part.LINKS, Completed(task, value), now)
            case PaymentWatched(txid) if value is not None:
                self.watched.pop(txid, None)  # Too many are: nothing is told of this one.

    def _reported(self, fact: object, now: Instant) -> None:
        match fact:
            case LinkOpened(link, side, invoice_id):
                self._of_invoice[side, invoice_id] = link
                if side is Side.PAYEE:
                    self._due.pop((side, invoice_id), None)
            case LinkClosed(link, side):
                for key in [key for key, each in self._of_invoice.items() if each == link]:
                    del self._of_invoice[key]
                    if side is Side.PAYEE:
                        self._due[key] = now + PAYER_PATIENCE
            case Echoed(txid, peers) if txid in self.watched:
                self._order(PeersShow(self.watched[txid], txid, peers), now)
            case ConflictSeen(txid, rival, peers) if txid in self.watched:
                self._order(PeersShow(self.watched[txid], txid, peers, rival), now)
            case WatchedMined(txid, by, height) if txid in self.watched and by != txid:
                self._order(RuledOut(self.watched[txid], txid, by, height), now)
            case PaymentFound() | ScanAdvanced():
                self._order(FollowBlocks(), now)
            case HeadersAdvanced():
                self._ask_links(BestAdvanced(self.spv.headers.best.header), now)
                if not self.spv.sessions:
                    self._order(FollowBlocks(alone=True), now)

    # What a person wants.

    def _commanded(self, ticket: int, command: object, now: Instant) -> None:
        if isinstance(command, DeskCommand):
            self._answers[self._order(command, now)] = ticket
        elif isinstance(command, PartnerNodeCommand):
            self._give(_Part.LINKS, Commanded(ticket, command), now)
        else:
            self._give(_Part.SPV, Commanded(ticket, command), now)
