"""What a peer may send as headers, as far as that can be told without the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.p2p.faults import BLAMELESS_REASONS, DUPLICATE_INVALID, PeerViolation
from axon.p2p.views import ChainView
from axon.primitives.header import Header
from axon.primitives.target import meets_target, work
from axon.primitives.verdict import Rejected

WORK_BUFFER_BLOCKS: Final = 144
"""A chain may have this much less work than ours and still be stored: a day of forks."""


def check_continuous(headers: Sequence[Header]) -> None:
    """Each header builds on the one before.

    Raises:
        PeerViolation: one does not.
    """
    before = headers[0].hash
    for header in headers[1:]:
        if header.prev != before:
            raise PeerViolation("Bitcoin Core: each header of a message builds on the one before")
        before = header.hash


def check_work(headers: Sequence[Header]) -> None:
    """Each header proves the work that it claims.

    Raises:
        PeerViolation: one does not.
    """
    for header in headers:
        if not meets_target(header.hash, header.bits):
            raise PeerViolation("Bitcoin Core: each header proves the work that it claims")


def least_work(chain: ChainView) -> int:
    """The chainwork that a chain must have to be worth remembering."""
    tip = chain.tip
    near_tip = tip.chainwork - WORK_BUFFER_BLOCKS * work(tip.bits)
    return max(near_tip, chain.minimum_chainwork)


def punish(rejected: Rejected, *, chosen: bool) -> None:
    """What Bitcoin Core does about an invalid header: one is enough, with two exceptions.

    Args:
        rejected: why it was refused.
        chosen: whether we dialled the peer of our own accord.

    Raises:
        PeerViolation: the peer should have known better.
    """
    if rejected.reason in BLAMELESS_REASONS:
        return
    if rejected.reason == DUPLICATE_INVALID and not chosen:
        return  # It may have seen that block only now.
    raise PeerViolation(f"Bitcoin Core: no invalid headers: {rejected}")
