"""Coins and filters come after the chain, where they lag behind it.

lagging --idle, or far behind--> Delegate(CatchUp) --> `caught_up` --> lagging, or following
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.machine import Instant
from axon.node.chainstate import ChainState
from axon.node.facts import IndexesCaughtUp
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
