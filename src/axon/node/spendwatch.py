"""Whether coins that a stranger showed are unspent: the questions of payees, and the answers.

    asked --searched (node/spendsearch) up to the best block--> Unspent
    asked --a block spends one--> Spent
    asked --nobody gives filters, too much matches, nobody waits--> SpendsUnknown

Filters count once all peers that answer agree with their headers, or a block has decided between
them (`p2p/filtersync`); how many agree is part of the answer. Coins can also be followed: they are
searched on with each new block, as long as a payment is watched (`node/paymentwatch`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderTree
from axon.machine import SECOND, Instant
from axon.node.coinstates import CoinGroup, CoinState
from axon.node.outbox import Outbox
from axon.node.spendfacts import SpendsSearched
from axon.node.spends import ClaimedCoin, FindSpends, SpendsUnknown, Spent, Unspent
from axon.node.spendsearch import SpendSearch
from axon.p2p.filtersync import FilterSync
from axon.primitives.hashes import Txid
from axon.primitives.script import OP_RETURN

MAX_QUESTIONS: Final = 8
"""Questions that are open at a time, as many as links of a wallet: more are not taken."""

MAX_COINS: Final = 500
"""Coins of one question: a payment has no more inputs."""

MAX_DEPTH: Final = 100_000
"""Blocks that a question may go back: two years, and 2 GB of filters. Who shows an older coin makes
us load no more."""

MAX_BLOCKS: Final = 200
"""Blocks read for one question: 400 MB of full ones. A script that everybody uses matches more."""

TELL_EVERY: Final = 1_000
"""Blocks after which progress is told."""

NOBODY_TIME: Final = 10 * SECOND
"""How long somebody is waited for who serves filters, since the last one left: who asks later is
answered at once."""

STALLED_TIME: Final = 60 * SECOND
"""How long nodes that are connected may bring nothing, neither to the scan nor here."""


@dataclass(eq=False, slots=True)
class _Question:
    claims: tuple[ClaimedCoin, ...]
    group: CoinGroup
    asked_at: Instant
    told_at: int  # The height that was last told as progress.


class SpendWatch:
    """The questions that a light client is asked.

    Args:
        outbox: where effects go.
        tree: all headers known.
        filters: says who agrees with them.
        search: finds out.
    """

    def __init__(
        self, outbox: Outbox, tree: HeaderTree, filters: FilterSync, search: SpendSearch
    ) -> None:
        self._outbox = outbox
        self._tree = tree
        self._filters = filters
        self._search = search
        self._questions: dict[int, _Question] = {}  # By ticket.
        self._looked_at: tuple[object, ...] = ()  # What held when answers were last looked for.
        self._scanned = -1
        self._scanned_at: Instant = 0  # When the scan last came forward.
        self._alone_since: Instant | None = None  # Since when nobody serves filters.

    def want(self, command: FindSpends, ticket: int, now: Instant) -> None:
        """Find out what spends coins; the answer comes now or later."""
        self._search.go_back()
        reason = self.objection(command.coins)
        if reason is not None:
            self._outbox.answer(ticket, SpendsUnknown(reason, for_good=True))
            return
        if len(self._questions) >= MAX_QUESTIONS:
            self._outbox.answer(ticket, SpendsUnknown(f"{MAX_QUESTIONS} questions are open"))
            return
        group = self._search.add(ticket, command.coins)
        if command.since is not None:
            self._resume(group, command.since)
        height = group.lowest.next_height - 1
        self._questions[ticket] = _Question(command.coins, group, now, height)

    def _resume(self, group: CoinGroup, since: Unspent) -> None:
        """Go on from an earlier answer, or from where its block left the best chain."""
        entry = self._tree.get(since.block_hash)
        if entry is None:
            return
        held = self._tree.fork(entry, self._tree.best)
        for coin in group.coins:
            coin.move_up(held)

    def stop(self, claims: tuple[ClaimedCoin, ...]) -> bool:
        """Nobody waits for these coins any more; whether anybody did."""
        tickets = [ticket for ticket, each in self._questions.items() if each.claims == claims]
        for ticket in tickets:
            known = self._known(self._questions[ticket].group)
            self._end(ticket, SpendsUnknown("nobody waits for it", known))
        return bool(tickets)

    def objection(self, claims: tuple[ClaimedCoin, ...]) -> str | None:
        """Why these coins cannot be searched for; None if they can."""
        if not 0 < len(claims) <= MAX_COINS:
            return f"1 to {MAX_COINS} coins can be looked for"
        for claim in claims:
            script = claim.script_pubkey
            if not script or script[0] == OP_RETURN:
                return "filters do not tell of such a script"
            known = self._search.known(claim) or CoinState(claim)
            if claim.height < 0 or self._tree.best.height - known.next_height >= MAX_DEPTH:
                return f"a coin is older than {MAX_DEPTH:,} blocks"
        return None

    def follow(self, name: Txid, claims: Iterable[ClaimedCoin]) -> None:
        """Search for these coins in each block to come, in place of those followed by this name."""
        self._search.add(name, claims)

    def unfollow(self, name: Txid) -> None:
        """Follow them no longer."""
        self._search.remove(name)

    @property
    def changes(self) -> int:
        """Counts whatever may change an answer."""
        return self._search.changes

    def spent(self, claim: ClaimedCoin) -> Spent | None:
        """What is known to spend a coin in the best chain."""
        known = self._search.known(claim)
        return None if known is None else known.spent

    def settle(self, now: Instant, *, scanned: int, headers_known: bool) -> None:
        """Go on with whatever can be done now, and answer who can be answered.

        Args:
            now: the present.
            scanned: up to which height the wallet has seen everything.
            headers_known: the nodes that were reached have no more headers for us.
        """
        if scanned != self._scanned:
            self._scanned, self._scanned_at = scanned, now
        if self._filters.has_peers:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        self._search.advance(now)
        if not self._questions:
            return
        settled = headers_known and self._filters.is_settled
        late = [] if self._search.is_working else list(self._questions)
        late = [ticket for ticket in late if now >= self._late_at(ticket)]
        holds = (self._search.changes, settled, late, self._tree.best)
        if holds == self._looked_at:
            return
        for ticket, question in list(self._questions.items()):
            self._tell(question)
            answer = self._answer(question.group, settled=settled, late=ticket in late)
            if answer is not None:
                self._end(ticket, answer)
        self._looked_at = holds

    def deadline(self) -> Instant | None:
        """When to give somebody up."""
        if self._search.is_working:
            return None  # Its end will be told.
        return min(map(self._late_at, self._questions), default=None)

    def _late_at(self, ticket: int) -> Instant:
        """When a question has waited for too long without anything coming forward."""
        if self._alone_since is not None:
            return self._alone_since + NOBODY_TIME
        moved_at = max(self._search.moved_at, self._scanned_at)
        return max(self._questions[ticket].asked_at, moved_at) + STALLED_TIME

    def _tell(self, question: _Question) -> None:
        lowest = question.group.lowest
        height = lowest.next_height - 1
        if height // TELL_EVERY > question.told_at // TELL_EVERY:
            target = self._tree.best.height
            self._outbox.report(SpendsSearched(lowest.claim.outpoint, height, target))
        question.told_at = height

    def _answer(
        self, group: CoinGroup, *, settled: bool, late: bool
    ) -> Spent | Unspent | SpendsUnknown | None:
        """The answer to a question; None as long as there is none."""
        if group.spent is not None:
            return group.spent
        known, best, alone = self._known(group), self._tree.best, not self._filters.has_peers
        if known is not None and known.height == best.height and (settled or (late and alone)):
            return known
        next_height = group.lowest.next_height
        if settled and next_height > best.height + 1:
            return SpendsUnknown("no block of that height is known")
        if group.blocks > MAX_BLOCKS:
            reason = f"more than {MAX_BLOCKS} blocks hold such scripts"
            return SpendsUnknown(reason, known, for_good=True)
        if not late:
            return None
        if alone:
            return SpendsUnknown(f"no node gives filters from height {next_height} on", known)
        return SpendsUnknown(f"nothing came for a minute; height {next_height} is next", known)

    def _known(self, group: CoinGroup) -> Unspent | None:
        """Up to where none of the coins is spent; None as long as that is known of one only."""
        uptos = [coin.upto for coin in group.coins if coin.upto is not None]
        if len(uptos) < len(group.coins) or group.spent is not None:
            return None
        lowest = min(uptos, key=lambda entry: entry.height)
        return Unspent(lowest.height, lowest.hash, self._filters.agreeing(lowest.height))

    def _end(self, ticket: int, answer: Spent | Unspent | SpendsUnknown) -> None:
        del self._questions[ticket]
        self._search.remove(ticket)
        self._outbox.answer(ticket, answer)
