"""What a wallet takes of memory when it follows a chain of two thousand blocks."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

from axon.consensus.kernel import default_threads
from axon.primitives.network import REGTEST, TARGET_SPACING_S
from axon.swarm.lab.nodeprocess import NodeProcess
from bench.chain import CACHE, BuiltChain, mined
from bench.coldwallet import run_client
from bench.syncing import import_apart, wait_until_followed
from bench.table import Row

LIMIT_MB: Final = 80
BLOCKS: Final = 2_000


def measure(blocks: int = BLOCKS) -> Row:
    """The row."""
    chain = _empty_chain(blocks)
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "server" / "regtest", default_threads())
        with NodeProcess("server", folder / "server", options=("-connect=0",)) as server:
            server.start()
            wait_until_followed(server, chain)
            seconds, megabytes = run_client("axon", server, 0)
            server.stop()
    return Row(
        f"wallet process on {blocks:,} blocks: resident memory",
        f"{megabytes:.0f} MB",
        f"<= {LIMIT_MB} MB",
        megabytes <= LIMIT_MB,
        [f"Python, BDK and the light client together, synced within {seconds:.1f} s."],
    )


def _empty_chain(blocks: int) -> BuiltChain:
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"empty-{blocks}.dat"
    start = int(time.time()) - blocks * TARGET_SPACING_S
    last = REGTEST.genesis.header
    with path.open("wb") as file:
        for number in range(1, blocks + 1):
            block = mined(number, last, [], start + number * TARGET_SPACING_S)
            file.write(REGTEST.magic + len(block.raw).to_bytes(4, "little") + block.raw)
            last = block.header
    return BuiltChain(path, blocks, last.hash[::-1].hex(), path.stat().st_size, 0)
