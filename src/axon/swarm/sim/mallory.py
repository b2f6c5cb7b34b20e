"""Mallory: who wants to be all that a node hears, and what runs at each of her addresses.

Each of her programs is a crowd of one (`swarm/sim/crowd`) that shows the chain that the node has
already, and tells of her addresses alone: at once of all of them when it is asked, and of one more
every ten seconds unasked, as many as a node takes in (`p2p/addrlimit`). New blocks it keeps to
itself, so it is never behind and never of use. Some of her programs dial the node, again and again,
until they sit in all its seats.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from axon.machine import (
    SECOND,
    Dial,
    DialFailed,
    Effect,
    Endpoint,
    Event,
    Instant,
    PeerId,
    earlier,
)
from axon.p2p.addrgossip import FRESH
from axon.p2p.addrlimit import TOKEN
from axon.swarm.sim.crowd import Crowd, CrowdProgram

REDIAL: Final = 2 * SECOND
"""From the end of a connection, or a dial in vain, to her next dial."""

AGE: Final = FRESH + SECOND
"""So old are the times that she tells: the node keeps her addresses, and tells nobody of them."""

USER_AGENT: Final = "/Mallory:1/"


@dataclass(frozen=True, slots=True)
class Mallory:
    """What her programs do besides answering.

    Args:
        victim: where the node listens.
        crowd: what they say; its addresses are hers.
    """

    victim: Endpoint
    crowd: Crowd


class MalloryProgram(CrowdProgram):
    """What runs at one of her addresses, as a `Machine`.

    Args:
        mallory: what she knows and wants.
        dials: it dials the node, and not only answers.
        rng: draws nonces, and the address that it tells of next.
        now: the start.
    """

    def __init__(self, mallory: Mallory, dials: bool, rng: Random, now: Instant) -> None:
        super().__init__(mallory.crowd, rng, now)
        self._victim = mallory.victim
        self._addresses = mallory.crowd.addresses
        self._chance = rng
        self._tells_at: dict[PeerId, Instant] = {}
        self._tickets = 0
        self._dials_at: Instant | None = now if dials else None
        self._dials = dials

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event."""
        if isinstance(event, DialFailed):
            self._dials_at = now + REDIAL
        return super().handle(event, now)

    def tick(self, now: Instant) -> list[Effect]:
        """Dial the node, and tell of one more address."""
        effects: list[Effect] = []
        if self._dials_at is not None and now >= self._dials_at:
            self._dials_at = None
            self._tickets += 1
            effects.append(Dial(self._tickets, self._victim))
        for peer, due in self._tells_at.items():
            if now >= due:
                self._tells_at[peer] = now + TOKEN
                told = self._addresses[int(self._chance.random() * len(self._addresses))]
                effects.append(self.say(peer, self.addr([told], now)))
        return effects

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called."""
        due = self._dials_at
        for moment in self._tells_at.values():
            due = earlier(due, moment)
        return due

    def shaken(self, peer: PeerId, now: Instant) -> None:
        """From now on it is told of her addresses."""
        self._tells_at[peer] = now

    def ended(self, peer: PeerId, now: Instant) -> None:
        """Dial again, if it is hers to dial."""
        self._tells_at.pop(peer, None)
        super().ended(peer, now)
        if self._dials and self._dials_at is None:
            self._dials_at = now + REDIAL
