from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.consensus.blockfiles import BlockFiles
from axon.errors import StorageError
from axon.primitives.network import REGTEST
from tests.consensus.chains import GENESIS_SPOT, chain_on

BLOCKS = [block.raw for block in chain_on(GENESIS_SPOT, 5)]
KEYS = [bytes(8), bytes.fromhex("79616e78872a9322"), bytes.fromhex("00000000fabfb5da")]


def record(raw: bytes) -> bytes:
    return REGTEST.magic + len(raw).to_bytes(4, "little") + raw


def mask(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[place % 8] for place, byte in enumerate(data))


def files_in(folder: Path, data: bytes, key: bytes, reserved: int = 8192) -> BlockFiles:
    """One file that holds `data`, masked, and zeros that are not."""
    (folder / "xor.dat").write_bytes(key)
    (folder / "blk00000.dat").write_bytes(mask(data, key) + bytes(reserved))
    files = BlockFiles(folder, REGTEST.magic)
    files.prepare()
    return files


@pytest.mark.parametrize("key", KEYS)
def test_blocks_come_out_as_they_went_in(tmp_path: Path, key: bytes) -> None:
    files = files_in(tmp_path, b"".join(map(record, BLOCKS)), key)
    records = files.records(0)
    assert [files.read(found) for found in records] == BLOCKS
    assert [found.header for found in records] == [raw[:80] for raw in BLOCKS]
    assert not any(found.torn for found in records)
    assert files.find(0, records[2].start, BLOCKS[2]) == records[2]
    assert files.find(0, records[2].start, BLOCKS[3]) is None
    assert files.find(7, 0, BLOCKS[0]) is None


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("junk", [b"\x01", bytes(7) + b"\xff", REGTEST.magic * 3, b"\xab" * 999])
def test_records_behind_junk_are_found_and_marked(tmp_path: Path, key: bytes, junk: bytes) -> None:
    files = files_in(tmp_path, record(BLOCKS[0]) + junk + record(BLOCKS[1]), key)
    records = files.records(0)
    assert [files.read(found) for found in records] == BLOCKS[:2]
    assert [found.torn for found in records] == [False, True]


def test_a_block_cut_short_is_no_record(tmp_path: Path) -> None:
    data = record(BLOCKS[0]) + record(BLOCKS[1])
    files = files_in(tmp_path, data[:-1], bytes(8), reserved=0)
    assert [files.read(found) for found in files.records(0)] == BLOCKS[:1]


def test_files_come_in_order_and_strangers_are_left_alone(tmp_path: Path) -> None:
    files = BlockFiles(tmp_path, REGTEST.magic)
    for name in ("blk00002.dat", "blk00000.dat", "blkabcde.dat", "rev00000.dat"):
        (tmp_path / name).touch()
    assert files.numbers() == [0, 2]
    assert files.records(0) == []


def test_a_new_folder_gets_no_mask(tmp_path: Path) -> None:
    files = BlockFiles(tmp_path / "new", REGTEST.magic)
    files.prepare()
    assert (tmp_path / "new" / "xor.dat").read_bytes() == bytes(8)


def test_a_new_folder_may_get_a_mask_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    files = BlockFiles(tmp_path / "blocks", REGTEST.magic)
    for key in (b"12345678", b"other...", bytes(8)):
        files.mask_if_new(key)
        files.prepare()
        assert (tmp_path / "blocks" / "xor.dat").read_bytes() == b"12345678"
    (tmp_path / "blocks" / "xor.dat").unlink()
    files.path(0).touch()
    files.mask_if_new(b"12345678")
    assert not (tmp_path / "blocks" / "xor.dat").exists()


def test_a_folder_without_mask_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "blk00000.dat").write_bytes(record(BLOCKS[0]))
    files = BlockFiles(tmp_path, REGTEST.magic)
    files.prepare()
    assert not (tmp_path / "xor.dat").exists()
    assert len(files.records(0)) == 1


def test_a_damaged_mask_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "xor.dat").write_bytes(b"abc")
    with pytest.raises(StorageError, match=r"xor\.dat is damaged"):
        BlockFiles(tmp_path, REGTEST.magic).prepare()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("left", [None, b"", b"abc", b"wrongkey", bytes(9)])
def test_the_first_block_tells_a_mask_that_is_lost(
    tmp_path: Path, key: bytes, left: bytes | None
) -> None:
    files_in(tmp_path, b"".join(map(record, BLOCKS)), key)
    path = tmp_path / "xor.dat"
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    files = BlockFiles(tmp_path, REGTEST.magic)
    is_right = left is None and not any(key)
    assert files.prepare(BLOCKS[0]) is not is_right
    assert (path.read_bytes() if path.exists() else bytes(8)) == key
    assert [files.read(found) for found in files.records(0)] == BLOCKS
    assert not files.prepare(BLOCKS[0])


def test_a_first_block_that_is_lost_too_tells_nothing(tmp_path: Path) -> None:
    files_in(tmp_path, record(BLOCKS[1]), KEYS[1])
    files = BlockFiles(tmp_path, REGTEST.magic)
    assert not files.prepare(BLOCKS[0])
    (tmp_path / "xor.dat").write_bytes(b"abc")
    with pytest.raises(StorageError, match="all blocks are fetched from peers again"):
        files.prepare(BLOCKS[0])
    assert (tmp_path / "xor.dat").read_bytes() == b"abc"


@pytest.mark.parametrize("key", KEYS)
def test_blocks_of_another_signet_are_left_alone(tmp_path: Path, key: bytes) -> None:
    files_in(tmp_path, b"".join(map(record, BLOCKS)), key)
    before = (tmp_path / "blk00000.dat").read_bytes()
    with pytest.raises(StorageError, match=r"those of another network: .*Use another -datadir"):
        BlockFiles(tmp_path, b"\x54\xd2\x6f\xbd").prepare(BLOCKS[0])
    assert (tmp_path / "blk00000.dat").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot use the folder"):
        BlockFiles(tmp_path / "file" / "blocks", REGTEST.magic).prepare()


@given(data=st.binary(max_size=3000), key=st.binary(min_size=8, max_size=8))
def test_any_file_can_be_walked(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, key: bytes
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    files = files_in(folder, data + record(BLOCKS[0]), key, reserved=0)
    assert all(files.read(found) is not None for found in files.records(0))
