"""Sets of nodes that are drawn where there are too many for all, and what they show of the rest.

Each set of the sizes is as likely as each other one. So what share of the drawn ones fails bounds,
with 95 % confidence, what share of all does (Clopper and Pearson 1934). Sets to which a guide leads
are chosen and not drawn: they show nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from random import Random
from typing import Final

DRAWN: Final = 59
"""As few as bound the share to 5 % where none of them fails."""

CONFIDENCE: Final = 0.95
_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class SetSample:
    """What the drawn sets showed.

    Args:
        nodes: of the network.
        smallest: so many nodes are in a set at least.
        largest: at most.
        drawn: so many sets.
        failed: so many of these.
    """

    nodes: int
    smallest: int
    largest: int
    drawn: int
    failed: int

    @property
    def possible(self) -> int:
        """How many sets of these sizes there are."""
        return sum(comb(self.nodes, size) for size in range(self.smallest, self.largest + 1))

    @property
    def p95_bound(self) -> float:
        """The share of all of them, 0 to 1, that fails at most, with 95 % confidence."""
        return share_bound(self.failed, self.drawn)

    def left_out(self) -> str:
        """What was not tried, and what is known of it."""
        fail = f"{self.failed or 'none'} of them {'fails' if self.failed < 2 else 'fail'}"
        return (
            f"{self.possible - self.drawn:,} of {self.possible:,} sets of {self.smallest} to "
            f"{self.largest} nodes: {self.drawn} were drawn at random and {fail}, so with 95 % "
            f"confidence at most {100 * self.p95_bound:.1f} % of all do"
        )

    def to_json(self) -> dict[str, object]:
        """For a report."""
        return {
            "sizes": [self.smallest, self.largest],
            "possible": self.possible,
            "drawn": self.drawn,
            "failed": self.failed,
        }


def draw(names: Sequence[str], sizes: range, rng: Random) -> list[tuple[str, ...]]:
    """`DRAWN` different sets of such sizes, smaller ones first.

    Args:
        names: of the nodes; there are many more sets of them than are drawn.
        sizes: of the sets.
        rng: draws.
    """
    found: dict[int, None] = {}
    while len(found) < DRAWN:
        bits = rng.getrandbits(len(names))
        if bits.bit_count() in sizes:
            found[bits] = None
    chosen = [
        tuple(name for place, name in enumerate(names) if bits >> place & 1) for bits in found
    ]
    return sorted(chosen, key=len)


def share_bound(failed: int, drawn: int) -> float:
    """The largest share of failures with which so few are seen in 5 % of all draws.

    Args:
        failed: of those that were drawn.
        drawn: at least one.

    Returns:
        0 to 1; `1 - 0.05 ** (1 / drawn)` where none fails.
    """
    assert 0 <= failed <= drawn, "no more fail than were drawn"
    if failed == drawn:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        chance = sum(
            comb(drawn, count) * share**count * (1 - share) ** (drawn - count)
            for count in range(failed + 1)
        )
        low, high = (share, high) if chance > 1 - CONFIDENCE else (low, share)
    return high
