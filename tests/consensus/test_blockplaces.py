from __future__ import annotations

from pathlib import Path

import pytest

from axon.consensus.blockplaces import BlockPlaces
from axon.consensus.kernel import Kernel
from axon.primitives.network import REGTEST
from tests.consensus.chains import GENESIS, GENESIS_SPOT, chain_on

BLOCKS = chain_on(GENESIS_SPOT, 12)


@pytest.fixture
def stored(tmp_path: Path) -> Kernel:
    """A kernel that has stored the blocks, closed."""
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    for block in BLOCKS:
        kernel.process_block(block.raw)
    kernel.close()
    return kernel


def test_a_new_block_is_found_where_it_was_stored(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    for block in BLOCKS:
        kernel.process_block(block.raw)
        found = kernel.places.find(block.hash)
        assert found is not None
        record, raw = found
        assert raw == block.raw
        assert kernel.files.read_part(record.number, record.offset, record.size_bytes) == raw
    kernel.close()


def test_old_blocks_are_found_by_going_through_the_files(stored: Kernel) -> None:
    places = BlockPlaces(stored.files)  # It was told of none.
    for block in [GENESIS, *BLOCKS]:
        assert places.read_new(block.hash) is None
        found = places.find(block.hash)
        assert found is not None
        assert found[1] == block.raw
    assert places.find(chain_on(GENESIS_SPOT, 1, tag=9)[0].hash) is None


def test_a_place_where_another_block_lies_now_is_none(stored: Kernel) -> None:
    places = BlockPlaces(stored.files)
    found = places.find(BLOCKS[3].hash)
    assert found is not None
    with stored.files.path(found[0].number).open("r+b") as file:
        file.seek(found[0].offset)
        file.write(BLOCKS[4].raw[:80])
    assert places.find(BLOCKS[3].hash) is None
    assert places.find(BLOCKS[5].hash) is not None
