"""What unconfirmed transactions spent that peers sent lately: a rival may be older than a payment.

Whoever spends the same coin twice shows the payee the second payment when the first has spread. By
then peers have sent that one and never will again, so which coins it spends is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from axon.machine import PeerId
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import OutPoint, Transaction

MAX_REMEMBERED: Final = 2_500
"""Coins remembered of one peer: with eight peers that share the work, a quarter of an hour of the
main network in 5 MB. Who floods us with spends makes us forget those that he sent himself."""


class RecentSpend(NamedTuple):
    """What spends a coin, and who sent it.

    Args:
        txid: of the transaction.
        wtxid: of the same.
        peer: is connected yet.
    """

    txid: Txid
    wtxid: Wtxid
    peer: PeerId


class RecentSpends:
    """The coins that transactions of peers spend, with the transactions' names; node-wide."""

    def __init__(self) -> None:
        self._by_peer: dict[PeerId, dict[OutPoint, tuple[Txid, Wtxid]]] = {}  # The oldest first.

    def add(self, peer: PeerId, transaction: Transaction) -> None:
        """A peer sent a transaction."""
        spends = self._by_peer.setdefault(peer, {})
        names = transaction.txid, transaction.wtxid
        for point in transaction.prevouts[:MAX_REMEMBERED]:
            spends.pop(point, None)
            spends[point] = names
        while len(spends) > MAX_REMEMBERED:
            del spends[next(iter(spends))]

    def closed(self, peer: PeerId) -> None:
        """A peer has gone, and what it has sent with it."""
        self._by_peer.pop(peer, None)

    def find(self, point: OutPoint) -> Iterator[RecentSpend]:
        """What spends a coin, the last of each peer."""
        for peer, spends in self._by_peer.items():
            if point in spends:
                yield RecentSpend(*spends[point], peer)
