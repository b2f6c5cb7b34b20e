"""Who may have dialled a wallet, how many of them at a time, and who makes room for whom.

Silence holds no seat: whoever comes takes the place of one who says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.machine import SECOND
from axon.payments.linkend import LinkEnd, LinkStage
from axon.payments.linkevents import Proof

MAX_STRANGERS: Final = 8
"""Links of payers who have not named an invoice yet."""
MAX_PAYERS: Final = 64
"""Open links of payers."""
QUIET: Final = 10 * SECOND
"""A link on which nobody has said anything for so long makes room for another one."""
TOTAL_BYTES: Final = 16_000_000
"""What waits on all links together; above it the payer goes on whose link most waits."""


def has_stranger_seat(payers: Sequence[LinkEnd]) -> bool:
    """Whether one more stranger may come."""
    return sum(end.stage is not LinkStage.OPEN for end in payers) < MAX_STRANGERS


def least_stranger(payers: Sequence[LinkEnd]) -> LinkEnd | None:
    """The stranger who makes room: who has come least far, of several the oldest.

    Returns:
        None if all have named an invoice, and it is looked for.
    """
    weak = [end for end in payers if end.stage < LinkStage.PROOF]
    return min(weak, key=lambda end: (end.stage, end.has_spoken, end.opened_at), default=None)


def rival_of(payers: Sequence[LinkEnd], proof: Proof) -> LinkEnd | None:
    """The open link in whose seat a payer would sit: one for each invoice.

    Args:
        payers: who has dialled us.
        proof: what he comes for, and how many may.

    Returns:
        None if there is a seat; else the one that has been quiet for longest.
    """
    opened = [end for end in payers if end.stage is LinkStage.OPEN]
    rivals = [end for end in opened if end.invoice_id == proof.invoice_id]
    if len(rivals) < proof.seats and len(opened) < MAX_PAYERS:
        return None
    return min(rivals or opened, key=lambda end: (end.is_busy, end.active_at))
