"""How fast many full nodes run in virtual time."""

from __future__ import annotations

from statistics import median
from typing import Final

from axon.swarm.sim.faultruns import measure as run_network
from bench.pace import Pace
from bench.table import Row

LIMIT: Final = 102
"""Virtual seconds in a second of the processor. The limit was 20,000 events a second when this run
had 196 events in a virtual second; nodes that say more at once have fewer and larger ones."""
NODES: Final = 20

_ROUNDS: Final = 3
_VIRTUAL_S: Final = 20 * 60


def measure(nodes: int = NODES, rounds: int = _ROUNDS, virtual_s: int = _VIRTUAL_S) -> Row:
    """The row."""
    with Pace() as pace:
        runs = [run_network(nodes, virtual_seconds=virtual_s) for _ in range(rounds)]
    events = runs[0][0]
    assert all(run[0] == events for run in runs), "one seed, one run"
    seconds = median([seconds for _, seconds in runs])
    rate = virtual_s / seconds
    return Row(
        f"simulator: virtual seconds a second with {nodes} full nodes of real protocol code",
        f"{rate:,.0f} a second",
        pace.least(LIMIT),
        rate >= LIMIT / pace.slowness,
        [
            f"{events:,} events in {virtual_s // 60} virtual minutes, {events / seconds:,.0f} a "
            "second: a payment a second, blocks, all relay. An event is a message, alarm, "
            "connection, job or command that a node took in. On one processor, in its own "
            "seconds. Blocks are validated by the in-memory validator, without scripts. Median "
            f"of {rounds} equal runs.",
        ],
    )
