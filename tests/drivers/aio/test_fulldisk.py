"""Files and stores on a disk that fills up: it is called that, and what was written stays whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from axon.drivers.aio.recordfile import AppendFile
from axon.drivers.aio.stores import RocksStore
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import DiskFullError
from tests.smalldisk import SmallDisk, small_disk

MIB: Final = 1 << 20
VALUE: Final = bytes(50_000)


@pytest.fixture(name="disk")
def disk_fixture(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 24 * MIB) as disk:
        yield disk


@pytest.mark.parametrize("kind", [RocksStore, SqliteStore])
@pytest.mark.parametrize("free_bytes", [0, 8_192, 2 * MIB])
def test_a_store(
    disk: SmallDisk, kind: type[RocksStore] | type[SqliteStore], free_bytes: int
) -> None:
    path = disk.folder / "a" / "store"
    held: dict[bytes, bytes] = {}

    def fill(store: RocksStore | SqliteStore) -> None:
        for number in range(len(held), len(held) + 1_000):
            key, value = b"%04d" % number, VALUE + bytes((number & 0xFF,))
            store.write({key: value})
            held[key] = value

    store = kind(path)
    store.write({b"first": b"1"})
    disk.leave(free_bytes)
    with pytest.raises(DiskFullError, match="Disk space is too low! Cannot write to the"):
        fill(store)
    with suppress(DiskFullError):  # What is buffered may find no place either.
        store.close()
    if free_bytes == 0:
        with pytest.raises(DiskFullError), kind(path.with_name("other")):
            pass
    disk.empty()
    with kind(path) as store:
        assert store.get(b"first") == b"1"
        for key, value in held.items():
            assert store.get(key) == value
        store.write({b"later": b"2"})
        assert store.get(b"later") == b"2"


def test_a_file_of_records(disk: SmallDisk) -> None:
    file = AppendFile(disk.folder / "headers", 80)
    file.append(bytes(80))
    disk.leave(10_000)
    with pytest.raises(DiskFullError, match=r"Cannot write .*headers"):
        file.append(bytes(800_000))
    assert len(file) == 1
    disk.empty()
    file.append(b"\x01" * 80)
    assert file.read() == bytes(80) + b"\x01" * 80
    file.close()


def test_a_refusal_in_the_middle_of_an_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = AppendFile(tmp_path / "headers", 2)
    file.append(b"aa")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(DiskFullError):
            file.append(b"bb")
    file.append(b"cc")
    assert file.read() == b"aacc"
    file.close()
