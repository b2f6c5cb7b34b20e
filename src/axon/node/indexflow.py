"""The background indexes come after the chain, each in a lane of its own.

    behind --a block moved the chain, time went by--> Delegate(AdvanceIndex) --> `advanced`
           --> behind, or at the tip

While the chain is far behind its headers they give way to blocks that wait, for these need the same
processors; and one that is far behind itself, to the last of them, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from axon.node.chainstate import ChainState
from axon.node.indexfacts import IndexEnabled, IndexFollowed
from axon.node.jobs import AdvanceIndex, index_lane
from axon.node.outbox import Outbox
from axon.p2p.blockdownload import BlockDownload
from axon.primitives.hashes import BlockHash

LAG_LIMIT: Final = 2_000
"""So many blocks may an index be behind before it goes on although blocks of a sync wait: what is
left costs time at the end, when nothing else is to be done."""

NEAR_BLOCKS: Final = 6
"""So few blocks behind the best header the chain is in no sync, and so few behind the chain an
index follows it: then each block is waited for."""

FOLLOWS_WITHIN: Final = 144
"""An index that was at the tip and is no further behind than this counts as synced, as in Bitcoin
Core, where it takes a moment for each new block, too."""


class FollowingIndex(Protocol):
    """As `chain.backgroundindex.BackgroundIndex`, moved by a lane and read here."""

    @property
    def best(self) -> BlockHash | None:
        """The block up to which it goes."""

    @property
    def height(self) -> int:
        """Its height; -1 before the genesis block."""


Indexes = Mapping[str, FollowingIndex]
"""By the names of `getindexinfo`."""

NO_INDEXES: Final[Indexes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class IndexAdvanced:
    """Continuation: an index came some blocks nearer to the tip."""

    name: str


class IndexFlow:
    """Has background indexes follow the chain.

    Args:
        outbox: where effects go.
        chain: what is known of it.
        download: says whether blocks are on their way.
        indexes: by name; moved by jobs alone.
    """

    def __init__(
        self,
        outbox: Outbox,
        chain: ChainState,
        download: BlockDownload,
        indexes: Indexes,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._download = download
        self._indexes = indexes
        self._moving: dict[str, None] = {}  # Names of those that a lane moves now.
        self._reached: dict[str, None] = {}  # Those that have been at the tip.

    def is_synced(self, name: str) -> bool:
        """Whether an index is at the tip, or was and follows it closely."""
        active, index = self._chain.active, self._indexes[name]
        if index.best == active.tip.hash:
            return True
        return name in self._reached and active.height - index.height <= FOLLOWS_WITHIN

    def begin_if_idle(self) -> None:
        """Move those on that are behind, unless blocks of a sync wait."""
        chain = self._chain
        missing = chain.headers.best.height - chain.active.height
        waiting = missing > 0 and (chain.validating or self._download.in_flight_total > 0)
        for name, index in self._indexes.items():
            if name in self._moving or index.best == chain.active.tip.hash:
                continue
            lag = chain.active.height - index.height
            if waiting and max(missing, lag) > NEAR_BLOCKS and lag < LAG_LIMIT:
                continue
            self._moving[name] = None
            self._outbox.delegate(AdvanceIndex(name), index_lane(name), IndexAdvanced(name))

    def advanced(self, done: IndexAdvanced, left: int) -> None:
        """An index has come nearer to the tip."""
        del self._moving[done.name]
        if left == 0:
            tell = IndexFollowed if done.name in self._reached else IndexEnabled
            self._reached[done.name] = None
            self._outbox.report(tell(done.name, self._indexes[done.name].height))
        else:
            self.begin_if_idle()
