"""How fast blocks and transactions come from node to node, beside published figures.

Those of the live network: blocks in 2013 (a mean), in March 2014, and in 2021 (a median).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.machine import SECOND

SHARES: Final = (0.50, 0.90, 0.95, 0.99, 1.0)
"""Which parts of all arrivals are told."""

MAX_POINTS: Final = 200
"""Of one curve."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was seen of the live network.

    Args:
        when: the year.
        said: what the figures are.
        points: seconds, and the share of nodes that had it by then; of a mean none.
        mean_s: a mean; None where there is none.
    """

    when: str
    said: str
    points: tuple[tuple[float, float], ...] = ()
    mean_s: float | None = None

    def to_json(self) -> dict[str, object]:
        """For a report."""
        return {
            "when": self.when,
            "said": self.said,
            "points": [list(point) for point in self.points],
            "mean": self.mean_s,
        }


PUBLISHED: Final = (
    Published("2013", "blocks, a mean of 12.6 s", mean_s=12.6),
    Published(
        "March 2014",
        "blocks, 3.3 s to half of the nodes, 13.5 s to 90 %, 25 s to 95 %, 100 s to 99 %",
        ((3.3, 0.50), (13.5, 0.90), (25.0, 0.95), (100.0, 0.99)),
    ),
    Published("2021", "blocks, a median of 0.454 s", ((0.454, 0.50),)),
)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How long something took from its first node to others.

    Args:
        delays_us: of all arrivals, in order.
    """

    delays_us: tuple[int, ...]

    def after_s(self, share: float) -> float:
        """After so many seconds that part of all arrivals had come; the nearest rank."""
        place = max(0, -(-len(self.delays_us) * round(share * 1000) // 1000) - 1)
        return self.delays_us[place] / SECOND

    def mean_s(self) -> float:
        """Of all arrivals."""
        return sum(self.delays_us) / len(self.delays_us) / SECOND

    def points(self) -> list[tuple[float, float]]:
        """Seconds, and the share that had come by then; at most `MAX_POINTS`."""
        count = len(self.delays_us)
        places = sorted({-(-count * n // MAX_POINTS) for n in range(1, MAX_POINTS + 1)})
        return [(self.delays_us[n - 1] / SECOND, n / count) for n in places if n]

    def to_json(self) -> dict[str, object]:
        """For a report; seconds."""
        if not self.delays_us:
            return {"arrivals": 0}
        after = {f"{share:.0%}": round(self.after_s(share), 4) for share in SHARES}
        curve = [[round(s, 4), round(share, 4)] for s, share in self.points()]
        return {"arrivals": len(self.delays_us), "mean": round(self.mean_s(), 4)} | {
            "after": after,
            "curve": curve,
        }


def arrivals_of(delays_us: Sequence[int]) -> Arrivals:
    """Arrivals in any order."""
    return Arrivals(tuple(sorted(delays_us)))
