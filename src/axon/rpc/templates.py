"""The block that would be mined next, kept for callers who ask often.

Putting a template together walks through the whole pool, so it is done anew only when the tip is
another, or when the pool has changed and the old template is some seconds old.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from weakref import WeakKeyDictionary

from axon.machine import SECOND, Instant
from axon.mining.template import BlockTemplate
from axon.node.full import FullNode

MAX_AGE: Final = 5 * SECOND
"""How long changes of the pool wait before they show in a template."""


class Templates:
    """The templates of one node.

    Args:
        node: read on the loop only.
    """

    def __init__(self, node: FullNode) -> None:
        self._node = node
        self._kept: BlockTemplate | None = None
        self._kept_since: Instant = 0
        self.version = 0
        """Of the pool when the kept template was put together."""
        self.last: BlockTemplate | None = None
        """The one put together last, for whatever purpose."""

    def fresh(self, now: Instant) -> BlockTemplate:
        """The best block that the pool allows at this moment."""
        self.last = self._node.template(now // SECOND)
        return self.last

    def current(self, now: Instant) -> BlockTemplate:
        """The same, perhaps without the newest transactions; its time is the present one."""
        kept, node = self._kept, self._node
        aged = not 0 <= now - self._kept_since <= MAX_AGE
        changed = self.version != node.pool.version
        if kept is None or kept.parent is not node.active.tip or (aged and changed):
            self._kept_since, self.version = now, node.pool.version
            self._kept = self.fresh(now)
            return self._kept
        time = max(kept.min_time, now // SECOND)
        bits = node.headers.next_bits(kept.parent, time)
        self._kept = replace(kept, time=time, bits=bits)
        return self._kept


_OF_NODES: WeakKeyDictionary[FullNode, Templates] = WeakKeyDictionary()


def templates_of(node: FullNode) -> Templates:
    """The templates of a node, for as long as it lives."""
    found = _OF_NODES.get(node)
    if found is None:
        found = _OF_NODES[node] = Templates(node)
    return found
