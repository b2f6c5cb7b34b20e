"""`axon swarm run`: the plan of faults that the simulator takes, done to processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axon.cli.swarm import main
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, step

PASS, INCONCLUSIVE, FAULT = 0, 2, 3


def write(folder: Path, *steps: FaultStep) -> str:
    path = folder / "plan.json"
    path.write_text(json.dumps(FaultPlan.of(steps).to_json()))
    return str(path)


@pytest.mark.process
def test_a_plan_that_processes_stand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = write(tmp_path, step(0, Op.KILL, "n2"), step(60, Op.RESTART, "n2"))
    assert main(["run", plan, "--nodes", "3", "--json"], tmp_path) == PASS
    told = json.loads(capsys.readouterr().out)
    assert told["harm"]["steps"][0]["target"] == "n2"
    assert told["invariants"]["L3"]["ok"]
    assert not told["trouble"]


@pytest.mark.process
def test_a_plan_that_processes_cannot_suffer_is_not_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(tmp_path, step(0, Op.CUT, "n2", way="out"))
    assert main(["run", plan, "--nodes", "3"], tmp_path) == INCONCLUSIVE
    assert "could not be carried out: not possible with processes" in capsys.readouterr().out


def test_a_plan_that_names_nobody_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(tmp_path, step(0, Op.KILL, "n9"))
    assert main(["run", plan, "--nodes", "3"], tmp_path) == FAULT
    assert "step 1: there is no 'n9'" in capsys.readouterr().err
