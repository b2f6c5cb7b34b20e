"""A full sync from a peer over TCP, against the kernel importing the same blocks from a file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from axon.consensus.kernel import default_threads
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from bench.chain import INPUTS, PREPARING, BuiltChain, build_chain
from bench.reaching import peak_mb, processor_s
from bench.table import Row
from bench.timing import alternate

LIMIT: Final = 1.05
"""Times the kernel's import until the tip is there."""

FOLLOWS_LIMIT: Final = 1.15
"""Likewise, until coins and filters are there, too."""

PEAK_LIMIT_MB: Final = 180
"""Of the memory of the node that syncs, its start and its followers included."""

BLOCKS: Final = 400
ROUNDS: Final = 3

_INDEX: Final = "basic block filter index"
_LIMIT_S: Final = 600.0
_CONNECT: Final = "-connect=0"  # Dials nobody by itself.


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync of a new node.

    Args:
        blocks_s: from the moment it is told of the peer until its tip is the peer's.
        follows_s: likewise, until coins and filters are there too.
        start_s: from the start of its process until it could be told.
        processor_s: of it and its peer while blocks came; None where that is not to be known.
        follows_processor_s: likewise, until coins and filters were there.
        peak_mb: of its resident memory.
    """

    blocks_s: float
    follows_s: float
    start_s: float
    processor_s: float | None
    follows_processor_s: float | None
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Import:
    """One import by the kernel alone.

    Args:
        blocks_s: of the import.
        process_s: with the start and the end of its process.
        processor_s: of the import.
    """

    blocks_s: float
    process_s: float
    processor_s: float


def measure(blocks: int = BLOCKS, rounds: int = ROUNDS) -> Row:
    """The row."""
    chain = build_chain(blocks)
    threads = default_threads()
    syncs: list[Sync] = []
    imports: list[Import] = []
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "server" / "regtest", threads)
        with NodeProcess("server", folder / "server", options=(_CONNECT,)) as server:
            server.start()
            wait_until_followed(server, chain)

            def ours() -> float:
                syncs.append(sync(folder / "client", server, chain))
                return syncs[-1].blocks_s

            def theirs() -> float:
                imports.append(import_apart(chain, folder / "import" / "regtest", threads))
                shutil.rmtree(folder / "import")
                return imports[-1].blocks_s

            compared = alternate(ours, theirs, rounds, warm_ups=0)
            server.stop()
    follows = median([sync.follows_s for sync in syncs])
    pairs = zip(syncs, imports, strict=True)
    following = median([sync.follows_s / one.blocks_s for sync, one in pairs])
    most_mb = max(sync.peak_mb for sync in syncs)
    start = median([sync.start_s for sync in syncs])
    process = median([one.process_s for one in imports])
    return Row(
        f"full sync over TCP from a local peer, {blocks} blocks with {INPUTS:,} signed inputs "
        "each, against the kernel importing the same file",
        f"{compared.ratio:.2f} x  ({compared.ours_s:.1f} s / {compared.theirs_s:.1f} s); with "
        f"coins and filters {following:.2f} x; {most_mb:.0f} MB at most",
        f"<= {LIMIT:g} x; <= {FOLLOWS_LIMIT:g} x; <= {PEAK_LIMIT_MB} MB",
        compared.ratio <= LIMIT and following <= FOLLOWS_LIMIT and most_mb <= PEAK_LIMIT_MB,
        [
            f"{chain.height} blocks ({PREPARING} of them small), {chain.size_bytes / 1e6:.0f} MB, "
            f"{chain.inputs:,} signatures; both with {threads} check thread(s) beside the main one "
            "and on disk. Two axon processes share this machine, the server's work counts. From "
            "telling a running node of its peer to its tip; the import alone. Coins and "
            f"filters, which the import does not make, were there after {follows:.1f} s. With the "
            f"start of the process: {compared.ours_s + start:.1f} s and {process:.1f} s. Median of "
            f"{rounds} in turn.",
            *_processor(syncs, imports),
        ],
    )


def _processor(syncs: list[Sync], imports: list[Import]) -> list[str]:
    """What the same came to on the processors: others that use them weigh less there."""
    ours = [sync.processor_s for sync in syncs if sync.processor_s is not None]
    if not ours:
        return []
    used, alone = median(ours), median([one.processor_s for one in imports])
    whole = median([each.follows_processor_s or 0.0 for each in syncs])
    return [
        f"Processor seconds of the sync, both nodes together: {used:.1f}; of the import: "
        f"{alone:.1f}; {used / alone:.2f} x; with coins and filters {whole:.1f}, "
        f"{whole / used:.2f} x of those without."
    ]


def sync(
    folder: Path, server: NodeProcess, chain: BuiltChain, *, v2: bool = True, index: str = ""
) -> Sync:
    """Have a new node take a chain from a server.

    Args:
        v2: over the encrypted transport.
        index: a further index to keep, which is to be there, too; empty for none.
    """
    further = (f"-{index}",) if index else ()
    with NodeProcess("client", folder, options=(_CONNECT, *further)) as client:
        begun = time.perf_counter()
        client.start()
        told, used = time.perf_counter(), _used((client, server))
        client.rpc("addnode", str(server.p2p), "onetry", v2)
        reached = client.rpc("waitforblockheight", chain.height)
        done, used_then = time.perf_counter(), _used((client, server))
        assert reached["hash"] == chain.tip_hex, f"the client is at {reached}"
        assert [each["transport_protocol_type"] for each in client.peers()] == [f"v{1 + v2}"]
        wait_until_followed(client, chain)
        if index:
            wait_until_followed(client, chain, index)
        followed, used_at_last = time.perf_counter(), _used((client, server))
        peak = _peak_mb(client)
        code = client.stop()
        assert code == 0, f"the client left with code {code}: {client.errors()}"
        client.wipe()
    processor = None if used is None or used_then is None else used_then - used
    whole = None if used is None or used_at_last is None else used_at_last - used
    return Sync(done - told, followed - told, told - begun, processor, whole, peak)


def _peak_mb(node: NodeProcess) -> float:
    assert node.pid is not None, "it runs"
    return peak_mb(node.pid)


def _used(nodes: Sequence[NodeProcess]) -> float | None:
    """Processor seconds of several nodes so far."""
    each = [processor_s(node.pid) for node in nodes if node.pid is not None]
    known = [seconds for seconds in each if seconds is not None]
    return sum(known) if len(known) == len(nodes) else None


def wait_until_followed(node: NodeProcess, chain: BuiltChain, index: str = _INDEX) -> None:
    """Wait until an index is at the tip; of itself that of filters, with which coins move."""

    def followed() -> bool:
        told = node.rpc("getindexinfo", index)[index]
        return bool(told["best_block_height"] == chain.height)

    wait_until(followed, _LIMIT_S, f"the {index} of the {node.name}")


def import_apart(chain: BuiltChain, folder: Path, threads: int) -> Import:
    """Have another process import the file.

    The library's log can be switched off only for a whole process, and for ever.
    """
    begun = time.perf_counter()
    answer = subprocess.run(
        (sys.executable, "-m", "bench.importing", str(chain.path), str(folder), str(threads)),
        capture_output=True,
        text=True,
        check=True,
    )
    whole = time.perf_counter() - begun
    seconds, processor, height = answer.stdout.split()
    assert int(height) == chain.height, f"the import ended at height {height}"
    return Import(float(seconds), whole, float(processor))
