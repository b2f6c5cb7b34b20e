"""Two peers claim different filters for one block: the block itself is asked, and says who lies.

open --block arrives--> checking --doubts known--> resolved: the liars go, what was theirs is
undone, and the wallet scans again from there
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from axon.chain.filtercheck import FilterDoubt
from axon.machine import Instant, PeerId
from axon.node.facts import FilterRefuted
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.node.walletjobs import WALLET, CheckFilters
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.faults import PeerViolation
from axon.p2p.filtersync import Dispute, FilterSync
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected


@dataclass(frozen=True, slots=True)
class FiltersChecked:
    """Continuation: the filters of a dispute were held against the block.

    Args:
        dispute: which.
        block_hash: of the block in question.
        peer: who sent it.
    """

    dispute: Dispute
    block_hash: BlockHash
    peer: PeerId


class Disputes:
    """Disputes about filters, one after the other.

    Args:
        outbox: where effects go.
        filters: finds disputes.
        blocks: brings the block in question.
        doubt: told of blocks whose filters nobody can be sure of.
    """

    def __init__(
        self,
        outbox: Outbox,
        filters: FilterSync,
        blocks: BlockFetch,
        doubt: Callable[[BlockHash], None],
    ) -> None:
        self._outbox = outbox
        self._filters = filters
        self._blocks = blocks
        self._doubt = doubt
        self._open: Dispute | None = None
        self._checking = False

    def settle(self, now: Instant) -> None:
        """Turn to the next dispute, and ask for its block."""
        if self._open is not None and not self._filters.is_open(self._open):
            self._open = None  # Its block has left the chain, or its peers have gone.
        if self._open is None:
            self._open = self._filters.take_dispute()
        if self._open is not None and not self._checking:
            block_hash = self._open.block_hash
            if not self._blocks.is_wanted(block_hash):
                self._outbox.perform(self._blocks.want((block_hash,), now))

    def received_block(self, session: Session, block_hash: BlockHash, raw: bytes) -> bool:
        """A block that was asked for; whether it is the one in question."""
        dispute = self._open
        if dispute is None or dispute.block_hash != block_hash or self._checking:
            return False
        self._checking = True
        filters = tuple([claim.filter for claim in dispute.claims])
        job = CheckFilters(block_hash, dispute.height, raw, filters)
        self._outbox.delegate(job, WALLET, FiltersChecked(dispute, block_hash, session.peer))
        return True

    def checked(
        self, done: FiltersChecked, outcome: tuple[FilterDoubt, ...] | Rejected, now: Instant
    ) -> None:
        """The filters were held against the block; Rejected if the peer sent another one."""
        self._checking = False
        if isinstance(outcome, Rejected):
            self._outbox.disconnect(
                done.peer, PeerViolation(f"Bitcoin Core: no invalid blocks: {outcome}")
            )
            self._outbox.perform(self._blocks.missing(done.peer, done.block_hash, now))
            return
        self._outbox.perform(self._blocks.arrived(done.block_hash, now))
        self._open = None
        self._resolve(done.dispute, outcome, now)

    def _resolve(self, dispute: Dispute, doubts: tuple[FilterDoubt, ...], now: Instant) -> None:
        claims = dict(zip(dispute.claims, doubts, strict=True))
        refuted = [claim for claim, doubt in claims.items() if doubt.is_lie]
        tenable = [claim for claim in claims if claim not in refuted]
        honest = min(tenable, key=lambda claim: (claims[claim], -len(claim.peers)), default=None)
        if len(tenable) > 1 or dispute.held is None:
            self._doubt(dispute.block_hash)  # Nothing is proved: the block itself is read.
        for claim in refuted:
            for peer in claim.peers:
                self._outbox.report(FilterRefuted(dispute.height, peer))
        actions = self._filters.resolved(dispute, honest, now, refuted=refuted)
        self._outbox.perform(actions)
