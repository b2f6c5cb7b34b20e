"""What one peer says of the filter headers, held against the chain that we go by (BIP 157).

    unknown --same header at a height--> agrees up to there
    agrees --another header further up--> differs somewhere between
    differs --checkpoints--> within 1000 blocks --headers of these--> at one block, with its claim
    claim --the filter itself--> proved to be its own; the block may now decide

A filter header commits to all below, so the range in which two chains part is found with three
questions at most, however long they are. For the same reason a peer cannot change its mind: who
says one thing and then another is caught in a contradiction, and goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.p2p.faults import PeerViolation
from axon.p2p.filterheaders import FilterHeaderChain
from axon.primitives.hashes import filter_header, sha256d
from axon.wire.messages import GetCFCheckpt, GetCFHeaders, GetCFilters
from axon.wire.messages.filters import BASIC_FILTER, CFCHECKPT_INTERVAL, MAX_CFHEADERS

CONTRADICTION: Final = "BIP 157: a filter header commits to all before it"
"""The rule that a peer breaks which contradicts itself."""

UNFIT: Final = "BIP 157: a filter is what its filter header commits to"
"""The rule that a peer breaks which sends another filter than it claims."""

Question = GetCFHeaders | GetCFCheckpt | GetCFilters


class FilterClaims:
    """The claims of one peer.

    Args:
        base: the height below the start of our chain: there nobody may differ.
    """

    __slots__ = ("_checkpoints", "agreed", "claim", "differs", "filter", "knows_checkpoints")

    def __init__(self, base: int) -> None:
        self.agreed = base
        """Up to this height its filter headers are ours."""
        self.differs: int | None = None
        """At this height they are not; the lowest one known."""
        self.claim: bytes | None = None
        """The hash that it claims for the filter at `differs`, where that is next to `agreed`."""
        self.filter: bytes | None = None
        """The filter with this hash, once it has sent it."""
        self.knows_checkpoints = False
        """It has been asked for checkpoints ahead of our chain."""
        self._checkpoints: dict[int, bytes] = {}  # Above our chain, by height, ascending.

    @property
    def has_checkpoints(self) -> bool:
        """Whether some of its checkpoints lie ahead of our chain."""
        return bool(self._checkpoints)

    def question(self, chain: FilterHeaderChain) -> Question | None:
        """What to ask next to find out where and how it differs; None if it does not, or waits."""
        if self.differs is None or self.filter is not None:
            return None
        stop = chain.block_hash(self.differs)
        if self.claim is not None:
            return GetCFilters(BASIC_FILTER, self.differs, stop)
        if self.differs - self.agreed > MAX_CFHEADERS:
            return GetCFCheckpt(BASIC_FILTER, stop)
        return GetCFHeaders(BASIC_FILTER, self.agreed + 1, stop)

    def weigh_headers(
        self, chain: FilterHeaderChain, start: int, previous: bytes, filter_hashes: Sequence[bytes]
    ) -> list[bytes]:
        """Compare filter headers with ours.

        Args:
            chain: ours.
            start: height of the first filter.
            previous: the filter header before it.
            filter_hashes: one a block.

        Returns:
            Filter headers that continue our chain, if all others agree with it.

        Raises:
            PeerViolation: it contradicts what it said before.
        """
        height, header = start - 1, previous
        if height > chain.height:
            return []  # Our chain was cut since it was asked.
        if header != chain.at(height):
            self._differ(height)
            return []
        news: list[bytes] = []
        for filter_hash in filter_hashes:
            height, header = height + 1, filter_header(filter_hash, header)
            if height > chain.height:
                if self._checkpoints.get(height, header) != header:
                    raise PeerViolation(CONTRADICTION)
                news.append(header)
            elif header != chain.at(height):
                self._agree(height - 1)
                self._differ(height, filter_hash)
                return []
        self._agree(min(height, chain.height))
        return news

    def weigh_checkpoints(self, chain: FilterHeaderChain, headers: Sequence[bytes]) -> None:
        """Compare the filter headers of every thousandth block with ours; keep those ahead.

        Raises:
            PeerViolation: it contradicts what it said before.
        """
        self._checkpoints.clear()
        for number, header in enumerate(headers, 1):
            height = number * CFCHECKPT_INTERVAL
            if height > chain.height:
                self._checkpoints[height] = header
            elif height >= chain.start_height and not self._weigh_one(chain, height, header):
                return

    def grown(self, chain: FilterHeaderChain) -> None:
        """Our chain has grown: compare the checkpoints that lay ahead of it."""
        while self._checkpoints:
            height = next(iter(self._checkpoints))
            if height > chain.height:
                return
            self._weigh_one(chain, height, self._checkpoints.pop(height))

    def prove(self, data: bytes) -> None:
        """It sent the filter that it claims.

        Raises:
            PeerViolation: it did not.
        """
        if sha256d(data) != self.claim:
            raise PeerViolation(UNFIT)
        self.filter = data

    def extended(self, height: int) -> None:
        """Our chain has grown up to a height by what it said."""
        self._agree(height)

    def cut(self, height: int) -> None:
        """Our chain was cut above a height."""
        self.agreed = min(self.agreed, height)
        if self.differs is not None and self.differs > height:
            self.differs = self.claim = self.filter = None
        self.forget_checkpoints()

    def forget_checkpoints(self) -> None:
        """The best chain has turned elsewhere: checkpoints may be those of blocks it lost."""
        self._checkpoints.clear()
        self.knows_checkpoints = False

    def stands_against(self, height: int) -> bool:
        """Whether it differs at this very height, and has sent its filter."""
        return self.differs == height and self.filter is not None

    def _weigh_one(self, chain: FilterHeaderChain, height: int, header: bytes) -> bool:
        if chain.at(height) == header:
            self._agree(height)
            return True
        self._differ(height)
        return False

    def _agree(self, height: int) -> None:
        if self.differs is not None and height >= self.differs:
            raise PeerViolation(CONTRADICTION)
        self.agreed = max(self.agreed, height)

    def _differ(self, height: int, claim: bytes | None = None) -> None:
        if height <= self.agreed:
            raise PeerViolation(CONTRADICTION)
        if self.differs is None or height < self.differs or claim is not None:
            self.differs, self.claim = height, claim
            self._checkpoints.clear()
