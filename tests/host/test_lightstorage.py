"""Headers and filter headers on disk, shared by the wallets of a network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from axon.chain.headertree import HeaderTree
from axon.errors import StorageError
from axon.host import lightstorage
from axon.host.lightstorage import LightStorage
from axon.p2p.filterheaders import RECORD_SIZE
from axon.primitives.hashes import sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import REGTEST, SIGNET, signet_of
from tests.node.rig import BLOCKS

HEADERS = [Header(raw[:HEADER_SIZE]) for raw in BLOCKS]


def records(count: int) -> bytes:
    """Made-up filter headers beside real block hashes, the genesis block's first."""
    hashes = [REGTEST.genesis.hash, *(header.hash for header in HEADERS)][:count]
    return b"".join(block_hash + sha256d(block_hash) for block_hash in hashes)


def filled(folder: Path) -> None:
    storage = LightStorage(folder, REGTEST)
    assert storage.is_ours
    storage.keep_headers(HEADERS)
    storage.keep_filter_headers(0, records(100))
    storage.close()


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    filled(tmp_path)
    storage = LightStorage(tmp_path, REGTEST)
    assert storage.headers.best.hash == HEADERS[-1].hash
    assert storage.filter_headers.height == 99
    assert storage.filter_headers.at(99) == records(100)[-32:]
    assert storage.filter_headers.take_changes() is None
    storage.close()


def test_headers_of_another_signet_are_refused(tmp_path: Path) -> None:
    """They begin with the same block, so nothing in them tells."""
    ours, others = signet_of(b"\x51"), signet_of(b"\x52")
    LightStorage(tmp_path, ours).close()
    for network in (others, SIGNET):
        with pytest.raises(StorageError, match=f"says {ours.magic.hex()}, .* -datadir"):
            LightStorage(tmp_path, network)
    storage = LightStorage(tmp_path, ours)
    assert storage.is_ours, "who was refused holds no lock"
    storage.close()


def test_headers_that_nobody_marked_are_taken(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "network").unlink()
    LightStorage(tmp_path, REGTEST).close()
    assert (tmp_path / "network").read_text() == f"{REGTEST.magic.hex()}\n"


def test_later_records_replace_earlier_ones(tmp_path: Path) -> None:
    filled(tmp_path)
    storage = LightStorage(tmp_path, REGTEST)
    storage.keep_filter_headers(50, b"")
    storage.keep_filter_headers(50, records(60)[50 * RECORD_SIZE :])
    storage.close()
    assert (tmp_path / "filterheaders.dat").read_bytes() == records(60)


@pytest.mark.parametrize("cut", [1, 79, 80, 80 * 3 + 5])
def test_a_file_cut_short_loses_only_what_was_cut(tmp_path: Path, cut: int) -> None:
    filled(tmp_path)
    path = tmp_path / "headers.dat"
    path.write_bytes(path.read_bytes()[:-cut])
    storage = LightStorage(tmp_path, REGTEST)
    lost = (cut + HEADER_SIZE - 1) // HEADER_SIZE
    assert storage.headers.best.hash == HEADERS[-1 - lost].hash
    storage.keep_headers(HEADERS[-lost:])
    storage.close()
    again = LightStorage(tmp_path, REGTEST)
    assert again.headers.best.hash == HEADERS[-1].hash
    again.close()


def test_damage_costs_only_what_comes_behind_it(tmp_path: Path) -> None:
    filled(tmp_path)
    path = tmp_path / "headers.dat"
    data = bytearray(path.read_bytes())
    data[70 * HEADER_SIZE + 40] ^= 1
    path.write_bytes(data)
    storage = LightStorage(tmp_path, REGTEST)
    assert storage.headers.best.hash == HEADERS[69].hash
    assert storage.filter_headers.height == 70, "what belongs to lost blocks goes with them"
    storage.close()
    assert path.read_bytes() == bytes(data[: 70 * HEADER_SIZE])


def test_filter_headers_of_another_branch_are_cut_off(tmp_path: Path) -> None:
    filled(tmp_path)
    other = records(60) + b"".join(bytes([n]) * 64 for n in range(20))
    (tmp_path / "filterheaders.dat").write_bytes(other)
    storage = LightStorage(tmp_path, REGTEST)
    assert storage.filter_headers.height == 59
    storage.close()
    assert (tmp_path / "filterheaders.dat").read_bytes() == records(60)


def test_a_second_process_reads_and_writes_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    storage = LightStorage(tmp_path, REGTEST)
    code = (
        "import sys; from pathlib import Path; from axon.host.lightstorage import LightStorage;"
        "from axon.primitives.network import REGTEST;"
        "s = LightStorage(Path(sys.argv[1]), REGTEST);"
        "s.keep_headers([s.headers.best.header]); s.keep_filter_headers(0, b'');"
        "print(s.is_ours, s.headers.best.height, s.filter_headers.height)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", str(len(HEADERS)), "99"]
    storage.close()
    assert (tmp_path / "headers.dat").stat().st_size == len(HEADERS) * HEADER_SIZE


def test_a_second_process_leaves_a_half_written_record_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    storage = LightStorage(tmp_path, REGTEST)
    path = tmp_path / "headers.dat"
    with path.open("ab") as file:
        file.write(bytes(33))
    code = (
        "import sys; from pathlib import Path; from axon.host.lightstorage import LightStorage;"
        "from axon.primitives.network import REGTEST; LightStorage(Path(sys.argv[1]), REGTEST)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert path.stat().st_size == len(HEADERS) * HEADER_SIZE + 33
    storage.close()


def test_filters_are_kept_only_where_they_are_wanted_and_read_in_any_case(tmp_path: Path) -> None:
    names = [header.hash for header in HEADERS[:3]]
    plain = LightStorage(tmp_path, REGTEST)
    plain.keep_filters([(names[0], b"lost")])
    assert list(plain.read_filters(names)) == [None, None, None]
    plain.close()
    assert not (tmp_path / "filters").exists()

    keeping = LightStorage(tmp_path, REGTEST, keep_filters=True)
    keeping.keep_filters([(names[0], b"first"), (names[2], b"third")])
    keeping.close()
    again = LightStorage(tmp_path, REGTEST)
    again.keep_filters([(names[1], b"not wanted")])
    assert list(again.read_filters(names)) == [b"first", None, b"third"]
    again.close()


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder whose headers were checked by a start."""
    monkeypatch.setattr(lightstorage, "MARK_EVERY", 10)
    filled(tmp_path)
    LightStorage(tmp_path, REGTEST).close()
    assert (tmp_path / "headers.checked").exists()
    return tmp_path


def test_what_was_checked_once_is_not_checked_again(
    marked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[int] = []
    load = HeaderTree.load

    def counted(tree: HeaderTree, chunks: Iterable[bytes]) -> int:
        loaded.append(load(tree, chunks))
        return loaded[-1]

    monkeypatch.setattr(HeaderTree, "load", counted)
    storage = LightStorage(marked, REGTEST)
    assert loaded == [0]
    assert storage.headers.best.hash == HEADERS[-1].hash
    assert all(storage.headers.get(header.hash) is not None for header in HEADERS)
    storage.close()


@pytest.mark.parametrize("name", ["headers.dat", "headers.checked"])
@pytest.mark.parametrize("place", [3, 40, 75, -2])
def test_a_note_about_other_bytes_does_not_count(marked: Path, name: str, place: int) -> None:
    path = marked / name
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    storage = LightStorage(marked, REGTEST)
    is_whole = storage.headers.best.hash == HEADERS[-1].hash
    assert is_whole == (name == "headers.checked")
    storage.close()


def test_headers_behind_those_that_were_checked_are_checked(marked: Path) -> None:
    path = marked / "headers.dat"
    with path.open("ab") as file:
        file.write(bytes(HEADER_SIZE))
    storage = LightStorage(marked, REGTEST)
    assert storage.headers.best.hash == HEADERS[-1].hash
    storage.close()
    assert path.stat().st_size == len(HEADERS) * HEADER_SIZE


def test_headers_and_filter_headers_stay_in_their_files(tmp_path: Path) -> None:
    filled(tmp_path)
    storage = LightStorage(tmp_path, REGTEST)
    assert not storage.headers._table._tail
    assert not storage.filter_headers._records
    storage.filter_headers.truncate(70)
    change = storage.filter_headers.take_changes()
    assert change is not None
    storage.keep_filter_headers(change.start_height, change.records)
    storage.filter_headers.append([HEADERS[70].hash], [bytes(32)])
    change = storage.filter_headers.take_changes()
    assert change is not None
    storage.keep_filter_headers(change.start_height, change.records)
    assert storage.filter_headers.at(71) == bytes(32)
    assert storage.filter_headers.at(70) == records(100)[70 * RECORD_SIZE + 32 : 71 * RECORD_SIZE]
    storage.close()
    assert (tmp_path / "filterheaders.dat").stat().st_size == 72 * RECORD_SIZE


def test_who_reads_headers_goes_on_when_they_prove_damaged(marked: Path) -> None:
    reader = LightStorage(marked, REGTEST)
    entry = reader.headers.best
    path = marked / "headers.dat"
    os.close(reader._lock)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.with_name("damaged").write_bytes(data)
    path.with_name("damaged").replace(path)
    writer = LightStorage(marked, REGTEST)
    assert writer.headers.best.height <= 1
    found = reader.headers.best.ancestor(50)
    assert found is not None
    assert found.raw == HEADERS[49].raw
    assert entry.hash == HEADERS[-1].hash
    writer.close()
