"""Headers end to end: a light client over TCP from a local peer that has them ready."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.driver import AsyncioDriver
from axon.drivers.aio.loop import run_loop
from axon.host.lightstorage import LightStorage
from axon.machine import Endpoint
from axon.node.facts import PeerConnected
from axon.node.jobs import LearnHeaders
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.redial import Target
from axon.primitives.header import HEADER_SIZE
from axon.primitives.network import REGTEST
from bench.pace import Pace
from bench.table import Row

LIMIT: Final = 100_000
COUNT: Final = 200_000
ROUNDS: Final = 3
_LIMIT_S: Final = 120.0


def measure(count: int = COUNT, rounds: int = ROUNDS) -> Row:
    """The row."""
    with Pace() as pace:
        found = [_run(count) for _ in range(rounds)]
    rate = count / median(found)
    return Row(
        "light client: headers end to end from a local peer over TCP",
        f"{rate:,.0f} a second  ({median(found):.2f} s)",
        pace.least(LIMIT),
        rate >= LIMIT / pace.slowness,
        [
            f"{count:,} regtest headers in messages of 2,000, each asked for after the one before; "
            "decoded, linked, work and all rules checked, kept in the tree and written to the file "
            "of headers. From the greeting to the last one. The peer is another process with its "
            f"messages ready. Median of {rounds}.",
        ],
    )


def _run(count: int) -> float:
    """Seconds of one sync."""
    command = (sys.executable, "-m", "bench.headerserver", str(count))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None, "a pipe was asked for"
        port, last_hex = server.stdout.readline().split()
        try:
            with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
                return _sync(Path(name), Endpoint("127.0.0.1", int(port)), count, last_hex)
        finally:
            server.kill()


def _sync(folder: Path, endpoint: Endpoint, count: int, last_hex: str) -> float:
    storage = LightStorage(folder, REGTEST)
    clock, rng = Clock(), Random(1)
    moments: list[float] = []
    kept = 0

    async def run() -> None:
        def reported(fact: object, _now: int) -> None:
            if isinstance(fact, PeerConnected):
                moments.append(time.perf_counter())

        def perform(job: object) -> None:
            nonlocal kept
            assert isinstance(job, LearnHeaders), "nothing else is to do"
            storage.keep_headers(job.headers)
            kept += len(job.headers)

        target = Target(str(endpoint), endpoint, v2=False)
        node = SpvNode(
            LinkSettings(
                network=REGTEST,
                connections=ConnectionsConfig(port=endpoint.port, connect=(target,), v2=False),
            ),
            headers=storage.headers,
            filter_headers=storage.filter_headers,
            start=ScanStart(None, None),
            addrman=AddrMan(rng),
            bans=BanList(),
            rng=rng,
            now=clock.now(),
        )
        driver = AsyncioDriver(node, perform=perform, clock=clock, on_report=reported)
        running = asyncio.create_task(driver.run())
        async with asyncio.timeout(_LIMIT_S):
            while node.headers.best.height < count:  # noqa: ASYNC110 (a node tells nobody here)
                await asyncio.sleep(0.005)
        moments.append(time.perf_counter())
        async with asyncio.timeout(_LIMIT_S):  # a stop leaves writes that wait undone
            while kept < count:  # noqa: ASYNC110 (a node tells nobody here)
                await asyncio.sleep(0.005)
        assert node.headers.best.hash.hex() == last_hex
        driver.stop()
        await running

    run_loop(run())
    storage.close()
    assert (folder / "headers.dat").stat().st_size == count * HEADER_SIZE
    return moments[-1] - moments[0]
