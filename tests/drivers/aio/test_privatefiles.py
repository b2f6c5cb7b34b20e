"""Files and folders are for their owner's eyes, whatever the umask; what exists stays as it is."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.drivers.aio.privatefiles import (
    FILE_MODE,
    FOLDER_MODE,
    keep_private,
    make_folder,
    open_file,
    write_atomically,
    write_file,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True, params=[0, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_folders_are_closed_from_the_first_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(0o755)
    (tmp_path / "theirs").chmod(0o755)
    make_folder(tmp_path / "theirs" / "a" / "b")
    make_folder(tmp_path / "theirs" / "a" / "b")
    assert mode(tmp_path / "theirs") == 0o755
    assert mode(tmp_path / "theirs" / "a") == mode(tmp_path / "theirs" / "a" / "b") == FOLDER_MODE
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        make_folder(tmp_path / "file")


def test_files_are_closed(tmp_path: Path) -> None:
    os.close(open_file(tmp_path / "opened", os.O_WRONLY | os.O_CREAT))
    write_file(tmp_path / "written", b"one")
    write_atomically(tmp_path / "whole", b"one")
    assert {mode(path) for path in tmp_path.iterdir()} == {FILE_MODE}
    (tmp_path / "written").chmod(0o644)
    write_file(tmp_path / "written", b"2")
    assert (tmp_path / "written").read_bytes() == b"2"
    assert mode(tmp_path / "written") == 0o644


def test_what_libraries_make_is_closed_too(tmp_path: Path) -> None:
    keep_private()
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "file").write_text("")
    assert mode(tmp_path / "made") == FOLDER_MODE
    assert mode(tmp_path / "made" / "file") == FILE_MODE


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"one")
    (tmp_path / "a.new").write_bytes(b"left by a crash")
    write_atomically(path, b"two", 0o644)
    assert path.read_bytes() == b"two"
    assert mode(path) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    with pytest.raises(OSError):
        write_atomically(tmp_path / "no" / "a", b"")


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"one")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_what_was_made_is_on_the_disk_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut takes the name of a new folder or file whose parent was not synced."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    assert synced == [tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino]
    make_folder(folder)
    assert len(synced) == 2
    write_atomically(folder / "file", b"")
    assert synced[-1] == folder.stat().st_ino
