"""What lies between two hosts: how long bytes take, and whether they come through at all.

A `LinkModel` says what a link is like; a `Flow` carries one direction of one TCP connection over it
and says when a piece of data arrives. TCP repairs what a link loses, so loss is delay here: the
piece, and all behind it, waits for one retransmission timeout or several. `LinkTable` knows which
model lies between which hosts, and the cuts that keep some of them apart.

Chance comes only from `random()` and `getrandbits()`, and time is an integer, so that a seed means
the same on every Python version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from random import Random

from axon.machine import MILLISECOND, SECOND, Instant

Quantiles = tuple[int, ...]
"""A distribution of integers: its values at evenly spaced probabilities, the smallest first, linear
in between. `(40,)` is always 40, `(0, 10)` is uniform, `(10, 20, 200)` has the median 20."""

SEGMENT_BYTES = 1_460
"""What one packet carries over Ethernet; the unit that is lost."""

RETRANSMIT_MIN = 200 * MILLISECOND
"""The shortest retransmission timeout (Linux); it doubles with each loss in a row."""

RETRANSMIT_MAX = 120 * SECOND
"""The longest (Linux)."""

_FRACTION_BITS = 32
_ONE = 1 << _FRACTION_BITS


def stream(seed: int, purpose: str, *ids: int) -> Random:
    """A source of chance of its own for every purpose, so that one draw more here moves none there.

    Args:
        seed: of the whole run.
        purpose: what it is for.
        ids: whom it is for, such as a node's number.
    """
    name = "|".join(map(str, (seed, purpose, *ids)))
    return Random(int.from_bytes(sha256(name.encode()).digest()))


def below(limit: int, rng: Random) -> int:
    """An integer from 0 to limit - 1, as `randrange`, the same on every Python version."""
    bits = limit.bit_length()
    drawn = rng.getrandbits(bits)
    while drawn >= limit:
        drawn = rng.getrandbits(bits)
    return drawn


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


@dataclass(frozen=True, slots=True)
class LinkModel:
    """What a link between two hosts is like, in each direction.

    Args:
        latency_us: one way; drawn once for each pair of hosts, whose distance is what it is.
        jitter_us: added to every piece of data, drawn anew.
        rate_bit_s: what the link carries; 0 for no limit.
        loss: None for a link that loses nothing.
    """

    latency_us: Quantiles = (40 * MILLISECOND,)
    jitter_us: Quantiles = (0,)
    rate_bit_s: int = 0
    loss: Loss | None = None

    def __post_init__(self) -> None:
        for quantiles in (self.latency_us, self.jitter_us):
            assert quantiles, "a distribution has a value"
            assert quantiles[0] >= 0, "nothing arrives before it is sent"
            assert all(a <= b for a, b in pairwise(quantiles)), "quantiles ascend"
        assert self.rate_bit_s >= 0, "a link that carries nothing is cut, not slow"


class Flow:
    """One direction of one connection over a link: says when data arrives, in order as TCP.

    Args:
        model: the link.
        latency_us: of this pair of hosts, as drawn from the model.
        rng: where jitter and loss come from.
    """

    __slots__ = ("_bad", "_clear_at", "_latency_us", "_model", "_plain", "_rng", "_sent_at")

    def __init__(self, model: LinkModel, latency_us: int, rng: Random) -> None:
        self._model = model
        self._latency_us = latency_us
        self._rng = rng
        self._plain = model.jitter_us == (0,) and not model.rate_bit_s and model.loss is None
        self._sent_at: Instant = 0  # When the last byte so far is on the link.
        self._clear_at: Instant = 0  # When the last byte so far has arrived.
        self._bad = False  # The state of the loss model.

    def arrival(self, now: Instant, size_bytes: int) -> Instant:
        """When data sent now has arrived as a whole; never before what was sent earlier."""
        arrival = now + self._latency_us
        if not self._plain:
            arrival += self._hindrance(now, size_bytes)
        if arrival < self._clear_at:
            return self._clear_at
        self._clear_at = arrival
        return arrival

    def _hindrance(self, now: Instant, size_bytes: int) -> int:
        """Microseconds that rate, jitter and loss add to the latency."""
        model = self._model
        delay = draw(model.jitter_us, self._rng)
        if model.rate_bit_s:
            self._sent_at = max(self._sent_at, now) + size_bytes * 8 * SECOND // model.rate_bit_s
            delay += self._sent_at - now
        if model.loss is not None:
            delay += self._repair(model.loss, size_bytes)
        return delay

    def _repair(self, loss: Loss, size_bytes: int) -> int:
        """Microseconds until all segments of a piece of data have come through."""
        rng = self._rng
        if rng.random() < (loss.recovers if self._bad else loss.worsens):
            self._bad = not self._bad
        share = loss.bad if self._bad else loss.good
        segments = max(1, -(-size_bytes // SEGMENT_BYTES))
        all_through = (1.0 - share) ** segments
        delay, timeout = 0, max(RETRANSMIT_MIN, 2 * self._latency_us)
        while rng.random() >= all_through:
            delay += timeout
            timeout = min(2 * timeout, RETRANSMIT_MAX)
            all_through = 1.0 - share  # What is missing now is about one segment.
        return delay


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Nothing comes through from any of these hosts to any of those; the other way it does.

    Args:
        sources: numbers of hosts; None for all.
        targets: numbers of hosts; None for all.
        drops: packets are lost, and sent again when TCP's timeout says so; else the network holds
            them and they arrive as soon as the cut is mended.
    """

    sources: frozenset[int] | None
    targets: frozenset[int] | None
    drops: bool = False

    def stops(self, source: int, target: int) -> bool:
        """Whether it lies in the way from source to target."""
        return (self.sources is None or source in self.sources) and (
            self.targets is None or target in self.targets
        )


class LinkTable:
    """The links between all hosts, by their numbers, and the cuts through them.

    Args:
        seed: of the whole run.
        model: of every link for which `shape` says nothing else.

    Attributes:
        cuts: those in force.
    """

    def __init__(self, seed: int, model: LinkModel) -> None:
        self._seed = seed
        self._model = model
        self._models: dict[tuple[int, int], LinkModel] = {}
        self._latencies: dict[tuple[int, int], int] = {}
        self._sources: dict[int, Random] = {}
        self._held: list[Callable[[], None]] = []
        self.cuts: list[Cut] = []

    def shape(self, a: int, b: int, model: LinkModel) -> None:
        """Give the link between two hosts a model of its own; for connections made from now on."""
        self._models[_pair(a, b)] = model
        self._latencies.pop(_pair(a, b), None)

    def flow(self, source: int, target: int) -> Flow:
        """A new direction of a connection."""
        rng = self._sources.get(source)
        if rng is None:
            rng = self._sources[source] = stream(self._seed, "flow", source)
        model = self._models.get(_pair(source, target), self._model)
        return Flow(model, self.latency_us(source, target), rng)

    def latency_us(self, a: int, b: int) -> int:
        """One way between two hosts, without jitter."""
        pair = _pair(a, b)
        latency_us = self._latencies.get(pair)
        if latency_us is None:
            quantiles = self._models.get(pair, self._model).latency_us
            latency_us = self._latencies[pair] = (
                draw(quantiles, stream(self._seed, "latency", *pair))
                if len(quantiles) > 1
                else quantiles[0]
            )
        return latency_us

    def cut(self, cut: Cut) -> None:
        """Put a cut in force; several may hold at once."""
        self.cuts.append(cut)

    def mend(self, cut: Cut) -> None:
        """Undo a cut; whatever was held looks again whether it comes through now."""
        self.cuts.remove(cut)
        held, self._held = self._held, []
        for retry in held:
            retry()

    def cut_between(self, source: int, target: int) -> Cut | None:
        """What keeps source from reaching target, None if nothing."""
        for cut in self.cuts:
            if cut.stops(source, target):
                return cut
        return None

    def hold(self, retry: Callable[[], None]) -> None:
        """Call `retry` after the next `mend`."""
        self._held.append(retry)


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)
