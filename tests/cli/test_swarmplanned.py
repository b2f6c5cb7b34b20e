"""`axon swarm run`: the plan of faults that the simulator takes, done to processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from axon.cli.swarm import main
from axon.cli.swarmoptions import REGISTRY
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, step
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.processes import START_LIMIT_S, wait_until
from axon.swarm.lab.processidentity import ProcessIdentity, is_alive
from axon.swarm.lab.runregistry import RunRegistry

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


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_takes_down_what_it_raised(number: signal.Signals, tmp_path: Path) -> None:
    plan = write(tmp_path, step(600, Op.KILL, "n2"))
    command = [sys.executable, "-m", "axon", "swarm", "run", plan, "--nodes", "2"]
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    registry = RunRegistry(tmp_path / REGISTRY)

    def alive() -> list[ProcessIdentity]:
        manifests = [Manifest.load(Path(each.folder)) for each in registry.runs()]
        known = [item.process for each in manifests if each for item in each.components.values()]
        return [each for each in known if each is not None and is_alive(each)]

    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        wait_until(lambda: len(alive()) >= 2, START_LIMIT_S, "nodes are raised")
        raised = alive()
        running.send_signal(number)
        _, said = running.communicate(timeout=START_LIMIT_S)
    assert running.returncode == 130, said
    assert "Stopped" in said
    assert registry.runs() == []
    assert not any(map(is_alive, raised))


def test_a_plan_that_names_nobody_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(tmp_path, step(0, Op.KILL, "n9"))
    assert main(["run", plan, "--nodes", "3"], tmp_path) == FAULT
    assert "step 1: there is no 'n9'" in capsys.readouterr().err
