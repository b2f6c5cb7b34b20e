"""State files are written beside the event loop, which goes on meanwhile."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest

from axon.drivers.aio.clock import Clock
from axon.host.saving import StateSaver
from axon.host.statefiles import StateFiles
from axon.machine import SECOND
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.primitives.netaddress import NetAddress, TimedAddress
from tests.mempool.scene import Scene

NOW_S: Final = 1_700_000_000
FULL: Final = 39_000
"""Addresses, about as many as the table takes."""

ENTRIES: Final = 10_000
HOLD_LIMIT_S: Final = 0.05


@pytest.fixture(name="saver")
def saver_fixture(tmp_path: Path) -> Iterator[StateSaver]:
    """In a process that holds much, as a node does, and like it has that left out of collection."""
    yield StateSaver(StateFiles(tmp_path), Clock())
    gc.unfreeze()


def full_table(rng: Random) -> AddrMan:
    addrman = AddrMan(rng)

    def anywhere() -> NetAddress:
        octets = [rng.randrange(1, 223), *(rng.randrange(256) for _ in range(3))]
        return NetAddress.from_text(".".join(map(str, octets)), 8333)

    while len(addrman) < FULL:
        heard = [TimedAddress(NOW_S, 9, anywhere()) for _ in range(1_000)]
        addrman.add(heard, anywhere(), NOW_S * SECOND)
    return addrman


async def longest_hold_s(work: Awaitable[object]) -> float:
    """For how long, at most, the loop had no turn: in processor time, as machines are shared."""
    longest, done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        last = time.process_time()
        while not done:
            await asyncio.sleep(0.001)
            now = time.process_time()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    await work
    await asyncio.sleep(0.01)
    done = True
    await watching
    return longest


@pytest.mark.long
def test_a_full_table_holds_nobody_up(tmp_path: Path, saver: StateSaver) -> None:
    addrman = full_table(Random(1))
    gc.freeze()
    held = asyncio.run(longest_hold_s(saver.save_addresses(addrman, BanList())))
    assert held < HOLD_LIMIT_S
    assert len(StateFiles(tmp_path).load_peers(Random(2), lab=False)) == len(addrman)


@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_large_pool_holds_nobody_up(tmp_path: Path, saver: StateSaver) -> None:
    scene = Scene()
    for number in range(ENTRIES):
        scene.add(scene.pay(scene.coin(), fee=1_000 + number, outputs=2))
    gc.freeze()
    held = asyncio.run(longest_hold_s(saver.save_pool(scene.pool)))
    assert held < HOLD_LIMIT_S
    saved = StateFiles(tmp_path).load_pool()
    assert saved is not None
    assert len(saved.transactions) == ENTRIES
