"""Branches that lost, in a full node: what is learnt of them, and who is told (BIP 332).

staletip of a peer -> p2p/staletips (its bounds) -> HeaderTree (every rule) -> p2p/staletips
headers, blocks, reorganisations -> p2p/staletips -> staletip to those who listen
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from axon.chain.headertree import HeaderEntry
from axon.chain.outcome import BlockOutcome
from axon.machine import Instant, PeerId
from axon.node.chainstate import ChainState
from axon.node.headerflow import HeaderFlow
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.p2p.actions import Action
from axon.p2p.peerchains import PeerChains
from axon.p2p.staletips import FEATURE, StaleTips
from axon.primitives.hashes import BlockHash
from axon.primitives.network import Network
from axon.primitives.target import target_to_bits
from axon.wire.messages import StaleTip


class StaleFlow:
    """What a full node does with stale tips.

    Args:
        outbox: where effects go.
        headers: takes headers in.
        tips: those that are known, and who listens.
    """

    def __init__(self, outbox: Outbox, headers: HeaderFlow, tips: StaleTips) -> None:
        self._outbox = outbox
        self._headers = headers
        self._tips = tips

    @classmethod
    def of(
        cls,
        outbox: Outbox,
        headers: HeaderFlow,
        chain: ChainState,
        peer_chains: PeerChains,
        network: Network,
    ) -> Self:
        """With the tips that are known; those that cost nothing are told nobody.

        On regtest all of them are that easy.
        """
        easiest = None
        if network.min_difficulty_blocks and not network.no_retargeting:
            easiest = target_to_bits(network.pow_limit)
        tips = StaleTips(chain, peer_chains, easiest, headers.tree.tips())
        return cls(outbox, headers, tips)

    def opened(self, session: Session) -> None:
        """A lasting peer's handshake is complete."""
        negotiated = session.negotiated
        assert negotiated is not None, "called when the handshake is complete"
        self._tips.opened(session.peer, negotiated.features.get(FEATURE.feature_id))

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._tips.closed(peer)

    def received(self, session: Session, message: StaleTip, now: Instant) -> None:
        """A branch that lost, as a peer says."""
        headers = self._tips.received(session.peer, message, now)
        if headers:
            self.noticed(self._headers.place_branch(headers, now), now)

    def noticed(self, entry: HeaderEntry | None, now: Instant) -> None:
        """A header is known, from whomever."""
        if entry is not None:
            self._outbox.perform(self._tips.noticed(entry, now))

    def showed(self, session: Session) -> None:
        """A peer has shown more of what it has: now it may know where a branch begins."""
        self._outbox.perform(self._tips.tell(session.peer))

    def moved(
        self,
        block_hash: BlockHash,
        outcome: BlockOutcome,
        announcements: Sequence[Action],
        now: Instant,
    ) -> None:
        """A block was validated, and the active chain may have moved.

        Args:
            block_hash: of the block.
            outcome: of its validation.
            announcements: of the new tip.
            now: the present.
        """
        tree = self._headers.tree
        if outcome.connected or outcome.disconnected:
            told = [action.peer for action in announcements]
            self._outbox.perform(self._tips.tip_moved(told, now))
        for step in outcome.disconnected[:1]:
            self.noticed(tree.get(step.hash), now)
        self.noticed(tree.get(block_hash), now)
