"""`axon sim attack`: what is printed, the JSON, exit codes."""

from __future__ import annotations

import json

import pytest

from axon.cli.sim import main
from axon.swarm.sightings import SIGHTS
from axon.swarm.sim import censorship

PASS, VIOLATED = 0, 1


def test_what_an_attack_did_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack", "censor", "--seeds", "1..2", "-v"]) == PASS
    out = capsys.readouterr().out
    assert "seed 2: L5 inclusion holds: whichever of 5 nodes censors" in out
    assert "2 of 2 seeds stood it; with 95 % confidence at most 100 % of all do not" in out
    assert "undecided, for no run came there: " in out


def test_programs_are_told_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(censorship, "BLOCKS_LIMIT", 0)
    assert main(["attack", "censor", "--json"]) == VIOLATED
    told = json.loads(capsys.readouterr().out)
    assert (told["attack"], told["passed"]) == ("censor", 0)
    assert told["runs"][0]["invariants"]["L5"]["ok"] is False
    assert told["runs"][0]["notes"] == []
    assert told["sometimes"]["reached"].keys() == SIGHTS.keys()
