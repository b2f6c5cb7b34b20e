"""Whether a node is well, for whoever watches over it (`/healthz`)."""

from __future__ import annotations

from typing import Final

from axon.machine import HOUR, MINUTE, SECOND, Instant
from axon.node.full import FullNode
from axon.primitives.network import MAINNET

RECENT_TIP: Final = 2 * HOUR
"""A tip that is older is not recent. By chance so long passes without a block once in three years;
a node that is cut off is found out at once."""


def ailment(node: FullNode, now: Instant) -> str | None:
    """What is wrong with a node that answers, in a sentence; None if it is well.

    Blocks of a test chain come when somebody makes them: there the age of the tip says nothing.
    """
    if node.network is not MAINNET:
        return None
    tip, peers = node.active.tip, len(node.sessions)
    if node.initial_sync:
        best = node.headers.best.height
        return f"The first sync goes on: block {tip.height} of {best}, {peers} peers."
    return old_tip(now - tip.time * SECOND, peers)


def old_tip(age: Instant, peers: int) -> str | None:
    """What is wrong with a tip of this age; None if it is recent.

    Args:
        age: by our clock.
        peers: that are connected.
    """
    if age <= RECENT_TIP:
        return None
    return f"The last block is {age // MINUTE} minutes old, {peers} peers."
