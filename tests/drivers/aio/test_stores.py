from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.drivers.aio.recordfile import AppendFile
from axon.drivers.aio.stores import RocksStore
from axon.errors import StorageError

KEYS = st.binary(max_size=3)
CHANGES = st.dictionaries(KEYS, st.none() | st.binary(max_size=50), max_size=10)

WRITER = """
import sys
from pathlib import Path
from axon.drivers.aio.stores import RocksStore
store = RocksStore(Path(sys.argv[1]))
number = int.from_bytes(store.get(b"number") or b"", "big")
while True:
    number += 1
    value = number.to_bytes(4, "big")
    batch = {b"%03d" % key: value for key in range(100)}
    batch |= {b"number": value, b"only %d" % number: b"", b"only %d" % (number - 1): None}
    store.write(batch)
    print(number, flush=True)
"""
"""Every batch sets 100 keys to its number, adds one key and removes one."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RocksStore]:
    with RocksStore(tmp_path / "store") as store:
        yield store


# RocksStore.


def test_a_batch_sets_and_removes(store: RocksStore) -> None:
    store.write({b"a": b"1", b"b": b"", b"c": b"3"})
    store.write({b"a": None, b"c": b"4", b"absent": None})
    assert store.multi_get([b"c", b"b", b"a"]) == [b"4", b"", None]
    assert store.get(b"a") is None
    assert store.get(b"b") == b""


def test_items_come_in_key_order_within_a_prefix(store: RocksStore) -> None:
    store.write({key: key.upper() for key in (b"b2", b"a", b"b\xff", b"c", b"b", b"b1")})
    assert [key for key, _ in store.items()] == [b"a", b"b", b"b1", b"b2", b"b\xff", b"c"]
    assert list(store.items(b"b")) == [
        (b"b", b"B"), (b"b1", b"B1"), (b"b2", b"B2"), (b"b\xff", b"B\xff"),
    ]  # fmt: skip
    assert list(store.items(b"d")) == []


def test_items_do_not_see_what_is_written_meanwhile(store: RocksStore) -> None:
    store.write({b"a": b"", b"b": b""})
    items = store.items()
    assert next(items) == (b"a", b"")
    store.write({b"b": None, b"c": b""})
    assert [key for key, _ in items] == [b"b"]


@settings(max_examples=30)  # Each example opens a store twice.
@given(st.lists(CHANGES, max_size=8))
def test_a_store_is_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, batches: list[dict[bytes, bytes | None]]
) -> None:
    path = tmp_path_factory.mktemp("store")
    model: dict[bytes, bytes] = {}
    with RocksStore(path) as store:
        for batch in batches:
            store.write(batch)
            model |= {key: value for key, value in batch.items() if value is not None}
            model = {key: value for key, value in model.items() if batch.get(key, b"") is not None}
        assert list(store.items()) == sorted(model.items())
    with RocksStore(path) as store:
        assert list(store.items()) == sorted(model.items())


def test_large_values_and_batches(store: RocksStore) -> None:
    batch: dict[bytes, bytes | None] = {b"%05d" % n: bytes(1_000) for n in range(20_000)}
    store.write(batch, sync=True)
    store.write({b"block": bytes(4_000_000)})
    assert sum(1 for _ in store.items()) == 20_001
    assert store.get(b"block") == bytes(4_000_000)


def test_readers_see_whole_batches_while_another_thread_writes(store: RocksStore) -> None:
    def write() -> None:
        for number in range(300):
            store.write({b"a": b"%d" % number, b"b": b"%d" % number})

    store.write({b"a": b"", b"b": b""})
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        while not writing.done():
            (_, a), (_, b) = store.items()
            assert a == b
        writing.result()


def test_a_killed_writer_leaves_whole_batches(tmp_path: Path) -> None:
    path = tmp_path / "store"
    acknowledged = 0
    for wanted in (1, 50, 333):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert writer.stdout is not None
        with writer, writer.stdout as output:
            target = acknowledged + wanted
            while acknowledged < target:
                acknowledged = int(output.readline())
            writer.send_signal(signal.SIGKILL)
            acknowledged = int(([b"%d" % acknowledged, *output.read().split(b"\n")[:-1]])[-1])
        with RocksStore(path) as store:
            value = store.get(b"number")
            assert value is not None
            number = int.from_bytes(value, "big")
            assert acknowledged <= number <= acknowledged + 1
            assert [key for key, _ in store.items(b"only ")] == [b"only %d" % number]
            assert {value for key, value in store.items() if key.isdigit()} == {value}
        acknowledged = number


def test_a_store_in_use_is_refused(tmp_path: Path, store: RocksStore) -> None:
    store.write({b"a": b"1"})
    with pytest.raises(StorageError, match=r"cannot open .*store: another process has it open"):
        RocksStore(tmp_path / "store")
    program = "import sys; from pathlib import Path; from axon.drivers.aio.stores import RocksStore"
    other = subprocess.run(
        [sys.executable, "-c", f"{program}; RocksStore(Path(sys.argv[1]))", tmp_path / "store"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "StorageError: cannot open" in other.stderr
    assert "another process has it open" in other.stderr
    assert store.get(b"a") == b"1"


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    RocksStore(tmp_path).close()
    (tmp_path / "CURRENT").write_bytes(b"nonsense")
    with pytest.raises(StorageError, match=r"cannot open .*: it is damaged"):
        RocksStore(tmp_path)


def test_a_damaged_block_is_an_error_wherever_it_is_met(tmp_path: Path) -> None:
    with RocksStore(tmp_path) as store:
        store.write({b"%06d" % n: os.urandom(100) for n in range(60_000)})
        keys = [key for key, _ in store.items()]
    tables = sorted(tmp_path.glob("*.sst"))
    assert tables
    for table in tables:
        raw = bytearray(table.read_bytes())
        middle = len(raw) // 2
        raw[middle : middle + 50] = bytes(50)
        table.write_bytes(raw)
    with RocksStore(tmp_path) as store:
        with pytest.raises(StorageError, match="damaged"):
            list(store.items())
        with pytest.raises(StorageError, match="damaged"):
            store.multi_get(keys)
        with pytest.raises(StorageError, match="damaged"):
            all(store.get(key) for key in keys)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot open the store"):
        RocksStore(tmp_path / "file" / "store")


def test_a_key_that_is_no_bytes_is_a_bug_and_no_storage_error(store: RocksStore) -> None:
    with pytest.raises(KeyError):
        store.get("text")  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        store.write({"text": b""})  # type: ignore[dict-item]


# AppendFile.


def test_records_are_appended_read_and_cut(tmp_path: Path) -> None:
    file = AppendFile(tmp_path / "headers", 2)
    file.append(b"aabb")
    file.append(b"")
    file.append(b"cc")
    file.sync()
    assert len(file) == 3
    assert file.read() == b"aabbcc"
    assert file.read(1, 1) == b"bb"
    assert file.read(1, 100) == b"bbcc"
    assert file.read(3) == file.read(99, 1) == b""
    file.truncate(1)
    file.append(b"dd")
    assert file.read() == b"aadd"
    file.close()
    again = AppendFile(tmp_path / "headers", 2)
    assert again.read() == b"aadd"
    again.close()


@given(st.binary(max_size=40), st.integers(1, 9))
def test_a_broken_record_is_cut_off(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, size: int
) -> None:
    path = tmp_path_factory.mktemp("append") / "headers"
    path.write_bytes(raw)
    file = AppendFile(path, size)
    whole = raw[: len(raw) // size * size]
    assert file.read() == whole
    file.append(bytes(size))
    assert file.read() == path.read_bytes() == whole + bytes(size)
    file.close()


def test_half_a_record_is_a_bug(tmp_path: Path) -> None:
    file = AppendFile(tmp_path / "headers", 80)
    with pytest.raises(AssertionError):
        file.append(bytes(79))
    file.close()


def test_a_file_cut_by_others_is_noticed(tmp_path: Path) -> None:
    file = AppendFile(tmp_path / "headers", 2)
    file.append(b"aabb")
    (tmp_path / "headers").write_bytes(b"aa")
    with pytest.raises(StorageError, match="shorter"):
        file.read()
    file.close()


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot open .*headers: No such file"):
        AppendFile(tmp_path / "missing" / "headers", 80)
