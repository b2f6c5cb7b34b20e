"""The block that would be mined next, kept for callers who ask often.

Putting a template together walks through the whole pool, so it is done anew only when the tip is
another, or when the pool has changed and the old template is some seconds old. Whoever asks puts it
together, off the node's thread: with the pool of a real network it takes a tenth of a second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderTree
from axon.machine import SECOND, Instant
from axon.mempool.pool import Mempool
from axon.mining.template import BlockTemplate

MAX_AGE: Final = 5 * SECOND
"""How long changes of the pool wait before they show in a template."""


class TemplateSource(Protocol):
    """A node, as far as its next block is concerned."""

    @property
    def headers(self) -> HeaderTree:
        """All headers known."""

    @property
    def active(self) -> ActiveChain:
        """The blocks connected."""

    @property
    def pool(self) -> Mempool:
        """The unconfirmed transactions."""


class Templates:
    """The templates of one node.

    Args:
        source: the node; read on its own thread.
    """

    def __init__(self, source: TemplateSource) -> None:
        self._source = source
        self._kept: BlockTemplate | None = None
        self._kept_since: Instant = 0
        self.version = 0
        """Of the pool when the kept template was put together."""
        self.last: BlockTemplate | None = None
        """The one put together last, for whatever purpose."""

    def kept(self, now: Instant) -> BlockTemplate | None:
        """The kept one with the present time; None if it is to be put together anew.

        It may lack the newest transactions.
        """
        kept, source = self._kept, self._source
        aged = not 0 <= now - self._kept_since <= MAX_AGE
        changed = self.version != source.pool.version
        if kept is None or kept.parent is not source.active.tip or (aged and changed):
            return None
        time = max(kept.min_time, now // SECOND)
        bits = source.headers.next_bits(kept.parent, time)
        self._kept = replace(kept, time=time, bits=bits)
        return self._kept

    def keep(self, template: BlockTemplate, version: int, now: Instant) -> None:
        """Keep a template for those who ask next.

        Args:
            version: of the pool that it shows.
            now: when that was.
        """
        self._kept, self.version, self._kept_since = template, version, now
