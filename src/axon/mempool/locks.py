"""Whether a transaction may stand in the next block: lock times, absolute and relative (BIP 68)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import SEQUENCE_FINAL, Transaction

LOCKTIME_THRESHOLD: Final = 500_000_000
"""Lock times below it are heights, from it on seconds since 1970."""

SEQUENCE_DISABLE: Final = 1 << 31
SEQUENCE_TIME: Final = 1 << 22
SEQUENCE_MASK: Final = 0xFFFF
SEQUENCE_TIME_SHIFT: Final = 9
"""Relative times count in units of 512 seconds."""


@dataclass(frozen=True, slots=True)
class TipContext:
    """What the pool must know of the active chain.

    Args:
        height: of its tip; the pool prepares the block above.
        median_time_past: of the tip, seconds since 1970.
        hash: of the tip.
        median_time_past_at: the same for any height of the active chain.
    """

    height: int
    median_time_past: int
    hash: BlockHash
    median_time_past_at: Callable[[int], int]


def is_final(transaction: Transaction, tip: TipContext) -> bool:
    """Whether its lock time allows it into the block above the tip (BIP 113)."""
    locktime = transaction.locktime
    if locktime == 0:
        return True
    limit = tip.height + 1 if locktime < LOCKTIME_THRESHOLD else tip.median_time_past
    if locktime < limit:
        return True
    return all(item.sequence == SEQUENCE_FINAL for item in transaction.inputs)


def has_relative_lock(transaction: Transaction) -> bool:
    """Whether BIP 68 binds any of its inputs."""
    if transaction.version < 2:
        return False
    return any(not item.sequence & SEQUENCE_DISABLE for item in transaction.inputs)


def sequence_locks_met(transaction: Transaction, heights: Sequence[int], tip: TipContext) -> bool:
    """Whether its relative lock times allow it into the block above the tip (BIP 68).

    Args:
        heights: of the coins it spends, one per input; tip + 1 for unconfirmed ones.
    """
    if transaction.version < 2:
        return True
    for item, height in zip(transaction.inputs, heights, strict=True):
        sequence = item.sequence
        if sequence & SEQUENCE_DISABLE:
            continue
        span = sequence & SEQUENCE_MASK
        if not sequence & SEQUENCE_TIME:
            if height + span > tip.height + 1:
                return False
            continue
        start = tip.median_time_past_at(max(height - 1, 0))
        if start + (span << SEQUENCE_TIME_SHIFT) > tip.median_time_past:
            return False
    return True
