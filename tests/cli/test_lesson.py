"""`axon lesson` waits where it says so, shows what can be looked at, and refuses no terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from axon.cli.lesson import LessonTeller, main
from axon.dash.nodepage import URL_FILE
from axon.swarm.story.checks import Check


def teller(folder: Path, keys: Iterable[str]) -> LessonTeller:
    pressed = iter(keys)
    return LessonTeller(folder, lambda _limit_s: next(pressed))


def test_an_act_begins_when_somebody_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "node1" / "regtest"
    folder.mkdir(parents=True)
    (folder / URL_FILE).write_text("http://127.0.0.1:1/#token\n")
    lesson = teller(tmp_path, ["x", "?", "\n"])
    lesson.step(2, "Two nodes")
    told = capsys.readouterr().out
    assert told.count("[Enter: act 2 of 11, Two nodes; ?; q]") == 2
    assert "node 1  http://127.0.0.1:1/#token" in told
    assert f"axon rpc -datadir={tmp_path / 'node1'} -getinfo" in told
    assert told.rstrip().endswith("Act 2. Two nodes")


def test_where_nobody_lives_there_is_nothing_to_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teller(tmp_path, ["?", " "]).played()
    assert "No node lives now." in capsys.readouterr().out


@pytest.mark.parametrize("key", ["q", "\x04"])
def test_who_leaves_ends_it(key: str, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        teller(tmp_path, [key]).step(1, "One")


def test_without_a_terminal_it_says_what_does_not_wait(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "axon demo tells the story" in capsys.readouterr().err
    assert main(["--slow"]) == 2
    assert "axon lesson --help" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: axon lesson")


def test_half_a_sentence_waits_for_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lesson = teller(tmp_path, [])
    capsys.readouterr()
    lesson.say("A sentence of a story that goes on in the next line, which is")
    assert capsys.readouterr().out == ""
    lesson.say("where it ends.")
    lesson.check(Check(1, "what is said at all nodes of the whole network", "..12", "..12"))
    told = capsys.readouterr().out
    assert (
        "  A sentence of a story that goes on in the next line, which\n  is where it ends.\n"
        in told
    )
    assert max(map(len, told.splitlines())) <= 60
