"""A small network that uses every kind of chance: run by `test_driver` in several processes."""

from __future__ import annotations

from random import Random

from axon.drivers.linkmodel import LinkModel, Loss
from axon.drivers.sim.driver import START, Simulation
from axon.drivers.sim.faults import Crash, FaultSchedule, Heal, Partition, Restart
from axon.machine import (
    MILLISECOND,
    SECOND,
    Closed,
    Delegate,
    Dial,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
    Transmit,
)

NODES = 12


class Gossip:
    """Says something to a random peer at random times, and passes on what it hears at times."""

    def __init__(self, rng: Random, now: Instant, friends: list[Endpoint]) -> None:
        self._rng = rng
        self._friends = friends
        self._peers: dict[PeerId, None] = {}
        self._deadline = now
        self._tickets = 0

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        match event:
            case Opened(peer):
                self._peers[peer] = None
            case Closed(peer):
                del self._peers[peer]
            case Received(peer, data) if self._rng.random() < 0.7:
                words = b"%d" % (len(data) + data[-1])
                return [Transmit(peer, words), Delegate(now, data, "lane")]
        return []

    def tick(self, now: Instant) -> list[Effect]:
        self._deadline = now + 1 + self._rng.getrandbits(20)
        self._tickets += 1
        if len(self._peers) < 3:
            return [Dial(self._tickets, self._friends[self._rng.getrandbits(16) % NODES])]
        peer = list(self._peers)[self._rng.getrandbits(16) % len(self._peers)]
        return [Transmit(peer, self._rng.getrandbits(64).to_bytes(8))]

    def deadline(self) -> Instant:
        return self._deadline


def gossip(seed: int) -> str:
    """The fingerprint of a minute with all kinds of faults."""
    link = LinkModel(
        (5 * MILLISECOND, 60 * MILLISECOND, 300 * MILLISECOND),
        (0, 10 * MILLISECOND),
        1_000_000,
        Loss(0.01, 0.2, 0.02, 0.2),
    )
    simulation = Simulation(seed, link=link)
    friends = [Endpoint(f"10.0.0.{node + 1}", 8333) for node in range(NODES)]
    for node in range(NODES):
        rng = simulation.random("machine", node)
        simulation.add(
            lambda now, rng=rng: Gossip(rng, now, friends),  # type: ignore[misc]
            friends[node],
            perform=lambda job: job,
            clock_offset_us=node,
        )
    plan = FaultSchedule(
        (
            Crash(START + 10 * SECOND, 3),
            Partition(START + 15 * SECOND, (tuple(range(6)), tuple(range(6, 12))), drops=True),
            Crash(START + 20 * SECOND, 4, silent=True),
            Heal(START + 30 * SECOND),
            Restart(START + 40 * SECOND, 3),
            Restart(START + 40 * SECOND, 4),
        )
    )
    plan.arrange(simulation)
    simulation.run(START + 60 * SECOND)
    assert simulation.trace.events > 1_000
    return simulation.trace.digest()
