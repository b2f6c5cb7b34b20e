"""Blocks for which filters with different hashes are claimed, and what each side says (BIP 157).

    open --a filter of the claim that we hold, or nobody who brings it--> ready --take--> handed
    open, ready --who differs has gone--> none     handed --the node has read the block--> none

The sides are peers that differ from our filter headers at this block and have sent the filter that
they mean, and the claim that our own filter headers make, which any peer that agrees with them can
prove by sending its filter. If none does within `DEFENCE_TIME`, our claim is left out, and any
other that the block does not refute takes its place. One dispute at a time, the lowest first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Action
from axon.p2p.faults import PeerFault, PeerViolation
from axon.p2p.filterclaims import UNFIT, FilterClaims
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filterpeer import FilterPeer
from axon.primitives.hashes import BlockHash, sha256d
from axon.wire.messages import GetCFilters
from axon.wire.messages.filters import BASIC_FILTER

DEFENCE_TIME: Final = 5 * SECOND
"""How long those who agree with us have to bring the filter that we go by: several of them are
asked in that time, and filters from this block on wait for it."""

REFUTED: Final = "BIP 158: a filter has all scripts of its block"
"""The rule that a peer breaks whose filter the block refutes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One side.

    Args:
        filter_hash: of the filter.
        filter: which hashes to this, at most `MAX_FILTER_BYTES`.
        peers: who claims it; they may have gone.
        held: it is the one that our filter headers commit to.
    """

    filter_hash: bytes
    filter: bytes = field(repr=False)
    peers: tuple[PeerId, ...]
    held: bool


@dataclass(frozen=True, slots=True)
class Dispute:
    """What is to be decided by reading a block.

    Args:
        height: of the block.
        block_hash: its hash.
        claims: no two with the same hash; a single one if nobody brought the filter that we held.
    """

    height: int
    block_hash: BlockHash
    claims: tuple[Claim, ...]

    @property
    def held(self) -> Claim | None:
        """The claim of our own filter headers, if it was defended."""
        return next((claim for claim in self.claims if claim.held), None)

    def side_of(self, claims: FilterClaims) -> Claim | None:
        """The claim that a peer makes in this dispute, if any."""
        if claims.agreed >= self.height:
            return self.held
        if not claims.stands_against(self.height):
            return None
        return next((claim for claim in self.claims if claim.filter_hash == claims.claim), None)


@dataclass(slots=True)
class _Case:
    height: int
    until: Instant  # When the claim that we hold is given up if nobody has proved it.
    defence: bytes | None = None  # The filter that our filter headers commit to.
    ready: bool = False
    handed: Dispute | None = None


class FilterDisputes:
    """The present dispute of a `FilterSync`.

    Args:
        chain: the filter headers that we go by.
        peers: who offers filters.
        rng: picks who is to defend our claim.
    """

    def __init__(
        self, chain: FilterHeaderChain, peers: Mapping[PeerId, FilterPeer], rng: Random
    ) -> None:
        self._chain = chain
        self._peers = peers
        self._rng = rng
        self._case: _Case | None = None

    @property
    def height(self) -> int | None:
        """Of the block in dispute; None without one."""
        return None if self._case is None else self._case.height

    def update(self, now: Instant) -> list[Action]:
        """Open a dispute if there is reason; see to it that our claim is defended."""
        case = self._case
        if case is None or (case.handed is None and not self._challengers(case.height)):
            case = self._case = self._next_case(now)
        if case is None or case.handed is not None:
            return []
        supporters = self._supporters(case.height)
        case.ready = case.defence is not None or not supporters or now >= case.until
        defenders = [ours for ours in supporters.values() if self._defends(ours, case.height)]
        idle = [ours for ours in supporters.values() if ours.is_idle]
        if case.ready or not idle or any(ours.is_prompt for ours in defenders):
            return []
        chosen = idle[int(self._rng.random() * len(idle))]
        block_hash = self._chain.block_hash(case.height)
        message = GetCFilters(BASIC_FILTER, case.height, block_hash)
        return [chosen.ask(message, case.height, now)]

    def received(self, claims: FilterClaims, height: int, data: bytes) -> None:
        """The filter of one block, asked of one who differs there, or of one who is to defend us.

        Raises:
            PeerViolation: it is not the filter that the peer's filter headers commit to.
        """
        if claims.claim is not None and claims.differs == height:
            claims.prove(data)
        elif height <= claims.agreed:
            if not self._chain.fits(height, sha256d(data)):
                raise PeerViolation(UNFIT)
            if self._case is not None and self._case.height == height:
                self._case.defence = data

    def cut(self, height: int) -> None:
        """Our filter headers above a height no longer hold, and no dispute about them."""
        if self._case is not None and self._case.height > height:
            self._case = None

    def deadline(self) -> Instant | None:
        """When `update` has something to do."""
        case = self._case
        return None if case is None or case.ready or case.handed else case.until

    def take(self) -> Dispute | None:
        """The dispute, when it is ready, once."""
        case = self._case
        if case is None or not case.ready or case.handed is not None:
            return None
        sides: dict[bytes, list[PeerId]] = {}
        for peer, data in self._challengers(case.height).items():
            sides.setdefault(data, []).append(peer)
        claims = [Claim(sha256d(data), data, tuple(who), False) for data, who in sides.items()]
        if case.defence is not None:
            who = tuple(self._supporters(case.height))
            claims.insert(0, Claim(sha256d(case.defence), case.defence, who, True))
        block_hash = self._chain.block_hash(case.height)
        case.handed = Dispute(case.height, block_hash, tuple(claims))
        return case.handed

    def is_open(self, dispute: Dispute) -> bool:
        """Whether this dispute was handed out and is not closed."""
        return self._case is not None and self._case.handed is dispute

    def close(
        self, dispute: Dispute, honest: Claim | None, refuted: Collection[Claim]
    ) -> dict[PeerId, PeerFault]:
        """The dispute is decided, so that the next one may be opened; why which peers go."""
        self._case = None
        faults: dict[PeerId, PeerFault] = {}
        for peer, ours in self._peers.items():
            side = dispute.side_of(ours.claims)
            if side is not None and side is not honest:
                fault = PeerFault(f"we go by other filters from height {dispute.height} on")
                faults[peer] = PeerViolation(REFUTED) if side in refuted else fault
        return faults

    def _next_case(self, now: Instant) -> _Case | None:
        heights = [
            ours.claims.differs
            for ours in self._peers.values()
            if ours.claims.filter is not None and ours.claims.differs is not None
        ]
        return _Case(min(heights), now + DEFENCE_TIME) if heights else None

    def _challengers(self, height: int) -> dict[PeerId, bytes]:
        """Who differs from us at this block, with the filter that each has sent."""
        return {
            peer: ours.claims.filter
            for peer, ours in self._peers.items()
            if ours.claims.differs == height and ours.claims.filter is not None
        }

    def _supporters(self, height: int) -> dict[PeerId, FilterPeer]:
        """Who agrees with us about this block."""
        return {peer: ours for peer, ours in self._peers.items() if ours.claims.agreed >= height}

    @staticmethod
    def _defends(ours: FilterPeer, height: int) -> bool:
        question = ours.question
        return (
            question is not None
            and isinstance(question.message, GetCFilters)
            and question.stop_height == height
        )
