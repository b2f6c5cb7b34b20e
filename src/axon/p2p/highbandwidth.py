"""Which peers announce new blocks to us by compact blocks, unasked: at most three (BIP 152).

    low bandwidth --it brought a new tip--> high bandwidth (`sendcmpct` 1)
    high bandwidth --three others did since--> low bandwidth (`sendcmpct` 0)

Who brought a block first lately will bring the next one soon. One place is kept for a peer that we
dialled: whoever dials us could fill all three and then keep silent.
"""

from __future__ import annotations

from typing import Final

from axon.machine import PeerId
from axon.p2p.actions import Action, Send
from axon.wire.messages import SendCmpct

MAX_HIGH_BANDWIDTH: Final = 3
"""Peers that may send us the same block unasked."""


class HighBandwidth:
    """The choice of such peers; node-wide.

    Args:
        blocks_only: without a pool nothing can be made whole, so nobody is chosen.
    """

    def __init__(self, *, blocks_only: bool) -> None:
        self._blocks_only = blocks_only
        self._outbound: dict[PeerId, bool] = {}
        self._provides: dict[PeerId, None] = {}
        self._chosen: list[PeerId] = []  # Who was chosen, or brought a block, last is last.

    def opened(self, peer: PeerId, *, outbound: bool) -> None:
        """A peer has finished the handshake.

        Args:
            peer: not known yet.
            outbound: we dialled it.
        """
        self._outbound[peer] = outbound

    def negotiated(self, peer: PeerId) -> None:
        """A peer sent `sendcmpct` of version 2."""
        if peer in self._outbound:
            self._provides[peer] = None

    def closed(self, peer: PeerId) -> None:
        """A peer has gone; its place is free."""
        self._outbound.pop(peer, None)
        self._provides.pop(peer, None)
        if peer in self._chosen:
            self._chosen.remove(peer)

    def is_chosen(self, peer: PeerId) -> bool:
        """Whether a peer announces to us by compact blocks, as we asked it to."""
        return peer in self._chosen

    def is_outbound(self, peer: PeerId) -> bool:
        """Whether we dialled a peer."""
        return self._outbound.get(peer, False)

    def brought(self, peer: PeerId) -> list[Action]:
        """A peer brought a block that became our tip, near the end of the chain."""
        if self._blocks_only or peer not in self._provides:
            return []
        if peer in self._chosen:
            self._chosen.remove(peer)
            self._chosen.append(peer)
            return []
        actions: list[Action] = []
        if len(self._chosen) >= MAX_HIGH_BANDWIDTH:
            dropped = self._chosen.pop(self._least(for_inbound=not self._outbound[peer]))
            actions.append(Send(dropped, SendCmpct(0)))
        self._chosen.append(peer)
        actions.append(Send(peer, SendCmpct(1)))
        return actions

    def _least(self, *, for_inbound: bool) -> int:
        """Whose place goes to another: the first's, unless it is the last one that we dialled."""
        outbound = [self._outbound[peer] for peer in self._chosen]
        return 1 if for_inbound and outbound[0] and sum(outbound) == 1 else 0
