"""Packets on links that are slow and lossy: which of them arrive, and when.

The simulator has a stream wait for what such a link does (`drivers/sim/network`); here it is done
to each packet, and TCP in the kernels at both ends repairs it, as everywhere. Nothing here reads a
clock or a socket.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from axon.drivers.linkmodel import HELD_BACK, LinkModel, draw
from axon.machine import SECOND, Instant

MAX_QUEUED_PACKETS: Final = 1_000
"""On one way in one direction; more are lost, as where a router's queue is full. `tc netem` has the
same limit unless it is told another one."""

MAX_QUEUED_BYTES: Final = 64 << 20
"""On all links together: so much of a machine's memory they may take."""


class PacketFlow:
    """One direction between two hosts: says when a packet arrives, if it does.

    Args:
        model: of the link; None for one on which nothing passes.
        rng: of all chance on it.
    """

    __slots__ = ("_clear_at", "_is_bad", "_latency_us", "_model", "_rng", "_sent_at", "queued")

    def __init__(self, model: LinkModel | None, rng: Random) -> None:
        self._model = model
        self._rng = rng
        self._latency_us = 0 if model is None else draw(model.latency_us, rng)
        self._sent_at: Instant = 0  # When the last packet so far is on the link.
        self._clear_at: Instant = 0  # When the last packet that kept the order arrives.
        self._is_bad = False  # The state of the loss model.
        self.queued = 0  # Packets under way; kept by whoever has them.

    def arrivals(self, now: Instant, size_bytes: int) -> tuple[Instant, ...]:
        """When a packet sent now arrives: never if it is lost, twice if it is doubled."""
        model, rng = self._model, self._rng
        if model is None:
            return ()
        copies = 2 if model.duplicate and rng.random() < model.duplicate else 1
        found = []
        for _ in range(copies):
            if model.rate_bit_s:
                took = size_bytes * 8 * SECOND // model.rate_bit_s
                self._sent_at = max(self._sent_at, now) + took
            arrival = max(self._sent_at, now) + self._latency_us + draw(model.jitter_us, rng)
            if self._is_lost(model):
                continue
            arrival = max(arrival, self._clear_at)
            if model.reorder and rng.random() < model.reorder:
                found.append(arrival + HELD_BACK)
            else:
                self._clear_at = arrival
                found.append(arrival)
        return tuple(found)

    def _is_lost(self, model: LinkModel) -> bool:
        loss = model.loss
        if loss is None:
            return False
        self._is_bad = loss.turns(self._is_bad, self._rng)
        return self._rng.random() < loss.share(self._is_bad)


class _Queued(NamedTuple):
    arrival: Instant
    serial: int
    flow: PacketFlow
    port: str
    frame: bytes


class PacketQueue:
    """All packets that are under way, of all flows.

    Attributes:
        overflowed: packets that found no room.
    """

    def __init__(self) -> None:
        self._heap: list[_Queued] = []
        self._serial = 0
        self._bytes = 0
        self.overflowed = 0

    def put(self, flow: PacketFlow, port: str, frame: bytes, now: Instant) -> None:
        """Send a packet.

        Args:
            flow: on which it is.
            port: where it comes out.
            frame: what it is.
            now: the time.
        """
        if flow.queued >= MAX_QUEUED_PACKETS or self._bytes >= MAX_QUEUED_BYTES:
            self.overflowed += 1
            return
        for arrival in flow.arrivals(now, len(frame)):
            heapq.heappush(self._heap, _Queued(arrival, self._serial, flow, port, frame))
            self._serial += 1
            self._bytes += len(frame)
            flow.queued += 1

    def due(self, now: Instant) -> Iterator[tuple[str, bytes]]:
        """Take out what has arrived: where it comes out, and what it is."""
        while self._heap and self._heap[0].arrival <= now:
            packet = heapq.heappop(self._heap)
            self._bytes -= len(packet.frame)
            packet.flow.queued -= 1
            yield packet.port, packet.frame

    def deadline(self) -> Instant | None:
        """When the next one arrives; None if none is under way."""
        return self._heap[0].arrival if self._heap else None
