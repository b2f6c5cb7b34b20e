"""The payee's own chain of headers: what proofs of a packet are held against."""

from __future__ import annotations

from typing import Protocol

from axon.chain.headerentry import MEDIAN_TIME_SPAN, HeaderEntry
from axon.mempool.locks import TipContext
from axon.primitives.header import Header


class HeaderChainView(Protocol):
    """A chain of headers that does not move while a packet is checked."""

    @property
    def tip_height(self) -> int:
        """Of its newest header."""
        ...

    def header_at(self, height: int) -> Header | None:
        """The header at a height; None above the tip, and where it is not kept."""
        ...


class BestHeaders:
    """The chain that ends in an entry of a header tree.

    Args:
        tip: the newest entry, mostly `HeaderTree.best`.
    """

    def __init__(self, tip: HeaderEntry) -> None:
        self._tip = tip

    @property
    def tip_height(self) -> int:
        """Of its newest header."""
        return self._tip.height

    def header_at(self, height: int) -> Header | None:
        """The header at a height; None above the tip and below the root of the tree."""
        entry = self._tip.ancestor(height) if height >= 0 else None
        return None if entry is None else entry.header


def tip_context(chain: HeaderChainView) -> TipContext:
    """What lock times are held against: the block above the tip may have the payment."""
    tip = chain.header_at(chain.tip_height)
    assert tip is not None, "a chain has its tip"
    return TipContext(
        chain.tip_height,
        median_time(chain, chain.tip_height),
        tip.hash,
        lambda height: median_time(chain, height),
    )


def median_time(chain: HeaderChainView, height: int) -> int:
    """The median time of a block and the ten before it (BIP 113), seconds since 1970.

    Where headers before it are not kept, the time of the block after it stands in: consensus makes
    it later than the median, so a lock that has passed by it has passed. 0xFFFFFFFF, by which
    none has, where that is not known either.
    """
    first = max(0, height + 1 - MEDIAN_TIME_SPAN)
    headers = [chain.header_at(each) for each in range(first, height + 1)]
    times = sorted([header.time for header in headers if header is not None])
    if len(times) == len(headers):
        return times[len(times) // 2]
    after = chain.header_at(height + 1)
    return 0xFFFF_FFFF if after is None else after.time - 1
