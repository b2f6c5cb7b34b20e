"""How fast a node is there, and how much memory it holds while nothing happens."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import NodeFailed
from bench.pace import Pace
from bench.reaching import reachable, resident_mb
from bench.table import Row, Skipped

LIMIT_S: Final = 1.5
LIMIT_MB: Final = 110.0
IDLE_S: Final = 5.0
"""How long nothing happens before memory is looked at."""

_ROUNDS: Final = 5
_POLL_S: Final = 0.005


def measure(rounds: int = _ROUNDS, idle_s: float = IDLE_S) -> Row:
    """The row."""
    if not Path("/proc/self/status").exists():
        raise Skipped("resident memory is read from /proc, which this system has not")
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as folder:
        _run(Path(folder) / "warm-up", 0.0)  # Compiles what was not compiled before.
        with Pace() as pace:
            runs = [_run(Path(folder) / str(number), idle_s) for number in range(rounds)]
        bare = median([_libraries(Path(folder) / f"libraries-{at}") for at in range(rounds)])
    listening, ready, resident = (median(column) for column in zip(*runs, strict=True))
    return Row(
        "node: start to listening; resident memory idle on regtest",
        f"{listening:.2f} s; {resident:.0f} MB",
        f"{pace.limit(LIMIT_S, 's')}; <= {LIMIT_MB:g} MB",
        listening <= LIMIT_S * pace.slowness and resident <= LIMIT_MB,
        [
            f"`axon node -regtest` with RPC, a new data directory; from the start of its process "
            f"to a connection on its P2P port, to an answer by RPC {ready:.2f} s; memory "
            f"{idle_s:g} s later. Median of {rounds}. The libraries alone, kernel and stores "
            f"opened, take {bare:.0f} MB.",
        ],
    )


def _run(folder: Path, idle_s: float) -> tuple[float, float, float]:
    """Seconds until it listens, seconds until it answers, megabytes idle."""
    with NodeProcess("idle", folder) as node:
        start = time.perf_counter()
        node.start(wait=False)
        while not reachable(node.p2p):
            if not node.is_running:
                raise NodeFailed(f"the node left at its start: {node.errors()}")
            time.sleep(_POLL_S)
        listening = time.perf_counter() - start
        node.wait_ready()
        ready = time.perf_counter() - start
        time.sleep(idle_s)
        pid = node.pid
        assert pid is not None, "it ran until now"
        resident = resident_mb(pid)
        code = node.stop()
        assert code == 0, f"the node left with code {code}: {node.errors()}"
    return listening, ready, resident


def _libraries(folder: Path) -> float:
    """Megabytes of a process that holds the libraries a node needs, and nothing of axon."""
    answer = subprocess.run(
        (sys.executable, "-m", "bench.libraries", str(folder)),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)
