"""The options of `axon demo`; the story itself is told in tests/swarm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from axon.cli import demo
from axon.cli.demo import main
from axon.swarm.story.checks import Check
from axon.swarm.story.runner import Listener
from axon.swarm.story.story import STEPS, FinishedStep, Outcome, Step


def test_help_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: axon demo")


@pytest.mark.parametrize(
    "arguments", [["--fast"], ["--keep"], ["--report"], ["--report="], ["node"]]
)
def test_a_wrong_call_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith("Error: ")
    assert told.out == ""


def test_a_folder_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["--keep", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert main([f"--keep={file}"]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_where_no_report_can_be_written_nothing_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--report", str(tmp_path)]) == 2
    assert "that is a folder" in capsys.readouterr().err
    assert main([f"--report={tmp_path / 'missing' / 'report.html'}"]) == 2
    assert "--report names another file" in capsys.readouterr().err


def pretend(monkeypatch: pytest.MonkeyPatch, item: Check) -> None:
    """Let the story be a single check: the real one takes half a minute."""

    def tell(folder: Path, listener: Listener, steps: Sequence[Step]) -> Outcome:
        assert folder.is_dir()
        assert len(steps) in (demo.QUICK_ACTS, len(STEPS))
        listener.step(1, "An act")
        listener.check(item)
        return Outcome((FinishedStep("An act", 0.0, 1.25),), (item,), 1.5)

    monkeypatch.setattr(demo, "tell", tell)


@pytest.mark.parametrize(("seen", "code"), [("30", 0), ("0", 1)])
@pytest.mark.parametrize("as_json", [True, False])
def test_the_exit_code_says_whether_all_holds(
    seen: str,
    code: int,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend(monkeypatch, Check(1, "Alice has", "30", seen))
    assert main(["--no-report", *(["--json"] if as_json else [])]) == code
    told = capsys.readouterr().out
    if as_json:
        assert json.loads(told) == {
            "holds": code == 0,
            "seconds": 1.5,
            "report": None,
            "acts": [{"title": "An act", "seconds": 1.25}],
            "checks": [
                {
                    "act": 1,
                    "claim": "Alice has",
                    "expected": "30",
                    "seen": seen,
                    "holds": code == 0,
                }
            ],
        }
    else:
        assert "Act 1. An act" in told
        assert "   1.5 s  in all" in told
        assert "\x1b" not in told  # No colours where there is no terminal.
        last = "All 1 checks hold." if code == 0 else "1 of 1 checks do not hold."
        assert told.rstrip().endswith(last)


def test_a_report_is_written_where_it_is_wanted_and_named_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, Check(1, "Alice has", "30", "30"))
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    usual = tmp_path / demo.REPORT
    assert capsys.readouterr().out.rstrip().endswith(str(usual))
    assert "All 1 checks hold." in usual.read_text()
    wanted = tmp_path / "mine.html"
    assert main(["--json", f"--report={wanted}"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(wanted)
    assert "Act 1. An act" in wanted.read_text()
    assert main(["--no-report"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [usual.name, wanted.name]


def test_a_quick_one_says_what_was_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, Check(1, "Alice has", "30", "30"))
    assert main(["--quick", "--no-report"]) == 0
    told = capsys.readouterr().out
    assert told.endswith("6 further acts were left out; axon demo plays them all.\n")
    assert main(["--no-report"]) == 0
    assert "left out" not in capsys.readouterr().out
