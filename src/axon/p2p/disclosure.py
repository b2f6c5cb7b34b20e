"""Which blocks may be spoken of to anybody.

Those of the active chain may. Old forks would be a fingerprint: which of them a node knows tells
when it was online, and so which of its addresses are one node.
"""

from __future__ import annotations

from typing import Final

from axon.machine import DAY, SECOND
from axon.p2p.views import ActiveChainView, HeaderEntryView, HeaderTreeView, is_active
from axon.primitives.network import TARGET_SPACING_S
from axon.primitives.target import work

STALE_LIMIT_S: Final = 30 * DAY // SECOND
"""Blocks off the active chain are served for a month after they lost."""


def may_request(headers: HeaderTreeView, active: ActiveChainView, entry: HeaderEntryView) -> bool:
    """Whether a peer may learn that we know a block.

    Blocks of the active chain; others only if valid as far as known, and for a month, by their time
    and by the work that the best chain is ahead.
    """
    if is_active(active, entry):
        return True
    if headers.is_invalid(entry.hash):
        return False
    best = headers.best
    ahead_s = (best.chainwork - entry.chainwork) * TARGET_SPACING_S // work(best.bits)
    return best.time - entry.time < STALE_LIMIT_S and ahead_s < STALE_LIMIT_S
