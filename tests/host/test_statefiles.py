"""State files: what a run leaves for the next one."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from random import Random

import pytest

from axon.errors import DiskFullError
from axon.host.statefiles import StateFiles
from axon.p2p.addrman import AddrMan


def test_an_empty_table_keeps_its_secret_key(tmp_path: Path) -> None:
    files = StateFiles(tmp_path)
    addrman = AddrMan(Random(1))
    files.save_peers(addrman.snapshot())
    assert files.load_peers(Random(2), lab=False).snapshot() == addrman.snapshot()


def test_a_list_of_bans_that_is_missing_is_made(tmp_path: Path) -> None:
    assert StateFiles(tmp_path).load_bans().encode(0) == (tmp_path / "banlist.json").read_bytes()


def test_a_full_disk_keeps_the_file_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, before, after = StateFiles(tmp_path), AddrMan(Random(1)), AddrMan(Random(2))
    files.save_peers(before.snapshot())

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match=r"Disk space is too low! Cannot write .*peers\.dat"):
        files.save_peers(after.snapshot())
    assert files.load_peers(Random(3), lab=False).snapshot() == before.snapshot()
