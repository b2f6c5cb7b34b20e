"""Background indexes on disk: opened, built anew where they are of no use, and forgotten."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from axon.chain.txindex import TxIndex
from axon.consensus.indexing import Indexing
from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.errors import StorageError
from axon.host.indexfiles import FOLDERS, INDEXES, IndexFiles
from axon.primitives.network import REGTEST
from tests.consensus.chains import GENESIS_SPOT, chain_on

BLOCKS = chain_on(GENESIS_SPOT, 5)
OTHERS = chain_on(GENESIS_SPOT, 5, tag=1)
NAMES = frozenset(INDEXES)


def validator(blocks: int = 5, branch: int = 0) -> MemoryValidator:
    made = MemoryValidator(World(), lambda: int(time.time() * 1_000_000))
    for block in (BLOCKS, OTHERS)[branch][:blocks]:
        made.process_block(block.raw)
    return made


def built(files: IndexFiles, chain: MemoryValidator, pruned_below: int = 0) -> dict[str, int]:
    """Up to where they go when they are opened; then they follow the chain."""
    files.open(chain, pruned_below)
    found = {name: index.height for name, index in files.indexes.items()}
    indexing = Indexing(chain, files.indexes)
    for name in files.indexes:
        while indexing.advance(name):
            pass
    files.close()
    return found


def test_they_go_on_where_they_stood(tmp_path: Path) -> None:
    chain = validator()
    assert built(IndexFiles(tmp_path, REGTEST, NAMES), chain) == dict.fromkeys(INDEXES, -1)
    assert built(IndexFiles(tmp_path, REGTEST, NAMES), chain) == dict.fromkeys(INDEXES, 5)


def test_those_that_are_switched_off_stay_as_they_are(tmp_path: Path) -> None:
    chain = validator()
    built(IndexFiles(tmp_path, REGTEST, NAMES), chain)
    assert built(IndexFiles(tmp_path, REGTEST, frozenset()), chain) == {}
    assert built(IndexFiles(tmp_path, REGTEST, {TxIndex.name}), chain) == {TxIndex.name: 5}


def test_all_are_forgotten_when_the_chain_is_built_anew(tmp_path: Path) -> None:
    chain = validator()
    built(IndexFiles(tmp_path, REGTEST, NAMES), chain)
    IndexFiles(tmp_path, REGTEST, frozenset()).forget(FOLDERS)  # Also those that are off now.
    assert list(tmp_path.iterdir()) == []
    assert built(IndexFiles(tmp_path, REGTEST, NAMES), chain) == dict.fromkeys(INDEXES, -1)


def test_one_that_goes_up_to_a_lost_block_is_built_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    built(IndexFiles(tmp_path, REGTEST, NAMES), validator())
    with caplog.at_level(logging.WARNING):
        found = built(IndexFiles(tmp_path, REGTEST, NAMES), validator(branch=1))
    assert found == dict.fromkeys(INDEXES, -1)
    assert "built anew" in caplog.text


def test_one_whose_files_are_damaged_is_built_anew(tmp_path: Path) -> None:
    chain = validator()
    built(IndexFiles(tmp_path, REGTEST, NAMES), chain)
    (tmp_path / INDEXES[TxIndex.name].folder / "CURRENT").write_bytes(b"nonsense")
    found = built(IndexFiles(tmp_path, REGTEST, NAMES), chain)
    assert found == {**dict.fromkeys(INDEXES, 5), TxIndex.name: -1}


def test_one_that_ends_before_the_blocks_that_are_left_is_refused(tmp_path: Path) -> None:
    names = frozenset({"coinstatsindex"})
    built(IndexFiles(tmp_path, REGTEST, names), validator(2))
    assert built(IndexFiles(tmp_path, REGTEST, names), validator(), 3) == {"coinstatsindex": 2}
    (tmp_path / "more").mkdir()
    built(IndexFiles(tmp_path / "more", REGTEST, names), validator(2))
    files = IndexFiles(tmp_path / "more", REGTEST, names)
    with pytest.raises(StorageError, match="coinstatsindex best block of the index goes beyond"):
        files.open(validator(), 4)
    files.close()
