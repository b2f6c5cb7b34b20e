"""State files: what a run leaves for the next one."""

from __future__ import annotations

from pathlib import Path
from random import Random

from axon.host.statefiles import StateFiles
from axon.p2p.addrman import AddrMan


def test_an_empty_table_keeps_its_secret_key(tmp_path: Path) -> None:
    files = StateFiles(tmp_path)
    addrman = AddrMan(Random(1))
    files.save_peers(addrman.snapshot())
    assert files.load_peers(Random(2), lab=False).snapshot() == addrman.snapshot()
