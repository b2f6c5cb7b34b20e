"""A full sync over the encrypted transport, against the same over the first one."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

from axon.consensus.kernel import default_threads
from axon.primitives.network import REGTEST
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.wire.transport import Transport
from axon.wire.v1 import V1Transport
from axon.wire.v2 import V2Transport
from bench.chain import INPUTS, build_chain
from bench.syncing import ROUNDS, Sync, import_apart, sync, wait_until_followed
from bench.table import Row
from bench.timing import alternate

LIMIT: Final = 1.05
BLOCKS: Final = 150

_BYTES: Final = 16_000_000
"""Carried by the transports alone, for each figure."""


def measure(blocks: int = BLOCKS, rounds: int = ROUNDS) -> Row:
    """The row."""
    chain = build_chain(blocks)
    encrypted: list[Sync] = []
    plain: list[Sync] = []
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "server" / "regtest", default_threads())
        with NodeProcess("server", folder / "server", options=("-connect=0",)) as server:
            server.start()
            wait_until_followed(server, chain)

            def synced(kept: list[Sync], v2: bool) -> float:
                kept.append(sync(folder / "client", server, chain, v2=v2))
                return kept[-1].blocks_s

            compared = alternate(
                lambda: synced(encrypted, True), lambda: synced(plain, False), rounds
            )
            server.stop()
    used = [_processor_s(syncs[1:]) for syncs in (encrypted, plain)]
    known = None not in used
    ours, theirs = used if known else (compared.ours_s, compared.theirs_s)
    assert ours is not None
    assert theirs is not None
    ratio = ours / theirs if known else compared.ratio
    return Row(
        f"full sync over the encrypted transport, {blocks} blocks with {INPUTS:,} signed inputs "
        "each, against the same in the clear",
        f"{ratio:.2f} x  ({ours:.2f} s / {theirs:.2f} s)",
        f"<= {LIMIT:g} x",
        ratio <= LIMIT,
        [
            f"{chain.height} blocks, {chain.size_bytes / 1e6:.0f} MB, between two axon processes "
            f"on this machine; {'seconds of processors, both together' if known else 'seconds'}; "
            f"median of {rounds} in turn. By the clock {compared.ours_s:.1f} s and "
            f"{compared.theirs_s:.1f} s, {compared.ratio:.2f} x.",
            "The transports alone, from message to message, microseconds of a processor each: "
            f"{_alone()}.",
        ],
    )


def _processor_s(syncs: list[Sync]) -> float | None:
    """What the syncs took of processors, which others on this machine do not make longer."""
    used = [each.processor_s for each in syncs if each.processor_s is not None]
    return median(used) if used else None


def _alone() -> str:
    """What one message takes, encoded here and cut there, on either transport."""
    found = []
    for size in (60, 500, 30_000, 1_000_000):
        count = max(4, min(5_000, _BYTES // size))
        clear = V1Transport(REGTEST.magic), V1Transport(REGTEST.magic)
        sealed = _agreed()
        times = [
            min(_used(_carry(near, far, bytes(size), count)) for _ in range(7)) / count * 1e6
            for near, far in (sealed, clear)
        ]
        found.append(f"{times[0]:.1f} and {times[1]:.1f} for {size:,} bytes")
    return ", ".join(found)


def _used(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _carry(near: Transport, far: Transport, payload: bytes, count: int) -> Callable[[], None]:
    def carry() -> None:
        for _ in range(count):
            far.received(near.encode("tx", payload))

    return carry


def _agreed() -> tuple[V2Transport, V2Transport]:
    near = V2Transport(REGTEST.magic, Random(1), initiating=True)
    far = V2Transport(REGTEST.magic, Random(2), initiating=False)
    far.received(near.take_output())
    near.received(far.take_output())
    far.received(near.take_output())
    return near, far
