"""What a link between two hosts is like: the same words for a simulated one and for a real one.

The simulator has a stream of TCP wait for what such a link does to its packets (`sim/network`), the
lab does it to the packets themselves (`packetflow`). Chance comes only from `random()` and
`getrandbits()`, and time is an integer, so that a seed means the same on every Python version.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from axon.machine import MILLISECOND

Quantiles = tuple[int, ...]
"""A distribution of integers: its values at evenly spaced probabilities, the smallest first, linear
in between. `(40,)` is always 40, `(0, 10)` is uniform, `(10, 20, 200)` has the median 20."""

HELD_BACK = 10 * MILLISECOND
"""So much later a packet comes that is out of order: several of a window overtake it."""

_FRACTION_BITS = 32
_ONE = 1 << _FRACTION_BITS


def draw(quantiles: Quantiles, rng: Random) -> int:
    """One value of a distribution; no chance is used up if it has only one."""
    steps = len(quantiles) - 1
    if steps == 0:
        return quantiles[0]
    at = rng.getrandbits(_FRACTION_BITS) * steps
    step, fraction = at >> _FRACTION_BITS, at & (_ONE - 1)
    low, high = quantiles[step], quantiles[step + 1]
    return low + ((high - low) * fraction >> _FRACTION_BITS)


@dataclass(frozen=True, slots=True)
class Loss:
    """How a link loses packets, after Gilbert and Elliott: it is in a good or in a bad state.

    Args:
        good: share of packets lost in the good state, from 0 to below 1.
        bad: share lost in the bad state.
        worsens: chance of going from good to bad, for each piece of data sent.
        recovers: chance of going from bad to good.
    """

    good: float = 0.0
    bad: float = 0.0
    worsens: float = 0.0
    recovers: float = 1.0

    def __post_init__(self) -> None:
        assert 0 <= self.good < 1, "a link that loses everything is cut, not lossy"
        assert 0 <= self.bad < 1, "a link that loses everything is cut, not lossy"
        assert 0 <= self.worsens <= 1, "a chance"
        assert 0 <= self.recovers <= 1, "a chance"

    def share(self, is_bad: bool) -> float:
        """Of packets that are lost in a state."""
        return self.bad if is_bad else self.good

    def turns(self, is_bad: bool, rng: Random) -> bool:
        """Whether the link is in the bad state for the next piece of data."""
        turns = rng.random() < (self.recovers if is_bad else self.worsens)
        return is_bad != turns


@dataclass(frozen=True, slots=True)
class LinkModel:
    """What a link between two hosts is like, in each direction.

    Args:
        latency_us: one way; drawn once for each pair of hosts, whose distance is what it is.
        jitter_us: added to every piece of data, drawn anew. Nothing overtakes by it.
        rate_bit_s: what the link carries; 0 for no limit.
        loss: None for a link that loses nothing.
        reorder: share of packets that are held back for `HELD_BACK`, while others overtake them.
        duplicate: share of packets that come twice. TCP throws the second away, so it only takes
            its room on the link.
    """

    latency_us: Quantiles = (40 * MILLISECOND,)
    jitter_us: Quantiles = (0,)
    rate_bit_s: int = 0
    loss: Loss | None = None
    reorder: float = 0.0
    duplicate: float = 0.0

    def __post_init__(self) -> None:
        for quantiles in (self.latency_us, self.jitter_us):
            assert quantiles, "a distribution has a value"
            assert quantiles[0] >= 0, "nothing arrives before it is sent"
            assert all(a <= b for a, b in pairwise(quantiles)), "quantiles ascend"
        assert self.rate_bit_s >= 0, "a link that carries nothing is cut, not slow"
        assert 0 <= self.reorder <= 1, "a share"
        assert 0 <= self.duplicate <= 1, "a share"

    @property
    def is_plain(self) -> bool:
        """Whether everything takes the latency and no more."""
        return (
            self.jitter_us == (0,)
            and not self.rate_bit_s
            and self.loss is None
            and not self.reorder
        )
