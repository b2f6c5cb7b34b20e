"""Links as they are between hosts around the world: who is where, and how long bytes take.

Delays are half of usual round trips between large towns of two parts of the world; all figures are
round. Hosts are spread over the parts about as reachable nodes are.
"""

from __future__ import annotations

from typing import Final

from axon.drivers.linkmodel import LinkModel
from axon.drivers.sim.driver import Simulation
from axon.drivers.sim.network import Shaping
from axon.machine import MILLISECOND

REGIONS: Final = (
    "Europe",
    "North America",
    "Asia",
    "South America",
    "Oceania",
    "Africa",
)

SHARES: Final = (0.45, 0.35, 0.13, 0.03, 0.02, 0.02)
"""Of hosts, region by region."""

DELAYS_MS: Final = (
    (15, 50, 100, 100, 140, 80),
    (50, 30, 90, 75, 95, 115),
    (100, 90, 40, 150, 75, 140),
    (100, 75, 150, 25, 150, 170),
    (140, 95, 75, 150, 20, 190),
    (80, 115, 140, 170, 190, 30),
)
"""One way, from region to region: the middle of what pairs of hosts have."""

JITTER_US: Final = (0, 0, 2 * MILLISECOND, 20 * MILLISECOND)
RATE_BIT_S: Final = 50_000_000


def region_of(number: int, hosts: int) -> int:
    """Where a host is: they are dealt out so that any few in a row are spread as all are."""
    place = (number * 0.6180339887498949) % 1.0 if hosts > 1 else 0.0
    for region, part in enumerate(SHARES):
        place -= part
        if place < 0:
            return region
    return 0


def shape_as_planet(simulation: Simulation, hosts: int) -> None:
    """Have the links between the first so many hosts be like that."""
    members = [
        frozenset(n for n in range(hosts) if region_of(n, hosts) == region)
        for region in range(len(REGIONS))
    ]
    for one, near in enumerate(members):
        for other, far in enumerate(members):
            delay = DELAYS_MS[one][other] * MILLISECOND
            latency = (delay // 2, delay, delay * 3 // 2)
            model = LinkModel(latency, JITTER_US, RATE_BIT_S)
            simulation.shape_ways(Shaping(near, far, model))
