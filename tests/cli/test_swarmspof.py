"""`axon swarm spof`: its exit codes, what it prints, and that a witness can be tried again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from axon.cli.swarm import main
from axon.swarm import blueprintfile
from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import Finding
from axon.swarm.lab.processes import NodeFailed
from axon.swarm.spof.plants import PLANTS
from axon.swarm.spof.verdict import SpofVerdict
from axon.swarm.trialreport import TrialReport

FOUND, OPEN, FAULT = 1, 2, 3


def spof(*arguments: str, home: Path) -> int:
    drawn = () if "--network" in arguments or "--mix" in arguments else ("--nodes", "4")
    return main(["spof", *drawn, *arguments], home)


@pytest.mark.process
def test_a_planted_point_is_found_written_down_and_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "verdict.json"
    arguments = ("--plant", "one-server", "--k", "1", "--classes", "node", "--modes", "kill")
    assert spof(*arguments, "--save", str(saved), home=tmp_path) == FOUND
    out = capsys.readouterr().out
    assert out.startswith("SPOF FOUND: n1.")
    assert "--plant one-server --only 'kill n1'" in out
    data = json.loads(saved.read_text())
    (tmp_path / "network.json").write_text(json.dumps(data["network"]))
    again = ("--network", str(tmp_path / "network.json"), "--only", "kill n1", "--json")
    assert spof(*again, home=tmp_path) == FOUND
    replayed = json.loads(capsys.readouterr().out)
    assert replayed["witnesses"][0]["digest"] == data["witnesses"][0]["digest"]


@pytest.mark.process
def test_a_candidate_that_holds_says_no_more_than_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spof("--only", "kill n1", home=tmp_path) == 0
    out = capsys.readouterr().out
    assert out.startswith("NONE FOUND: 1 harm held, 1 of 1 at once.")
    assert "all but what was asked for by name" in out


@pytest.mark.process
def test_a_budget_that_is_used_up_decides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spof("--k", "1", "--budget", "0.001", home=tmp_path) == OPEN
    assert capsys.readouterr().out.startswith("INCONCLUSIVE: ")


@pytest.mark.process
def test_whoever_stops_it_is_told_what_was_found(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "axon", "swarm", "spof", "--plant", "one-server"]
    tried = ("--nodes", "4", "--k", "2")
    saved = tmp_path / "verdict.json"
    with subprocess.Popen(
        [*command, *tried, "-j", "1", "--save", str(saved)],
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if re.search(r"tried, [1-9]\d* found; ", line):  # Not each line is shown: one a second.
                break
        os.killpg(running.pid, signal.SIGINT)  # As ctrl-C does: whoever works for it hears it, too.
        out, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert out.startswith("SPOF FOUND: n1.")
    assert "candidates for which there was no time" in out
    assert said.endswith("Stopped before all was tried.\n")
    assert "Traceback" not in said
    assert json.loads(saved.read_text())["level"] == "SPOF FOUND"


def test_what_was_found_is_told_if_the_network_cannot_be_taken_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_options: object, verdict: SpofVerdict, _say: object) -> None:
        job = verdict.search.take()
        if job is not None:
            finding = Finding("L3", True, "after 12 s", 12.0, 1_200)
            verdict.search.tell(job, TrialReport(FaultPlan(), FaultPlan(), [finding]))
        raise NodeFailed("n1 cannot be ended; the system holds its process")

    monkeypatch.setattr("axon.cli.swarmcommands.finding._try_simulated", fail)
    assert spof("--only", "kill n2", home=tmp_path) == FAULT
    told = capsys.readouterr()
    assert told.out.startswith("NONE FOUND: 1 harm held")
    assert told.err.endswith("Error: n1 cannot be ended; the system holds its process\n")


def test_a_disk_that_is_full_takes_no_verdict_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.cli.swarmcommands.finding.sim_controls", lambda _pool: iter(()))
    arguments = ("--only", "kill w1", "--budget", "0", "--save", "/dev/full")
    assert spof(*arguments, home=tmp_path) == FAULT
    told = capsys.readouterr()
    assert told.out.startswith("INCONCLUSIVE: kill w1 is untried.")
    assert "cannot write /dev/full: " in told.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "kill n9"), "no component 'n9'; there are n1, n2"),
        (("--only", "no-blocks w1"), "does not fit w1, a wallet: kill, stop do"),
        (("--only", "kill"), "expected what is done and to whom"),
        (("--modes", "burn"), "no harm 'burn'; there are kill, stop"),
        (("--classes", "cloud"), "no class 'cloud'; there are node"),
        (("--nodes", "0"), "'0' is no number above 0"),
        (("--mix", "axon:2", "--nodes", "2"), "--mix says which nodes there are"),
        (("--mix", "axon:2", "--topology", "wallets"), "--mix names another"),
        (("--only", "kill n1 n1"), "'n1' is named twice"),
        (("--only", "kill n1", "--k", "1"), "--only says all that is tried; --k says it otherwise"),
        (("--only", "kill n1", "--modes", "stop"), "--modes says it otherwise"),
        (("--plant", "star", "--wallets", "9"), "--plant draws all but how many nodes; --wallets"),
        (("--plant", "star", "--mix", "axon:3"), "--mix is not asked"),
        (("--network", "n.json", "--nodes", "3", "--plant", "star"), "--nodes, --plant would draw"),
        (("--network", "n.json", "--miners", "2"), "--miners would draw one"),
        (("--backend", "proc", "-j", "2"), "--jobs is of virtual time"),
        (("--save", "nowhere/verdict.json"), "cannot write nowhere/verdict.json: it is a folder"),
        (("--save", "."), "cannot write .: it is a folder"),
        (("--bitcoind", "/opt/bitcoind"), "names the program of nodes that --mix tells"),
    ],
)
def test_what_cannot_be_tried_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert spof(*arguments, home=tmp_path) == FAULT
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--network", "nothing.json"), "nothing.json: cannot be read"),
        (("--mix", "bitcoind:2,axon:2"), "a bitcoind runs in no simulation; --backend netns"),
        (("--mix", "bitcoind:2,axon:2", "--backend", "proc"), "it finds no peers there"),
        (("--mix", "geth:4"), "as in bitcoind:4,axon:8, not 'geth:4'"),
    ],
)
def test_a_network_that_cannot_be_raised_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert main(["spof", *arguments], tmp_path) == FAULT
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "is JSON, and this is not"),
        ("{}", "expected an object with the schema"),
        ('{"schema": "axon network 1"}', "this is no network"),
        (
            '{"schema": "axon network 1", "name": "a", "nodes": [{"name": "n1", "listens": 1}]}',
            "expected a bool for 'listens'",
        ),
        (
            '{"schema": "axon network 1", "name": "a", "nodes": [{"name": "n1", "colour": "red"}]}',
            "there is no 'colour' in a plan; there are name",
        ),
        (
            '{"schema": "axon network 1", "name": "a", "nodes": [{"name": "n1", "knows": ["n2"]}]}',
            "n1 names 'n2', which this network does not have",
        ),
    ],
)
def test_a_file_that_is_no_network_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "network.json"
    path.write_text(text)
    assert spof("--network", str(path), home=tmp_path) == FAULT
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_networks_can_be_written_down_and_read(name: str) -> None:
    blueprint = PLANTS[name].make(6)
    assert blueprintfile.read(json.dumps(blueprintfile.to_json(blueprint))) == blueprint
