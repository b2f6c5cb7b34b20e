"""What one seed of a wallet's story means, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.machine import HOUR, SECOND, Instant
from axon.swarm.sim.byzantine import Lie

EVENTS: Final = 14
"""Each is a payment, a block, a death."""

MAX_CLOCK_ERROR: Final = 3 * HOUR
"""By so much the owner's clock may be wrong: two hours behind it refuses the newest blocks."""


@dataclass(frozen=True, slots=True)
class LightPlan:
    """What one seed means.

    Args:
        seed: of all chance.
        lies: what the nodes do that lie, by number.
        deaths: when nodes die, by number, as an event's number.
        honest: nodes that do neither; at least number 0.
        restarts: events before which the wallet's program is killed; after them it comes up from
            its disk.
        clock_us: how far the owner's clock is ahead, until the events are over.
        twin: he has a second device with the same seed.
        takes_back: some who pay him spend the same once more.
    """

    seed: int
    lies: dict[int, Lie]
    deaths: dict[int, int]
    honest: tuple[int, ...]
    restarts: tuple[int, ...] = ()
    clock_us: Instant = 0
    twin: bool = False
    takes_back: bool = False


@dataclass(slots=True)
class LightReport:
    """What became of one run.

    Args:
        plan: what was to happen.
        violation: what did not hold; None if everything did.
        served_us: from the last event until the wallet had found everything.
        found: payments in the wallet at the end.
        refuted: how often a peer was caught lying.
        events: that machines took in.
        digest: the fingerprint of the run.
        sometimes: how often each interesting state was reached (`sightings`).
    """

    plan: LightPlan
    violation: str | None = None
    served_us: int | None = None
    found: int = 0
    refuted: int = 0
    events: int = 0
    digest: str = ""
    sometimes: dict[str, int] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """It was run with."""
        return self.plan.seed

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return self.violation is None

    def __str__(self) -> str:
        lies = ", ".join(f"{number} {lie.value}" for number, lie in self.plan.lies.items())
        deaths = ", ".join(map(str, self.plan.deaths))
        text = f"seed {self.plan.seed}: liars {lies or 'none'}; deaths {deaths or 'none'}"
        if self.violation is not None:
            nodes = len(self.plan.lies) + len(self.plan.deaths) + len(self.plan.honest)
            replay = f"axon sim --wallet --seeds {self.seed} --nodes {nodes}"
            return f"{text}; {self.violation}; again: {replay}"
        return f"{text}; served after {(self.served_us or 0) // SECOND} s"


def plan_light(seed: int, nodes: int) -> LightPlan:
    """Draw what each node is; node 0 is honest and lives."""
    rng = Random(f"light {seed}")
    lies: dict[int, Lie] = {}
    deaths: dict[int, int] = {}
    kinds = list(Lie)
    share = rng.random()  # How many are bad differs from run to run, up to all but one.
    for number in range(1, nodes):
        if rng.random() < share:
            if rng.random() < 0.7:
                lies[number] = kinds[int(rng.random() * len(kinds))]
            else:
                deaths[number] = int(rng.random() * EVENTS)
    honest = tuple(number for number in range(nodes) if number not in {**lies, **deaths})
    often = rng.random() - 0.5  # In half of all runs it is never restarted.
    restarts = tuple(event for event in range(EVENTS) if rng.random() < often)
    chance = Random(f"light owner {seed}")
    clock_us = int((chance.random() * 2 - 1) * MAX_CLOCK_ERROR) if chance.random() < 0.5 else 0
    twin, takes_back = chance.random() < 0.5, chance.random() < 0.5
    return LightPlan(seed, lies, deaths, honest, restarts, clock_us, twin, takes_back)
