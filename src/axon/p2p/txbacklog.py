"""How many transactions are announced: so many a second to all peers of a kind together.

    entered the pool --> waits --tokens are there, best first--> queued for every peer

Announcing costs us a little for each peer and transaction, and all peers what a flood of
transactions is worth. So a bucket of tokens for their number and one for their size stand before
the queues of the peers, and what has to wait is sorted once and not for each of them (Bitcoin Core
32). Whoever wants to be first pays more; to send more of it does not help.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from typing import Final

from axon.machine import SECOND, Instant
from axon.p2p.relaypeer import relay_rank
from axon.p2p.views import PoolEntryView, TxPool
from axon.primitives.hashes import Wtxid

SEND_RATE: Final = 14
"""Transactions a second announced to inbound peers: twice what blocks can hold."""

BURST_S: Final = 30
"""So many seconds' worth may be announced at once: 420."""

BYTES_PER_S: Final = 20_000
FIRST_BYTES: Final = 12_000_000
MAX_BYTES: Final = 50_000_000
"""The same for their sizes: 12 MB in ten minutes, so much at the start, and saved up at most."""

MAX_WAITING: Final = 5_000
"""Transactions that wait: six minutes' worth, which are ranked in ten milliseconds. There are more
in a flood only; then the worse half is forgotten, and reaches peers by others."""

BATCH_S: Final = 5
"""What has to wait is looked through when so many seconds' worth of tokens are there."""


class TokenBucket:
    """Tokens that come back at a steady rate; may be overdrawn once.

    Args:
        rate: tokens a second.
        most: that can be saved up.
        first: at the start, which is the first `refill`.
    """

    __slots__ = ("_most", "_rate", "_saved", "_saved_at")

    def __init__(self, rate: int, most: int, first: int) -> None:
        self._rate = rate
        self._most = most * SECOND
        self._saved = first * SECOND  # In millionths, so that no token is lost by rounding.
        self._saved_at: Instant = 0

    def refill(self, now: Instant) -> None:
        """Add what came back since the last call."""
        if not self._saved_at:
            self._saved_at = now
        elif now > self._saved_at:
            gain = (now - self._saved_at) * self._rate
            self._saved = min(self._saved + gain, max(self._most, self._saved))
            self._saved_at = now

    def take(self, count: int) -> None:
        """Spend so many tokens, more than there are if need be."""
        self._saved -= count * SECOND

    @property
    def tokens(self) -> int:
        """How many there are; below 0 while it is overdrawn."""
        return self._saved // SECOND

    def full_at(self, count: int) -> Instant:
        """When so many tokens will be there, as of the last `refill`."""
        missing = max(0, count * SECOND - self._saved)
        return self._saved_at - -missing // self._rate


class TxBacklog:
    """What is to be announced to the peers of one kind, inbound or outbound.

    Args:
        pool: the unconfirmed transactions.
        rate: transactions a second, to inbound peers.
        outbound: for peers that we dialled: they are told two and a half times as many a second.
    """

    def __init__(self, pool: TxPool, rate: int = SEND_RATE, *, outbound: bool = False) -> None:
        burst, bytes_per_s = rate * BURST_S, BYTES_PER_S
        if outbound:
            rate, bytes_per_s = rate * 5 // 2, bytes_per_s * 5 // 2
        self._pool = pool
        self._rate = rate
        self._numbers = TokenBucket(rate, burst, burst)
        self._sizes = TokenBucket(bytes_per_s, MAX_BYTES, FIRST_BYTES)
        self._waiting: dict[Wtxid, None] = {}
        self._due: Instant | None = None  # Nothing is taken before.

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def add(self, wtxid: Wtxid) -> None:
        """A transaction is to be announced."""
        self._waiting[wtxid] = None
        if len(self._waiting) > MAX_WAITING:
            best = nsmallest(MAX_WAITING // 2, self._entries(), relay_rank)
            self._waiting = dict.fromkeys([entry.wtxid for entry in best])

    def clear(self) -> None:
        """There is nobody to announce anything to."""
        self._waiting.clear()
        self._due = None

    def take(self, now: Instant) -> list[PoolEntryView]:
        """What is to be queued for all peers now: the best, parents before their children."""
        if not self._waiting or (self._due is not None and now < self._due):
            return []
        for bucket in (self._numbers, self._sizes):
            bucket.refill(now)
        taken: list[PoolEntryView] = []
        if self._numbers.tokens > 0 and self._sizes.tokens > 0:
            for entry in nsmallest(self._numbers.tokens, self._entries(), relay_rank):
                if self._sizes.tokens <= 0:
                    break
                self._numbers.take(1)
                self._sizes.take(entry.transaction.size_bytes)
                del self._waiting[entry.wtxid]
                taken.append(entry)
        self._due = self._next_due() if self._waiting else None
        return taken

    def deadline(self) -> Instant | None:
        """When `take` has something to give; None while nothing waits."""
        return self._due

    def _entries(self) -> Iterator[PoolEntryView]:
        """What waits and is still in the pool; what is not is forgotten."""
        for wtxid in list(self._waiting):
            entry = self._pool.by_wtxid(wtxid)
            if entry is None:
                del self._waiting[wtxid]
            else:
                yield entry

    def _next_due(self) -> Instant:
        batch = min(len(self._waiting), max(1, self._rate * BATCH_S))
        return max(self._numbers.full_at(batch), self._sizes.full_at(1))
