"""`-checkblocks`: what a start looks at, and that it says no to a block that is not whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from axon.errors import StorageError
from axon.host.fullnode import full_node
from axon.host.settings import FullNodeSettings, PeerSettings, StartCheck
from axon.primitives.network import REGTEST
from tests.signing import Signer

PEERS = PeerSettings(connect=(), dnsseed=False, fixedseeds=False)


def settings(folder: Path, check: StartCheck | None = None) -> FullNodeSettings:
    return FullNodeSettings(
        network=REGTEST, folder=folder / "regtest", peers=PEERS, start_check=check
    )


def test_a_start_looks_as_far_back_as_it_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def grow() -> None:
        async with full_node(settings(tmp_path)) as node:
            await node.call("generatetoaddress", 12, Signer("Alice").address())

    async def start(check: StartCheck) -> None:
        async with full_node(settings(tmp_path, check)):
            pass

    asyncio.run(grow())
    with caplog.at_level("INFO", "axon"):
        for check, depth in ((StartCheck(9, 4), 9), (StartCheck(0), 12), (StartCheck(99), 12)):
            asyncio.run(start(check))
            assert f"Verification: the last {depth} blocks were looked at" in caplog.messages
            caplog.clear()
    file = tmp_path / "regtest" / "blocks" / "blk00000.dat"
    stored = bytearray(file.read_bytes())
    at = stored.index(b"\xfa\xbf\xb5\xda", 400) + 8 + 80 + 60  # In the coinbase of an early block.
    stored[at] ^= 1
    file.write_bytes(stored)
    asyncio.run(start(StartCheck(2, 4)))
    with pytest.raises(StorageError, match=r"^Corrupted block database detected.\nPlease restart"):
        asyncio.run(start(StartCheck(0, 4)))
