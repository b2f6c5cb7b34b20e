"""What the operator may order about the active chain, against what validation alone would choose.

Whatever the order, the chain that is active then is the one with the most work among those that are
left, as ever; what he set aside stays so until he says otherwise.
"""

from __future__ import annotations

from enum import StrEnum


class ChainOrder(StrEnum):
    """An order about one block; the values are how orders are written down."""

    INVALIDATE = "invalidate"
    """It counts as invalid, and all that builds on it (`invalidateblock`)."""

    RECONSIDER = "reconsider"
    """Neither it, nor what it builds on, nor what builds on it counts as invalid any more
    (`reconsiderblock`): what really is invalid will be found so again."""

    PREFER = "prefer"
    """Among blocks with the same work it counts as the first (`preciousblock`)."""
