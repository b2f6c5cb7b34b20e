"""What comes after the chain, where it lags behind: coins and filters, and background indexes.

lagging --idle, or far behind--> Delegate(CatchUp) --> `caught_up` --> lagging, or following
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.machine import Instant
from axon.node.chainstate import ChainState
from axon.node.indexfacts import IndexesCaughtUp
from axon.node.indexflow import IndexAdvanced, Indexes, IndexFlow
from axon.node.jobs import CHAIN, CatchUp
from axon.node.outbox import Outbox
from axon.node.txflow import TxFlow
from axon.p2p.blockdownload import BlockDownload

LAG_LIMIT: Final = 2_000
"""So many blocks may coins and filters lag behind before they are caught up although blocks wait:
the lag costs time at the end, when nothing else can be done."""

CATCH_UP_BLOCKS: Final = 20
"""Blocks of one catching up: a fraction of a second, during which a new block waits."""


@dataclass(frozen=True, slots=True)
class CoinsCaughtUp:
    """Continuation: coins and filters came some blocks nearer to the tip."""


class Followers:
    """All that comes after the chain.

    Args:
        outbox: where effects go.
        chain: what is known.
        download: says whether blocks are on their way.
        transactions: go on when the coins are there.
        indexes: the background indexes, by name.
    """

    def __init__(
        self,
        outbox: Outbox,
        chain: ChainState,
        download: BlockDownload,
        transactions: TxFlow,
        indexes: Indexes,
    ) -> None:
        self._coins = CoinsCatchUp(outbox, chain, download, transactions)
        self.indexes = IndexFlow(outbox, chain, download, indexes)

    def begin_if_idle(self) -> None:
        """Move on what lags, if this is the time for it."""
        self._coins.begin_if_idle()
        self.indexes.begin_if_idle()

    def completed(self, done: CoinsCaughtUp | IndexAdvanced, left: int, now: Instant) -> None:
        """Something has come nearer to the tip."""
        match done:
            case CoinsCaughtUp():
                self._coins.caught_up(left, now)
            case IndexAdvanced():
                self.indexes.advanced(done, left)


class CoinsCatchUp:
    """Moves coins and filters on.

    Args:
        outbox: where effects go.
        chain: what is known; its lag is kept here.
        download: says whether blocks are on their way.
        transactions: go on when the coins are there.
    """

    def __init__(
        self, outbox: Outbox, chain: ChainState, download: BlockDownload, transactions: TxFlow
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._download = download
        self._transactions = transactions

    def begin_if_idle(self) -> None:
        """Move them on while no block waits, or when they are far behind."""
        chain = self._chain
        waiting = bool(chain.validating) or self._download.in_flight_total > 0
        if chain.follows or chain.catching_up or (waiting and chain.lag < LAG_LIMIT):
            return
        chain.catching_up = True
        self._outbox.delegate(CatchUp(CATCH_UP_BLOCKS), CHAIN, CoinsCaughtUp())

    def caught_up(self, left: int, now: Instant) -> None:
        """They have come nearer to the tip, a few blocks at a time."""
        chain = self._chain
        chain.catching_up = False
        chain.lag = left
        if left:
            self.begin_if_idle()
        else:
            self._outbox.report(IndexesCaughtUp(chain.active.height))
            self._transactions.minimum_changed(now)
        self._transactions.resume(now)
