"""The block that would be mined next, kept for callers who ask often.

Putting a template together walks through the whole pool, so it is done anew only when the tip is
another, or when the pool has changed and the old template is some seconds old.
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

    def template(self, now_s: int) -> BlockTemplate:
        """The best next block that the pool allows, at this time of day in seconds since 1970."""


class Templates:
    """The templates of one node.

    Args:
        source: the node; read whenever a template is asked for, so on its own thread.
    """

    def __init__(self, source: TemplateSource) -> None:
        self._source = source
        self._kept: BlockTemplate | None = None
        self._kept_since: Instant = 0
        self.version = 0
        """Of the pool when the kept template was put together."""
        self.last: BlockTemplate | None = None
        """The one put together last, for whatever purpose."""

    def fresh(self, now: Instant) -> BlockTemplate:
        """The best block that the pool allows at this moment."""
        self.last = self._source.template(now // SECOND)
        return self.last

    def current(self, now: Instant) -> BlockTemplate:
        """The same, perhaps without the newest transactions; its time is the present one."""
        kept, source = self._kept, self._source
        aged = not 0 <= now - self._kept_since <= MAX_AGE
        changed = self.version != source.pool.version
        if kept is None or kept.parent is not source.active.tip or (aged and changed):
            self._kept_since, self.version = now, source.pool.version
            self._kept = self.fresh(now)
            return self._kept
        time = max(kept.min_time, now // SECOND)
        bits = source.headers.next_bits(kept.parent, time)
        self._kept = replace(kept, time=time, bits=bits)
        return self._kept
