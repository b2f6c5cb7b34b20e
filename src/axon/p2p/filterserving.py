"""Compact block filters for light clients: the serving side of BIP 157.

A request names a range of the chain by its first height and its last block. Who asks for what the
protocol forbids is disconnected, as Bitcoin Core does; who asks before our index has come so far
gets no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from axon.machine import PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.faults import PeerFault
from axon.p2p.serving import may_request
from axon.p2p.views import ActiveChainView, HeaderEntryView, HeaderTreeView
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


class Filters(Protocol):
    """The filter index, as far as it is needed here."""

    def filters(self, block_hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """The basic filters of blocks (BIP 158); None where one is not there."""
        ...

    def filter_hashes(self, block_hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """The sha256d of each; None where it is not there."""
        ...

    def headers(self, block_hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """The filter headers of blocks, 32 bytes each; None where one is not there."""
        ...


class FilterServing:
    """Answers requests for filters; node-wide, without memory of peers.

    Args:
        headers: all known headers.
        active: the connected blocks.
        filters: the index; None if filters are not offered.
    """

    def __init__(
        self, headers: HeaderTreeView, active: ActiveChainView, filters: Filters | None
    ) -> None:
        self._headers = headers
        self._active = active
        self._filters = filters

    def received(
        self, peer: PeerId, message: GetCFilters | GetCFHeaders | GetCFCheckpt
    ) -> list[Action]:
        """A request.

        Raises:
            PeerFault: filters of this type are not offered, the last block is unknown, or the
                range is empty or too long.
        """
        filters = self._filters
        if filters is None or message.filter_type != BASIC_FILTER:
            raise PeerFault("it asked for filters of a type that is not offered")
        stop = message.stop_hash
        match message:
            case GetCFilters(_, start):
                last = self._last(start, stop, MAX_CFILTERS)
                return self._send_filters(peer, filters, start, last)
            case GetCFHeaders(_, start):
                last = self._last(start, stop, MAX_CFHEADERS)
                return self._send_headers(peer, filters, start, last)
            case GetCFCheckpt():
                return self._send_checkpoints(peer, filters, self._last(0, stop, None))

    def _last(self, start: int, stop: BlockHash, limit: int | None) -> HeaderEntryView:
        last = self._headers.get(stop)
        if last is None or not may_request(self._headers, self._active, last):
            raise PeerFault("it asked for filters up to an unknown block")
        if last.height < start:
            raise PeerFault("it asked for filters from behind their end")
        if limit is not None and last.height - start >= limit:
            raise PeerFault(f"it asked for more than {limit} filters")
        return last

    @staticmethod
    def _hashes(start: int, last: HeaderEntryView) -> list[BlockHash]:
        """The blocks of a chain from a height up to its end."""
        hashes: list[BlockHash] = []
        entry: HeaderEntryView | None = last
        while entry is not None and entry.height >= start:
            hashes.append(entry.hash)
            entry = entry.parent
        hashes.reverse()
        return hashes

    def _send_filters(
        self, peer: PeerId, filters: Filters, start: int, last: HeaderEntryView
    ) -> list[Action]:
        hashes = self._hashes(start, last)
        actions: list[Action] = []
        for block_hash, found in zip(hashes, filters.filters(hashes), strict=True):
            if found is None:
                return []
            actions.append(Send(peer, CFilter(BASIC_FILTER, block_hash, found)))
        return actions

    def _send_headers(
        self, peer: PeerId, filters: Filters, start: int, last: HeaderEntryView
    ) -> list[Action]:
        previous: bytes | None = ZERO_HASH
        before = last.ancestor(start - 1) if start > 0 else None
        if before is not None:
            previous = filters.headers((before.hash,))[0]
        found = _complete(filters.filter_hashes(self._hashes(start, last)))
        if found is None or previous is None:
            return []
        return [Send(peer, CFHeaders(BASIC_FILTER, last.hash, previous, found))]

    @staticmethod
    def _send_checkpoints(peer: PeerId, filters: Filters, last: HeaderEntryView) -> list[Action]:
        entries = [
            last.ancestor(height)
            for height in range(CFCHECKPT_INTERVAL, last.height + 1, CFCHECKPT_INTERVAL)
        ]
        found = _complete(filters.headers([entry.hash for entry in entries if entry is not None]))
        if found is None:
            return []
        return [Send(peer, CFCheckpt(BASIC_FILTER, last.hash, found))]


def _complete(values: Sequence[bytes | None]) -> tuple[bytes, ...] | None:
    """The values, or None if one is missing."""
    found = tuple([value for value in values if value is not None])
    return found if len(found) == len(values) else None
