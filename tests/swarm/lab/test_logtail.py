"""The end of a file that somebody writes: whole lines only, across rotations and wiped disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.swarm.lab.logtail import TAIL_BYTES, LogTail


def test_the_last_lines_and_what_is_added(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    path.write_text("one\ntwo\nthree\nfo")
    tail = LogTail(path)
    assert tail.last(2) == ["two", "three"]
    assert tail.more() == []
    with path.open("a") as file:
        file.write("ur\nfive\n")
    assert tail.more() == ["four", "five"]


def test_no_lines_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    path.write_text("one\ntwo\n")
    tail = LogTail(path)
    assert tail.last(0) == []
    assert tail.more() == []


def test_a_file_that_is_not_there_yet_or_no_more(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    tail = LogTail(path)
    assert tail.last(9) == []
    path.write_text("one\n")
    assert tail.more() == ["one"]
    path.unlink()
    assert tail.more() == []
    path.write_text("anew\n")
    assert tail.more() == ["anew"]


def test_a_file_that_was_moved_away_or_cut_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    path.write_text("long ago\n")
    tail = LogTail(path)
    tail.last(1)
    path.rename(tmp_path / "debug.log.1")
    path.write_text("another file\n")
    assert tail.more() == ["another file"]
    path.write_text("cut\n")
    assert tail.more() == ["cut"]


def test_of_a_large_file_only_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "debug.log"
    line = "x" * 999 + "\n"
    path.write_text(line * (TAIL_BYTES // 1_000 + 2_000) + "the end\n")
    lines = LogTail(path).last(100_000)
    assert lines[-1] == "the end"
    assert set(lines[:-1]) == {"x" * 999}, "no line is cut"


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        LogTail(tmp_path).last(1)
