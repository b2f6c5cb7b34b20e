"""Wallets that ask for all they can hold up nobody else: no step of the loop takes long.

A step is measured by the time that a processor gives it, not by a clock on the wall: on a machine
with other work a step that does nothing may stand still for a third of a second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.events import Handle
from pathlib import Path
from typing import Final

import pytest

from attacks.victim import block_on
from attacks.walletservers import OUTPUTS, SCRIPT
from axon.primitives.header import Header
from axon.primitives.transaction import TxOut
from tests.electrum.serving import serving_node, wallet_at

pytestmark = pytest.mark.process

FLOOD_S: Final = 2.0
LONGEST_S: Final = 0.05
PAUSE_S: Final = 0.02


@pytest.fixture(name="steps")
def steps_fixture(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each step of the loop has computed, in seconds."""
    taken: list[float] = []
    step = Handle._run

    def measured(handle: Handle) -> None:
        began = time.thread_time()
        step(handle)
        taken.append(time.thread_time() - began)

    monkeypatch.setattr(Handle, "_run", measured)
    return taken


def compute() -> None:
    """Hold the loop for longer than anything may."""
    until = time.thread_time() + 1.2 * LONGEST_S
    while time.thread_time() < until:
        pass


def test_no_step_takes_long_while_ninety_wallets_flood(tmp_path: Path, steps: list[float]) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as honest:
            tip = await node.call("getbestblockhash")
            raw = bytes.fromhex(await node.call("getblockheader", tip, False))
            block = block_on(Header.decode(raw), 1, [TxOut(0, SCRIPT)] * OUTPUTS)
            assert await node.call("submitblock", block.raw.hex()) is None
            words = ("-m", "attacks.walletservers", str(endpoint.port), str(FLOOD_S))
            crowd = await asyncio.create_subprocess_exec(sys.executable, *words)
            left = asyncio.ensure_future(crowd.wait())
            steps.clear()
            while not left.done():
                await honest.ask("server.ping")
                await asyncio.sleep(PAUSE_S)
            assert left.result() == 0, "all of the crowd were served"
            assert max(steps) < LONGEST_S
            compute_at = asyncio.get_running_loop().call_soon(compute)
            await asyncio.sleep(0)
            assert not compute_at.cancelled()
            assert max(steps) > LONGEST_S, "what holds the loop is noticed"

    asyncio.run(run())
