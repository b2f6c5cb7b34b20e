"""`axon sim --plan`, `replay` and `shrink`: a plan of faults done to a network in virtual time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from axon.cli.sim import main
from axon.cli.simplan import PlannedRun
from axon.swarm import blueprintfile
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, step
from axon.swarm.spof.plants import organic
from axon.swarm.trialreport import TrialReport

PASS, VIOLATION, UNDECIDED, FAULT = 0, 1, 2, 3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, *steps: FaultStep) -> str:
    (folder / "plan.json").write_text(json.dumps(FaultPlan.of(steps).to_json()))
    return "plan.json"


def test_a_plan_that_a_network_stands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = write(folder, step(0, Op.KILL, "n1"), step(30, Op.RESTART, "n1"))
    assert main(["--plan", plan, "--nodes", "4"]) == PASS
    out = capsys.readouterr().out
    assert "seed 0: holds" in out
    assert "L3-cold service, cold" in out
    assert "1 of 1 seeds passed" in out


@pytest.mark.process
def test_what_fails_is_shrunk_to_what_it_takes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(folder, step(5, Op.KILL, "n2"), step(9, Op.STOP, "m1"), step(9, Op.KILL, "m2"))
    assert main(["--plan", plan, "--nodes", "2"]) == VIOLATION
    assert "seed 0: fails: L4" in capsys.readouterr().out
    assert main(["shrink", "0", "--plan", plan, "--nodes", "2"]) == VIOLATION
    command = capsys.readouterr().out.splitlines()[-1].split()
    assert command[:2] == ["axon", "sim"]
    smaller = FaultPlan.read((folder / "plan-0.json").read_text())
    assert {each.target for each in smaller.steps} == {"m1", "m2"}
    assert all(each.at_us == 0 for each in smaller.steps)
    assert main(command[2:]) == VIOLATION
    assert "seed 0: fails: L4" in capsys.readouterr().out


def test_what_does_not_fail_is_not_shrunk(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = write(folder, step(0, Op.KILL, "n1"))
    assert main(["shrink", "0", "--plan", plan, "--nodes", "3"]) == PASS
    assert "Nothing to shrink" in capsys.readouterr().out
    assert not (folder / "plan-0.json").exists()


@pytest.mark.process
def test_a_replayed_run_leaves_the_same_trace(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(folder, step(0, Op.KILL, "n1"))
    assert main(["replay", "3", "--plan", plan, "--nodes", "3"]) == PASS
    out = capsys.readouterr().out
    assert "seed 3: holds" in out
    assert out.endswith("S11 determinism holds: two runs, the same trace\n")


def test_two_traces_are_told_apart(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "axon.cli.simplan._replayed", lambda _seed, _arguments, hashes: f"trace {hashes}\n"
    )
    assert main(["replay", "3"]) == VIOLATION
    assert "S11 determinism does not hold" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "expected an object for a fault plan"),
        ("{", "is JSON, and this is not"),
        (
            '{"schema": "axon fault plan 1", "steps": [{"t": 0, "op": "kill", "target": "n9"}]}',
            "step 1: there is no 'n9'; there are n1, n2, n3",
        ),
        (
            '{"schema": "axon fault plan 1", "steps": [{"t": 0, "op": "cut", "target": "n1|n9"}]}',
            "step 1: there is no 'n9'",
        ),
    ],
)
def test_a_plan_that_cannot_be_done_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (folder / "plan.json").write_text(text)
    assert main(["--plan", "plan.json", "--nodes", "3"]) == FAULT
    assert said in capsys.readouterr().err


def test_a_network_that_does_not_come_to_work_decides_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = organic(3)
    deaf = tuple(replace(node, filters=False) for node in found.nodes)
    network = json.dumps(blueprintfile.to_json(replace(found, nodes=deaf)))
    (folder / "network.json").write_text(network)
    case = ["--plan", write(folder, step(0, Op.KILL, "n1")), "--network", "network.json"]
    assert main(case) == UNDECIDED
    assert "0 of 1 seeds passed, 1 undecided" in capsys.readouterr().out
    assert main(["shrink", "0", *case]) == UNDECIDED
    assert "does not come to work" in capsys.readouterr().out
    assert main([*case, "--nodes", "3"]) == FAULT
    assert "--network says which nodes there are; --nodes does, too" in capsys.readouterr().err


def test_a_trial_that_cannot_be_carried_out_is_not_shrunk(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled = PlannedRun(0, TrialReport(FaultPlan(), FaultPlan(), trouble="no room"))
    monkeypatch.setattr("axon.cli.simplan.run_planned", lambda *_: troubled)
    plan = write(folder, step(0, Op.KILL, "n1"))
    assert main(["shrink", "0", "--plan", plan]) == UNDECIDED
    assert "could not be carried out: no room" in capsys.readouterr().out


def test_runs_without_a_trace_are_not_called_different(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.cli.simplan._replayed", lambda *_: "it does not come to work\n")
    assert main(["replay", "3"]) == UNDECIDED
    assert "S11 determinism is undecided" in capsys.readouterr().out


@pytest.mark.process
def test_a_network_whose_chance_hangs_on_hashes_is_found_out(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S11: its streams of chance are drawn from Python's own hash of a text, which is no fault of
    any one run."""
    (folder / "sitecustomize.py").write_text(
        "from random import Random\n"
        "from axon.drivers.sim import network\n"
        "network.stream = lambda seed, purpose, *ids: Random(hash((seed, purpose, *ids)))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    assert main(["replay", "3", "--nodes", "3"]) == VIOLATION
    assert "S11 determinism does not hold" in capsys.readouterr().out


@pytest.mark.process
def test_an_attack_is_replayed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "3", "attack", "censor"]) == PASS
    assert "S11 determinism holds" in capsys.readouterr().out
