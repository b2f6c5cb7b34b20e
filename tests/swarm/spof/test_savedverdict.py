"""Saved verdicts: told back as they were, refused where they are none or deny themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from axon.errors import ConfigError
from axon.swarm import blueprintfile
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import organic
from axon.swarm.spof.savedverdict import read_network, read_verdict
from axon.swarm.spof.search import CandidateState
from axon.swarm.spof.verdict import Level
from tests.swarm.spof.savedverdicts import saved

KILL_N1 = Candidate(("n1",), Mode.KILL)


def test_a_verdict_is_read_as_it_was_written() -> None:
    data = saved(KILL_N1)
    found = read_verdict(json.dumps(data))
    assert (found.level, found.sentence) == (Level.FOUND, "SPOF FOUND: n1.")
    assert (found.seed, found.backend, found.version) == (7, "sim", "0.1.0")
    assert [each.candidate for each in found.witnesses] == [KILL_N1]
    assert found.blueprint == organic(4)
    told = [[report.to_json() for report in record.reports.values()] for record in found.records]
    assert told == [each["attempts"] for each in data["trials"]]
    assert found.counts["holds"] == data["counts"]["holds"]


def test_a_file_that_says_no_version_is_read_too() -> None:
    data = saved()
    del data["version"], data["machine"]
    assert read_verdict(json.dumps(data)).version == ""


def test_a_network_is_read_from_its_own_file_and_from_a_verdict() -> None:
    plan = organic(4)
    assert read_network(json.dumps(saved())) == plan
    assert read_network(json.dumps(blueprintfile.to_json(plan))) == plan
    with pytest.raises(ConfigError, match="expected an object with the schema 'axon network 1'"):
        read_network('{"schema": "axon spof 1"}')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a verdict is JSON, and this is not"),
        ("[" * 100_000, "a verdict is JSON, and this is not"),
        ("[]", "expected an object with the schema 'axon spof 1'"),
        ('{"schema": "axon network 1"}', "expected an object with the schema 'axon spof 1'"),
        ('{"schema": "axon spof 1"}', "this is no verdict: KeyError"),
    ],
)
def test_what_is_no_verdict_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_verdict(text)


def _first(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["trials"][0]["attempts"][0]
    return found


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda data: data.update(level="PERFECT"), "this is no verdict"),
        (lambda data: data.update(seed=1.5), "expected a whole number"),
        (lambda data: data.update(k_exhaustive=-1), "expected a count"),
        (
            lambda data: data.update(backend="cloud"),
            "expected one of sim, proc, netns, not 'cloud'",
        ),
        (lambda data: data.update(sentence=None), "expected a text, not None"),
        (lambda data: data.update(trials={}), "expected a list of at most"),
        (lambda data: data.update(undecided=["x"] * 10_001), "expected a list of at most"),
        (lambda data: data.update(counts={"fine": 1}), "this is no verdict"),
        (lambda data: data["network"].update(nodes=[]), "a network has 1 to 1,000 nodes"),
        (lambda data: data["controls"][0].update(passed=1), "expected true or false, not 1"),
        (lambda data: data["trials"][0].update(targets=["n9"]), "'n9', which this network does"),
        (lambda data: data["trials"][0].update(mode="burn"), "this is no verdict"),
        (lambda data: _first(data)["invariants"].update(L77={}), "there is no invariant 'L77'"),
        (
            lambda data: _first(data)["invariants"]["L1"].update(worst=float("nan")),
            "expected a number, not nan",
        ),
        (
            lambda data: _first(data)["invariants"]["L1"].update(worst=10**400),
            "expected a number, not 1000",
        ),
        (lambda data: _first(data)["harm"].update(steps=[{"op": "burn"}]), "step 1"),
    ],
)
def test_a_field_that_is_wrong_is_named(harm: Callable[[dict[str, Any]], None], said: str) -> None:
    data = saved(KILL_N1)
    harm(data)
    with pytest.raises(ConfigError, match=said):
        read_verdict(json.dumps(data))


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data.update(level=str(Level.SWARM)),
        lambda data: data.update(level=str(Level.WEAK)),
        lambda data: data["controls"][0].update(passed=False),
        lambda data: data["trials"][0].update(standing=str(CandidateState.HOLDS)),
        lambda data: _first(data)["invariants"]["L1"].update(worst=9_999),
    ],
)
def test_a_verdict_that_denies_itself_is_none(harm: Callable[[dict[str, Any]], None]) -> None:
    data = saved(KILL_N1)
    harm(data)
    with pytest.raises(ConfigError, match="this verdict denies itself"):
        read_verdict(json.dumps(data))


def test_a_verdict_without_a_failure_finds_none() -> None:
    data = saved()
    data["level"] = str(Level.FOUND)
    with pytest.raises(ConfigError, match="it says SPOF FOUND, and its own trials"):
        read_verdict(json.dumps(data))
