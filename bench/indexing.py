"""A full sync with each background index, against the same sync without it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Final

from axon.consensus.kernel import default_threads
from axon.swarm.lab.nodeprocess import NodeProcess
from bench.chain import INPUTS, BuiltChain, build_chain
from bench.syncing import Sync, import_apart, sync, wait_until_followed
from bench.table import Row
from bench.timing import alternate

LIMIT: Final = 1.1
"""Of the time until the tip: what is left to index then is done while nothing else waits."""

BLOCKS: Final = 150
ROUNDS: Final = 3
INDEXES: Final = ("txindex", "txospenderindex", "coinstatsindex")


def measure(blocks: int = BLOCKS, rounds: int = ROUNDS) -> Row:
    """The row."""
    chain = build_chain(blocks)
    ratios: dict[str, float] = {}
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "server" / "regtest", default_threads())
        with NodeProcess("server", folder / "server", options=("-connect=0",)) as server:
            server.start()
            wait_until_followed(server, chain)
            for index in INDEXES:
                ratios[index], note = _compare(folder, server, chain, index, rounds)
                notes.append(note)
            server.stop()
    worst = max(ratios.values())
    found = ", ".join(f"{index} {ratio:.2f} x" for index, ratio in ratios.items())
    return Row(
        f"full sync over TCP with a background index, {blocks} blocks with {INPUTS:,} signed inputs"
        " each, until the tip, against the same without",
        found,
        f"<= {LIMIT:g} x",
        worst <= LIMIT,
        notes,
    )


def _compare(
    folder: Path, server: NodeProcess, chain: BuiltChain, index: str, rounds: int
) -> tuple[float, str]:
    """How much longer the sync takes with one index, and how it went."""
    with_it: list[Sync] = []
    without: list[Sync] = []

    def ours() -> float:
        with_it.append(sync(folder / "client", server, chain, index=index))
        return with_it[-1].blocks_s

    def theirs() -> float:
        without.append(sync(folder / "client", server, chain))
        return without[-1].blocks_s

    compared = alternate(ours, theirs, rounds, warm_ups=0)
    there = median([one.follows_s for one in with_it])
    plain = median([one.follows_s for one in without])
    extra = median(
        [
            (one.follows_s - other.follows_s) / other.follows_s
            for one, other in zip(with_it, without, strict=True)
        ]
    )
    return compared.ratio, (
        f"{index}: the tip after {compared.ours_s:.1f} s, without it {compared.theirs_s:.1f} s;"
        f" coins, filters and the index there after {there:.1f} s, without it {plain:.1f} s"
        f" ({extra:+.0%}). Median of {rounds} in turn."
    )
