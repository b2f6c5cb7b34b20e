"""A wallet's two machines as one: its light client, and its links to other wallets.

    sockets, lanes, callers
        |  events                 effects  ^
        v                                  |
    +----------------------------------------------+
    | WalletNode   whose event is it; what follows |
    |   SpvNode    headers, filters, nodes         |
    |   LinkNode   partners                        |
    +----------------------------------------------+

Peers, dials and jobs belong to one of the two. What a payment wants of the network
(`DealStep.wants`) is asked of the light client, whose answers go back to the wallet as jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from axon.node.facts import PaymentFound, ScanAdvanced
from axon.node.spendfacts import ConflictSeen, Echoed, WatchedMined
from axon.node.spends import ClaimedCoin, FindSpends, Spent, StopWatching, Unspent, WatchPayment
from axon.node.spv import SpvNode
from axon.payments.desk import (
    AtDesk,
    CoinsLookedUp,
    DeskJob,
    FollowBlocks,
    IssueInvoice,
    ListDeals,
    OpenDesk,
    PayeeSilent,
    PayerLeft,
    PayInvoice,
    PeersShow,
    ResumeDeals,
    RuledOut,
)
from axon.payments.headerchain import BestHeaders
from axon.payments.invoice import Invoice
from axon.payments.link import LinkNode
from axon.payments.linkevents import (
    WALLET_LANE,
    CloseLink,
    Heard,
    LinkClosed,
    LinkOpened,
    LinkReplies,
    OpenLink,
    Prove,
    Say,
    Side,
)
from axon.payments.step import DealStep, LookUp, ReachPayee, RestLink, Settle, Tell, WatchFor
from axon.payments.verdict import CoinClaim, PaymentLevel, Verdict
from axon.primitives.hashes import Txid, to_hex

PAYEE_PATIENCE: Final = MINUTE
"""A payee who has not accepted after so long is not waited for: the payment is settled without
him."""

PAYER_PATIENCE: Final = 30 * SECOND
"""A payer whose link is lost has so long to come back with a joined payment."""


class _Part(Enum):
    SPV = auto()
    LINKS = auto()
    OWN = auto()


@dataclass(frozen=True, slots=True)
class _LookedUp:
    """What an inner command to the light client was for."""

    invoice_id: bytes


class WalletNode:
    """A wallet on the network, as a `Machine`.

    Args:
        spv: its light client.
        links: to other wallets.
        resumes: what an earlier run began goes on.
    """

    def __init__(self, spv: SpvNode, links: LinkNode, *, resumes: bool = True) -> None:
        self.spv = spv
        self._links = links
        self._machines: dict[_Part, Machine] = {_Part.SPV: spv, _Part.LINKS: links}
        self._peers: dict[PeerId, _Part] = {}
        self._tickets: dict[int, tuple[_Part, int]] = {}  # Of dials and lookups.
        self._tasks: dict[int, tuple[_Part, int | DeskJob]] = {}
        self._inner: dict[int, _LookedUp | None] = {}  # Commands of ours, by negative ticket.
        self._answers: dict[int, int] = {}  # Tickets of callers, by task.
        self._of_invoice: dict[tuple[Side, bytes], int] = {}  # Links that are open.
        self._due: dict[tuple[Side, bytes], Instant] = {}
        self._watched: dict[Txid, bytes] = {}  # Payments, and for which invoice.
        self._ticket = self._task = self._asked = 0
        self._effects: list[Effect] = []
        self._resumes = resumes

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
        return self._take()

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        self._begin(now)
        for part, machine in self._machines.items():
            deadline = machine.deadline()
            if deadline is not None and deadline <= now:
                self._perform(part, machine.tick(now), now)
        for (side, invoice_id), due in list(self._due.items()):
            if due <= now:
                del self._due[side, invoice_id]
                silent = PayeeSilent if side is Side.PAYER else PayerLeft
                self._order(silent(invoice_id), now)
        return self._take()

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called next."""
        soonest = earlier(self.spv.deadline(), self._links.deadline())
        return earlier(soonest, min(self._due.values(), default=None))

    def _begin(self, now: Instant) -> None:
        if self._resumes:
            self._resumes = False
            self._order(ResumeDeals(), now)

    def _take(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    # Between the two and the driver.

    def _owner(self, ticket: int | None) -> tuple[_Part, int | None]:
        """Whose a new connection is: nobody dials a light client."""
        return (_Part.LINKS, None) if ticket is None else self._tickets.pop(ticket)

    def _give(self, part: _Part, event: Event, now: Instant) -> None:
        self._perform(part, self._machines[part].handle(event, now), now)

    def _perform(self, part: _Part, effects: Sequence[Effect], now: Instant) -> None:
        """Pass on what one of the two wants, under numbers that both share."""
        for effect in effects:
            match effect:
                case Dial(ticket, endpoint, private):
                    self._effects.append(Dial(self._number(part, ticket), endpoint, private))
                case Resolve(ticket, host, port):
                    self._effects.append(Resolve(self._number(part, ticket), host, port))
                case Delegate(task, Prove() | Heard() as job):
                    self._order(job, now, inner=task)
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
        if isinstance(outcome, WalletError | Invoice | tuple):
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
        for want in step.wants:
            match want:
                case LookUp(invoice_id, claims):
                    self._ask_spv(FindSpends(_coins(claims)), _LookedUp(invoice_id), now)
                case WatchFor():
                    self._watch(want, now)
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

    def _watch(self, want: WatchFor, now: Instant) -> None:
        for txid in [txid for txid, each in self._watched.items() if each == want.invoice_id]:
            del self._watched[txid]
            self._ask_spv(StopWatching(txid), None, now)
        self._watched[want.transaction.txid] = want.invoice_id
        watch = WatchPayment(want.transaction, _coins(want.claims), want.ancestors)
        self._ask_spv(watch, None, now)

    def _ask_spv(self, command: object, purpose: _LookedUp | None, now: Instant) -> None:
        self._asked -= 1
        self._inner[self._asked] = purpose
        self._give(_Part.SPV, Commanded(self._asked, command), now)

    def _ask_links(self, command: object, now: Instant) -> None:
        self._asked -= 1
        self._inner[self._asked] = None
        self._give(_Part.LINKS, Commanded(self._asked, command), now)

    def _told(self, ticket: int, value: object, now: Instant) -> None:
        """One of the two answers what was asked of it."""
        purpose = self._inner.pop(ticket)
        if purpose is not None:
            verdict = found_verdict(value, self.spv.headers.best.height)
            self._order(CoinsLookedUp(purpose.invoice_id, verdict), now)

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
            case Echoed(txid, peers) if txid in self._watched:
                self._order(PeersShow(self._watched[txid], peers), now)
            case ConflictSeen(txid, rival, peers) if txid in self._watched:
                self._order(PeersShow(self._watched[txid], peers, rival), now)
            case WatchedMined(txid, by, height) if txid in self._watched and by != txid:
                self._order(RuledOut(self._watched[txid], by, height), now)
            case PaymentFound() | ScanAdvanced():
                self._order(FollowBlocks(), now)

    # What a person wants.

    def _commanded(self, ticket: int, command: object, now: Instant) -> None:
        if isinstance(command, IssueInvoice | OpenDesk | PayInvoice | ListDeals | FollowBlocks):
            self._answers[self._order(command, now)] = ticket
        else:
            self._give(_Part.SPV, Commanded(ticket, command), now)


def _coins(claims: Sequence[CoinClaim]) -> tuple[ClaimedCoin, ...]:
    return tuple([ClaimedCoin(each.outpoint, each.script_pubkey, each.height) for each in claims])


def found_verdict(found: object, height: int) -> Verdict:
    """What the light client found of a payment's coins, as a verdict.

    Args:
        found: `Unspent` or `Spent`; anything else says that nothing could be found out.
        height: of our headers.
    """
    match found:
        case Unspent():
            return Verdict(PaymentLevel.UNSPENT, height=found.height, peers=found.peers)
        case Spent():
            reason = (
                f"a coin of it was spent by transaction {to_hex(found.txid)} in block"
                f" {found.height}"
            )
            return Verdict(PaymentLevel.REFUSED, "coin-spent", reason, found.height)
    return Verdict(PaymentLevel.FUNDED, height=height)
