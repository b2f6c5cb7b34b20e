"""Compact block filters for light clients: the serving side of BIP 157.

    request --what it may have--> FilterRequest --the node reads--> answer

A request names a range of the chain by its first height and its last block. Who asks for what the
protocol forbids is disconnected, as Bitcoin Core does; who asks before our index has come so far
gets no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple, cast

from axon.machine import PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.disclosure import may_request
from axon.p2p.faults import PeerFault
from axon.p2p.views import ActiveChainView, HeaderEntryView, HeaderTreeView, is_active
from axon.primitives.hashes import ZERO_HASH, BlockHash
from axon.wire.messages import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
)
from axon.wire.messages.filters import (
    BASIC_FILTER,
    CFCHECKPT_INTERVAL,
    MAX_CFHEADERS,
    MAX_CFILTERS,
)

FilterQuestion = GetCFilters | GetCFHeaders | GetCFCheckpt


class FilterHashes(NamedTuple):
    """What the filter index keeps of a block beside its filter.

    Args:
        filter_hash: sha256d of the basic filter, 32 bytes.
        filter_header: of the chain of filter headers up to this block, 32 bytes.
    """

    filter_hash: bytes
    filter_header: bytes


FoundFilters = Sequence[bytes | None] | Sequence[FilterHashes | None]
"""What was read for a `FilterRequest`, in its order; None where the index has nothing."""


@dataclass(frozen=True, slots=True)
class FilterRequest:
    """What to read of the filter index, to be handed to `FilterServing.answer` with what was found.

    Args:
        peer: who asks.
        question: as it came.
        blocks: 2,001 at most. For `getcfheaders` that does not begin at the genesis block the first
            is the block before.
    """

    peer: PeerId
    question: FilterQuestion
    blocks: tuple[BlockHash, ...]

    @property
    def whole(self) -> bool:
        """Whether filters themselves are to be read, a few at a time; else their `FilterHashes`."""
        return isinstance(self.question, GetCFilters)

    def without_first(self, count: int) -> FilterRequest:
        """What is left when so many of its filters were given."""
        return FilterRequest(self.peer, self.question, self.blocks[count:])


class FilterServing:
    """Answers requests for filters; node-wide, without memory of peers.

    Args:
        headers: all known headers.
        active: the connected blocks.
        offered: whether there is an index to serve from.
    """

    def __init__(self, headers: HeaderTreeView, active: ActiveChainView, offered: bool) -> None:
        self._headers = headers
        self._active = active
        self._offered = offered

    def received(self, peer: PeerId, message: FilterQuestion) -> FilterRequest:
        """A request; what is to be read for it.

        Raises:
            PeerFault: filters of this type are not offered, the last block is unknown, or the
                range is empty or too long.
        """
        if not self._offered or message.filter_type != BASIC_FILTER:
            raise PeerFault("it asked for filters of a type that is not offered")
        stop = message.stop_hash
        match message:
            case GetCFilters(_, start):
                blocks = _hashes(start, self._last(start, stop, MAX_CFILTERS))
            case GetCFHeaders(_, start):
                blocks = _hashes(max(start - 1, 0), self._last(start, stop, MAX_CFHEADERS))
            case GetCFCheckpt():
                blocks = self._checkpoints(self._last(0, stop, None))
        return FilterRequest(peer, message, tuple(blocks))

    def answer(self, request: FilterRequest, found: FoundFilters) -> list[Action]:
        """What was read; the answer to the peer.

        Filters go out as they are read, up to the first that is not there; of their hashes and
        headers all or nothing.

        Args:
            request: what was to be read.
            found: of filters perhaps only the first few.
        """
        peer, question = request.peer, request.question
        if isinstance(question, GetCFilters):
            filters = takewhile(lambda item: isinstance(item, bytes), found)
            pairs = zip(request.blocks, cast("Iterator[bytes]", filters), strict=False)
            return [Send(peer, CFilter(BASIC_FILTER, name, data)) for name, data in pairs]
        if any(item is None for item in found):
            return []
        hashes = [item for item in found if isinstance(item, FilterHashes)]
        if isinstance(question, GetCFCheckpt):
            headers = tuple([item.filter_header for item in hashes])
            return [Send(peer, CFCheckpt(BASIC_FILTER, question.stop_hash, headers))]
        previous = ZERO_HASH
        if question.start_height > 0:
            previous = hashes.pop(0).filter_header
        wanted = tuple([item.filter_hash for item in hashes])
        return [Send(peer, CFHeaders(BASIC_FILTER, question.stop_hash, previous, wanted))]

    def _last(self, start: int, stop: BlockHash, limit: int | None) -> HeaderEntryView:
        last = self._headers.get(stop)
        if last is None or not may_request(self._headers, self._active, last):
            raise PeerFault("it asked for filters up to an unknown block")
        if last.height < start:
            raise PeerFault("it asked for filters from behind their end")
        if limit is not None and last.height - start >= limit:
            raise PeerFault(f"it asked for more than {limit} filters")
        return last

    def _checkpoints(self, last: HeaderEntryView) -> list[BlockHash]:
        """Every thousandth block of a chain; from where it is active on, by height.

        An ancestor takes twenty steps to find: nine hundred of them would be ten milliseconds for
        a request of 37 bytes.
        """
        branch: list[BlockHash] = []
        entry: HeaderEntryView | None = last
        while entry is not None and not is_active(self._active, entry):
            if entry.height and entry.height % CFCHECKPT_INTERVAL == 0:
                branch.append(entry.hash)
            entry = entry.parent
        fork = 0 if entry is None else entry.height
        heights = range(CFCHECKPT_INTERVAL, fork + 1, CFCHECKPT_INTERVAL)
        below = [self._active.at(height) for height in heights]
        return [each.hash for each in below if each is not None] + branch[::-1]


def _hashes(start: int, last: HeaderEntryView) -> list[BlockHash]:
    """The blocks of a chain from a height up to its end."""
    hashes: list[BlockHash] = []
    entry: HeaderEntryView | None = last
    while entry is not None and entry.height >= start:
        hashes.append(entry.hash)
        entry = entry.parent
    hashes.reverse()
    return hashes
