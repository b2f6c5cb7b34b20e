"""What lies between two hosts: how long bytes take, and whether they come through at all.

A `LinkModel` says what a link is like; a `Flow` carries one direction of one TCP connection over it
and says when a piece of data arrives. TCP repairs what a link loses, so loss is delay here: the
piece, and all behind it, waits for one retransmission timeout or several. So is what comes out of
order: it waits for what it has overtaken. `LinkTable` knows which model lies between which hosts,
and the cuts that keep some of them apart.

Chance comes only from `random()` and `getrandbits()`, and time is an integer, so that a seed means
the same on every Python version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from axon.drivers.linkmodel import HELD_BACK, LinkModel, Loss, draw
from axon.machine import MILLISECOND, SECOND, Instant

SEGMENT_BYTES = 1_460
"""What one packet carries over Ethernet; the unit that is lost."""

RETRANSMIT_MIN = 200 * MILLISECOND
"""The shortest retransmission timeout (Linux); it doubles with each loss in a row."""

RETRANSMIT_MAX = 120 * SECOND
"""The longest (Linux)."""


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


class Direction:
    """One direction between two hosts as it is at present; all flows over it share it.

    Args:
        model: what it is like.
        latency_us: of these hosts, as drawn from the model.

    Attributes:
        is_plain: everything takes the latency and no more.
    """

    __slots__ = ("is_plain", "latency_us", "model")

    def __init__(self, model: LinkModel, latency_us: int) -> None:
        self.become(model, latency_us)

    def become(self, model: LinkModel, latency_us: int) -> None:
        """Be like this for whatever is sent from now on."""
        self.model = model
        self.latency_us = latency_us
        self.is_plain = model.is_plain


class Flow:
    """One direction of one connection over a link: says when data arrives, in order as TCP.

    Args:
        line: over which it goes.
        rng: where jitter and loss come from.
    """

    __slots__ = ("_bad", "_clear_at", "_line", "_rng", "_sent_at")

    def __init__(self, line: Direction, rng: Random) -> None:
        self._line = line
        self._rng = rng
        self._sent_at: Instant = 0  # When the last byte so far is on the link.
        self._clear_at: Instant = 0  # When the last byte so far has arrived.
        self._bad = False  # The state of the loss model.

    def arrival(self, now: Instant, size_bytes: int) -> Instant:
        """When data sent now has arrived as a whole; never before what was sent earlier."""
        line = self._line
        arrival = now + line.latency_us
        if not line.is_plain:
            arrival += self._hindrance(now, size_bytes)
        if arrival < self._clear_at:
            return self._clear_at
        self._clear_at = arrival
        return arrival

    def _hindrance(self, now: Instant, size_bytes: int) -> int:
        """Microseconds that rate, jitter, loss and disorder add to the latency."""
        model = self._line.model
        delay = draw(model.jitter_us, self._rng)
        if model.rate_bit_s:
            carried_bytes = size_bytes + round(size_bytes * model.duplicate)
            took = carried_bytes * 8 * SECOND // model.rate_bit_s
            self._sent_at = max(self._sent_at, now) + took
            delay += self._sent_at - now
        if model.loss is not None:
            delay += self._repair(model.loss, size_bytes)
        if model.reorder and self._rng.random() >= (1.0 - model.reorder) ** _segments(size_bytes):
            delay += HELD_BACK
        return delay

    def _repair(self, loss: Loss, size_bytes: int) -> int:
        """Microseconds until all segments of a piece of data have come through."""
        rng = self._rng
        self._bad = loss.turns(self._bad, rng)
        share = loss.share(self._bad)
        all_through = (1.0 - share) ** _segments(size_bytes)
        delay, timeout = 0, max(RETRANSMIT_MIN, 2 * self._line.latency_us)
        while rng.random() >= all_through:
            delay += timeout
            timeout = min(2 * timeout, RETRANSMIT_MAX)
            all_through = 1.0 - share  # What is missing now is about one segment.
        return delay


def _segments(size_bytes: int) -> int:
    return max(1, -(-size_bytes // SEGMENT_BYTES))


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """The ways from some hosts to some others; not those back.

    Args:
        sources: numbers of hosts; None for all.
        targets: numbers of hosts; None for all.
    """

    sources: frozenset[int] | None
    targets: frozenset[int] | None

    def lead(self, source: int, target: int) -> bool:
        """Whether the way from source to target is one of them."""
        return (self.sources is None or source in self.sources) and (
            self.targets is None or target in self.targets
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shaping(Between):
    """These ways are like this; where two say so, as the later one says.

    Args:
        model: what each is like.
    """

    model: LinkModel


@dataclass(frozen=True, slots=True, eq=False)
class Cut(Between):
    """Nothing comes through from any of these hosts to any of those; the other way it does.

    Args:
        drops: packets are lost, and sent again when TCP's timeout says so; else the network holds
            them and they arrive as soon as the cut is mended.
    """

    drops: bool = False


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
        self._shapings: list[Shaping] = []
        self._lines: dict[tuple[int, int], Direction] = {}
        self._sources: dict[int, Random] = {}
        self._held: list[Callable[[], None]] = []
        self.cuts: list[Cut] = []

    def shape(self, shaping: Shaping) -> None:
        """Have ways be like this from now on, also for connections that stand."""
        self._shapings.append(shaping)
        self._reshape()

    def unshape(self, shaping: Shaping) -> None:
        """Take that back; what is on its way arrives as if nothing had happened."""
        self._shapings.remove(shaping)
        self._reshape()

    def flow(self, source: int, target: int) -> Flow:
        """A new direction of a connection."""
        rng = self._sources.get(source)
        if rng is None:
            rng = self._sources[source] = stream(self._seed, "flow", source)
        return Flow(self._line(source, target), rng)

    def latency_us(self, source: int, target: int) -> int:
        """One way between two hosts, without jitter."""
        return self._line(source, target).latency_us

    def _line(self, source: int, target: int) -> Direction:
        line = self._lines.get((source, target))
        if line is None:
            model = self._model_of(source, target)
            line = Direction(model, self._distance_us(source, target, model))
            self._lines[source, target] = line
        return line

    def _reshape(self) -> None:
        for (source, target), line in self._lines.items():
            model = self._model_of(source, target)
            if model is not line.model:
                line.become(model, self._distance_us(source, target, model))

    def _model_of(self, source: int, target: int) -> LinkModel:
        for shaping in reversed(self._shapings):
            if shaping.lead(source, target):
                return shaping.model
        return self._model

    def _distance_us(self, source: int, target: int, model: LinkModel) -> int:
        """The latency between two hosts: the same both ways, where both ways are alike."""
        if len(model.latency_us) == 1:
            return model.latency_us[0]
        low, high = (source, target) if source < target else (target, source)
        return draw(model.latency_us, stream(self._seed, "latency", low, high))

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
            if cut.lead(source, target):
                return cut
        return None

    def hold(self, retry: Callable[[], None]) -> None:
        """Call `retry` after the next `mend`."""
        self._held.append(retry)
