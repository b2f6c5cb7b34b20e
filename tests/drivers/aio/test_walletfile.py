"""The wallet's file: a dictionary that survives, for one process, of one program."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.chain.store import Store
from axon.drivers.aio.walletfile import APPLICATION_ID, FILE_FORMAT, SqliteStore
from axon.errors import DamageError, StorageError

KEYS = st.binary(max_size=3) | st.binary(max_size=2).map(lambda key: b"\xff" + key)
CHANGES = st.dictionaries(KEYS, st.none() | st.binary(max_size=50), max_size=10)
SQLITE_HEADER_SIZE = 100
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

WRITER = """
import sys
from pathlib import Path
from axon.drivers.aio.walletfile import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
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

OPENER = """
import sys
from pathlib import Path
from axon.drivers.aio.walletfile import SqliteStore
SqliteStore(Path(sys.argv[1]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wallets" / "alice" / "wallet.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as store:
        yield store


def opened_elsewhere(path: Path) -> str:
    """What another process says that opens the file."""
    outcome = subprocess.run(
        [sys.executable, "-c", OPENER, path],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    return outcome.stderr.strip().split("\n")[-1]


@settings(max_examples=40)  # Each example opens a file twice.
@given(st.lists(CHANGES, max_size=8), KEYS)
def test_a_store_is_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[dict[bytes, bytes | None]],
    prefix: bytes,
) -> None:
    path = tmp_path_factory.mktemp("store") / "wallet"
    model: dict[bytes, bytes] = {}
    with SqliteStore(path) as store:
        for batch in batches:
            store.write(batch)
            model |= {key: value for key, value in batch.items() if value is not None}
            model = {key: value for key, value in model.items() if batch.get(key, b"") is not None}
            keys = [*batch, prefix]
            assert store.multi_get(keys) == [model.get(key) for key in keys]
        assert list(store.items(b"")) == sorted(model.items())
    with SqliteStore(path) as again:
        found = sorted(item for item in model.items() if item[0].startswith(prefix))
        assert list(again.items(prefix)) == found


def test_it_is_a_store(store: SqliteStore) -> None:
    checked: Store = store
    assert checked.get(b"absent") is None


def test_items_do_not_see_what_is_written_meanwhile(store: SqliteStore) -> None:
    store.write({b"a": b"", b"b": b""})
    items = store.items(b"")
    assert next(items) == (b"a", b"")
    store.write({b"b": None, b"c": b""})
    assert [key for key, _ in items] == [b"b"]


def test_another_thread_may_use_it(store: SqliteStore) -> None:
    with ThreadPoolExecutor(1) as threads:
        threads.submit(store.write, {b"a": b"1"}).result()
        assert threads.submit(store.get, b"a").result() == b"1"


def test_only_the_owner_may_read_it(path: Path, store: SqliteStore) -> None:
    store.write({b"a": b"1"})
    assert {entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_one_file_is_left_when_it_is_closed(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write({b"a": b"1"})
    assert list(path.parent.iterdir()) == [path]


def test_a_killed_writer_leaves_whole_batches(path: Path) -> None:
    acknowledged = 0
    for wanted in (1, 20, 133):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=ENVIRONMENT
        )
        assert writer.stdout is not None
        with writer, writer.stdout as output:
            target = acknowledged + wanted
            while acknowledged < target:
                acknowledged = int(output.readline())
            writer.send_signal(signal.SIGKILL)
            acknowledged = int(([b"%d" % acknowledged, *output.read().split(b"\n")[:-1]])[-1])
        with SqliteStore(path) as store:
            value = store.get(b"number")
            assert value is not None
            number = int.from_bytes(value, "big")
            assert acknowledged <= number <= acknowledged + 1
            assert [key for key, _ in store.items(b"only ")] == [b"only %d" % number]
            assert {value for key, value in store.items(b"") if key.isdigit()} == {value}
        acknowledged = number


def test_a_wallet_in_use_is_refused(path: Path, store: SqliteStore) -> None:
    store.write({b"a": b"1"})
    with pytest.raises(StorageError, match="another process has it open"):
        SqliteStore(path)
    for _ in range(2):  # Neither attempt may have ended the lock.
        assert "WalletInUse: cannot open the wallet" in opened_elsewhere(path)
        assert "another process has it open" in opened_elsewhere(path)
    assert store.get(b"a") == b"1"
    store.close()
    assert opened_elsewhere(path) == ""


@pytest.mark.parametrize("left", [b"", None])
def test_a_file_that_was_just_made_is_filled(path: Path, left: bytes | None) -> None:
    """Killed between making the file and filling it."""
    path.parent.mkdir(parents=True)
    if left is None:
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA journal_mode = WAL")
        database.close()
    else:
        path.write_bytes(left)
    with SqliteStore(path) as store:
        store.write({b"a": b"1"})
    with SqliteStore(path) as store:
        assert store.get(b"a") == b"1"


def altered(path: Path, *statements: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


@pytest.mark.parametrize(
    "statements", [("CREATE TABLE notes (text)",), ("PRAGMA application_id = 7",)]
)
def test_a_database_of_another_program_is_left_alone(
    path: Path, statements: tuple[str, ...]
) -> None:
    altered(path, *statements)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="a database of another program"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_newer_form_is_left_alone(path: Path) -> None:
    SqliteStore(path).close()
    altered(path, f"PRAGMA user_version = {FILE_FORMAT + 1}")
    with pytest.raises(StorageError, match="a newer axon wrote it"):
        SqliteStore(path)


def test_what_is_no_database_is_damaged(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"my twelve words are " * 1_000)
    with pytest.raises(DamageError, match="damaged or no wallet"):
        SqliteStore(path)


def test_damage_is_found_when_it_is_opened(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write({b"%05d" % n: os.urandom(200) for n in range(2_000)})
    raw = bytearray(path.read_bytes())
    assert int.from_bytes(raw[68:72], "big") == APPLICATION_ID
    raw[len(raw) // 2 : len(raw) // 2 + 3_000] = bytes(3_000)
    path.write_bytes(raw)
    with pytest.raises(DamageError, match="damaged"):
        SqliteStore(path)


def test_a_file_cut_short_is_damaged(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write({b"%05d" % n: bytes(200) for n in range(2_000)})
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DamageError, match="damaged"):
        SqliteStore(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot open the wallet .*: "):
        SqliteStore(tmp_path / "file" / "wallet")
    with pytest.raises(StorageError, match="cannot open the wallet"):
        SqliteStore(tmp_path)


def test_a_disk_that_is_full_undoes_the_batch(store: SqliteStore) -> None:
    store.write({b"a": b"1"})
    store._database.execute("PRAGMA max_page_count = 10")
    with pytest.raises(StorageError, match="full"):
        store.write({b"a": b"2", b"b": bytes(200_000)})
    assert store.multi_get([b"a", b"b"]) == [b"1", None]
    store.write({b"a": b"3"})
    assert store.get(b"a") == b"3"


def test_a_file_without_checksums_is_converted(path: Path) -> None:
    altered(
        path,
        "CREATE TABLE records (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID",
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 1",
        "INSERT INTO records VALUES (x'61', x'31'), (x'62', x'')",
    )
    for _ in range(2):
        with SqliteStore(path) as store:
            assert list(store.items(b"")) == [(b"a", b"1"), (b"b", b"")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET value = x'31'",
        "UPDATE records SET key = x'62'",
        "UPDATE records SET key = CAST(key AS TEXT)",
        "UPDATE records SET value = CAST(value AS TEXT)",
        "UPDATE records SET value = 7",
        "PRAGMA user_version = 0",
        "ALTER TABLE records RENAME TO recorcs",
    ],
)
def test_a_record_that_is_not_what_was_written_is_damaged(path: Path, statement: str) -> None:
    with SqliteStore(path) as store:
        store.write({b"a": b"\xff\xfe"})
    altered(path, statement)
    with pytest.raises(DamageError, match=r"damaged.*backup.*words"):
        SqliteStore(path)


def test_no_flipped_bit_goes_unnoticed(path: Path) -> None:
    """What is read is what was written, or damage is named; SQLite's own header may say more."""
    rng = random.Random(7)
    written = {b"%03d" % number: rng.randbytes(rng.randrange(700)) for number in range(100)}
    with SqliteStore(path) as store:
        store.write(written)
    whole = path.read_bytes()
    used = [place for place in range(SQLITE_HEADER_SIZE, len(whole)) if whole[place]]
    told: list[str] = []
    for place in rng.sample(used, 400):
        raw = bytearray(whole)
        raw[place] ^= 1 << rng.randrange(8)
        path.write_bytes(raw)
        try:
            with SqliteStore(path) as store:
                assert dict(store.items(b"")) == written
        except DamageError as error:
            told.append(str(error))
    assert len(told) > 350
    assert all("from a backup" in text for text in told)


def test_a_new_file_is_on_the_disk_with_the_folders_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda file: synced.add(os.fstat(file).st_ino))
    path = tmp_path / "wallets" / "alice" / "wallet.sqlite"
    SqliteStore(path).close()
    folders = (tmp_path, tmp_path / "wallets", tmp_path / "wallets" / "alice")
    assert {folder.stat().st_ino for folder in folders} <= synced
