"""What one more node costs a simulation: memory, and an hour of its time.

    python -m bench.manynodes [NODES [MINUTES]]

In a process of its own, as memory that others have used would not show.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from time import process_time
from typing import Final

from axon.drivers.sim.driver import START
from axon.machine import HOUR, MINUTE, SECOND
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.sim.workload import Workload, history
from bench.pace import Pace
from bench.table import Row, Skipped

NODES: Final = 200
MINUTES: Final = 3
LIMIT_KB: Final = 600
"""Of one node after three minutes among 200: 10,000 are to take 8 GB, and know more addresses."""

PAYMENT_INTERVAL: Final = 10 * SECOND
BLOCK_INTERVAL: Final = MINUTE
"""As in `axon sim`."""

_STATM: Final = Path("/proc/self/statm")
_PAGE_KB: Final = 4


def measure(nodes: int = NODES, minutes: int = MINUTES) -> Row:
    """The row."""
    if not _STATM.exists():
        raise Skipped("memory is read from /proc/self/statm")
    command = (sys.executable, "-m", "bench.manynodes", str(nodes), str(minutes))
    with Pace() as pace:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    each_kb, hour_s = found["node_kb"], found["node_hour_s"]
    return Row(
        f"simulator: memory of each of {nodes:,} full nodes after {minutes} virtual minutes",
        f"{each_kb:,.0f} kB",
        f"<= {LIMIT_KB} kB",
        each_kb <= LIMIT_KB,
        [
            f"An hour of a node takes {hour_s:.2f} s of the processor in the last minute's pace "
            f"({hour_s / pace.slowness:.2f} s on the machine of the limits), "
            f"{found['events']:,} events a second: a payment each ten seconds, a block a minute.",
        ],
    )


def _resident_kb() -> int:
    return int(_STATM.read_text().split()[1]) * _PAGE_KB


def run(nodes: int, minutes: int) -> dict[str, float]:
    """Kilobytes of a node, processor seconds of its hour, and events a second of them all."""
    blocks, before_kb = history(START), _resident_kb()
    network = SimNetwork(1, nodes, history=blocks)
    end = network.now + minutes * MINUTE
    Workload(network, PAYMENT_INTERVAL, BLOCK_INTERVAL, end)
    network.run((minutes - 1) * MINUTE)
    gc.freeze()
    events, began = network.simulation.trace.events, process_time()
    network.run(MINUTE)
    seconds = process_time() - began
    return {
        "node_kb": (_resident_kb() - before_kb) / nodes,
        "node_hour_s": seconds * (HOUR // MINUTE) / nodes,
        "events": round((network.simulation.trace.events - events) / seconds),
    }


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    print(json.dumps(run(*(given + [NODES, MINUTES][len(given) :]))))
