"""How long a whole network takes to be there, and how much memory each of it holds.

python -m bench.swarmstart          300 nodes and 30 wallets, which takes two minutes
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from typing import Final

from axon.swarm.lab.lifecycle import down, up
from axon.swarm.lab.manifest import Manifest, run_locked
from axon.swarm.lab.members import mean_pss_mb, views, wallet_views
from axon.swarm.lab.plan import RunRequest
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.settling import MESHED, SERVED_BY
from bench.pace import Pace
from bench.table import Row, Skipped

LIMIT_S: Final = 20.0
NODES: Final = 30
WALLETS: Final = 10

MANY: Final = (300, 30)
"""Nodes and wallets, as many as a machine with two processors should hold."""

MANY_LIMIT_S: Final = 90.0
NODE_LIMIT_MB: Final = 35.0
_SEED: Final = 7


def measure(nodes: int = NODES, wallets: int = WALLETS, limit_s: float = LIMIT_S) -> Row:
    """The row."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise Skipped("processes are followed and measured through /proc, which is not here")
    pace = Pace()
    with (
        tempfile.TemporaryDirectory(prefix="axon-bench-") as name,
        pace,
        _raised(Path(name)) as folder,
    ):
        start = time.perf_counter()
        wanted = RunRequest(nodes, wallets=wallets)
        registry = RunRegistry(Path(name) / "runs.json")
        manifest, _ = up(folder, wanted, Random(_SEED), lambda _: None, registry)
        seconds = time.perf_counter() - start
        node_mb, wallet_mb = mean_pss_mb(views(manifest)), mean_pss_mb(wallet_views(manifest))
    return Row(
        f"{nodes} nodes and {wallets} wallets on this machine, up, meshed and synced",
        f"{seconds:.1f} s; {node_mb:.0f} MB a node, {wallet_mb:.0f} MB a wallet",
        f"{pace.limit(limit_s, 's')}; <= {NODE_LIMIT_MB:.0f} MB a node",
        seconds <= limit_s * pace.slowness and node_mb <= NODE_LIMIT_MB,
        [
            "Each is a process with a loopback address of its own. From nothing until every node "
            f"has {MESHED} outbound peers or is linked to all, all stand on block 102, and every "
            f"wallet has found its money in it and is connected to {SERVED_BY} nodes. Memory is "
            "the proportional set size (PSS): what all share is counted once, in parts.",
        ],
    )


@contextmanager
def _raised(parent: Path) -> Iterator[Path]:
    """A folder for a run; whatever was raised there is brought down, also on failure."""
    folder = parent / "run"
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield folder
    finally:
        manifest = Manifest.load(folder)
        if manifest is not None:
            with run_locked(folder):
                down(manifest)
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    row = measure(*MANY, MANY_LIMIT_S)
    print(f"{row.what}: {row.found} ({row.limit})")
    sys.exit(not row.holds)
