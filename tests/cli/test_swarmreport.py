"""`axon swarm report` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axon.cli.swarm import main
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.planted import PlantedScore
from tests.swarm.spof.savedverdicts import saved

PASS, FAULT = 0, 3


@pytest.fixture
def verdict(tmp_path: Path) -> Path:
    path = tmp_path / "v.json"
    path.write_text(json.dumps(saved(Candidate(("n1",), Mode.KILL))))
    return path


def test_the_page_lies_beside_the_verdict(
    verdict: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(verdict)], verdict.parent) == PASS
    page = verdict.with_suffix(".html")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert capsys.readouterr().out.startswith(f"SPOF FOUND: n1. The page is {page}, ")


def test_programs_are_told_where_it_lies(verdict: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = verdict.parent / "page.html"
    assert main(["report", str(verdict), "--output", str(page), "--json"], verdict.parent) == PASS
    told = json.loads(capsys.readouterr().out)
    beside = verdict.parent / "page.report.json"
    assert told == {
        "page": str(page),
        "json": str(beside),
        "level": "SPOF FOUND",
        "size_bytes": page.stat().st_size,
    }
    assert json.loads(beside.read_text())["schema"] == "axon swarm report 1"


def test_a_score_of_planted_points_is_taken_in(
    verdict: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = verdict.parent / "score.json"
    score.write_text(json.dumps(PlantedScore("all twenty", ("star",), (), ()).to_json()))
    folder = verdict.parent
    assert main(["report", str(verdict), "--planted", str(score)], folder) == PASS
    assert "all twenty" in verdict.with_suffix(".html").read_text()
    capsys.readouterr()
    assert main(["report", str(verdict), "--planted", str(verdict)], folder) == FAULT
    assert "v.json: expected an object with the schema 'axon planted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "v.json: expected an object with the schema 'axon spof 1'"),
        (b"\xff", "v.json: cannot be read"),
        (None, "v.json: cannot be read"),
    ],
)
def test_what_is_no_verdict_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    path = tmp_path / "v.json"
    if content is not None:
        path.write_bytes(content)
    assert main(["report", str(path)], tmp_path) == FAULT
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not path.with_suffix(".html").exists()


def test_the_verdict_is_not_overwritten_and_a_full_path_not_guessed(
    verdict: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(verdict), "--output", str(verdict)], verdict.parent) == FAULT
    assert "would overwrite the verdict" in capsys.readouterr().err
    nowhere = verdict.parent / "nowhere" / "page.html"
    assert main(["report", str(verdict), "--output", str(nowhere)], verdict.parent) == FAULT
    assert "cannot write" in capsys.readouterr().err
