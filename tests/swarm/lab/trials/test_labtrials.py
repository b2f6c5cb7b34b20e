"""Trials with real processes: a sound network stands them, one with a weak point does not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from axon.machine import MINUTE
from axon.swarm.blueprint import Blueprint
from axon.swarm.lab.lifecycle import OPERATIONS, down, taken
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.processidentity import ProcessIdentity, is_alive
from axon.swarm.lab.trials import trial
from axon.swarm.lab.trials.backend import NOT_POSSIBLE, NotPossible
from axon.swarm.lab.trials.labtrials import LabTrials
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.trialreport import TrialReport

pytestmark = pytest.mark.process

SEED = 7


def broken(report: TrialReport) -> set[str]:
    assert not report.trouble
    return {finding.name for finding in report.broken}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines are shorter where nothing can come of waiting."""
    monkeypatch.setattr(trial, "SERVICE", 4 * MINUTE)
    monkeypatch.setattr(trial, "PROMPT_CONVERGENCE", 4 * MINUTE)


def small(blueprint: Blueprint) -> Blueprint:
    """With as few clients as will do."""
    return replace(blueprint, wallets=blueprint.wallets[:1])


def attempted(blueprint: Blueprint, folder: Path, *candidates: Candidate) -> Sequence[TrialReport]:
    """What became of trials on one network, one after another."""

    async def attempt() -> list[TrialReport]:
        async with LabTrials(blueprint, SEED, folder) as trials:
            return [await trials.attempt(candidate) for candidate in candidates]

    return asyncio.run(attempt())


def test_a_sound_network_stands_a_kill_a_stop_and_a_lie(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    harmed = (
        Candidate(("n1",), Mode.KILL),
        Candidate(("n2",), Mode.STOP),
        Candidate(("n3",), Mode.NO_FILTERS),
    )
    *stood, left_out = attempted(
        organic(4, wallets=2), folder, *harmed, Candidate(("n1",), Mode.ONE_WAY)
    )
    for report in stood:
        assert broken(report) == set()
        assert all(operation.took_us is not None for operation in report.operations)
        asked = {operation.what for operation in report.operations}
        assert asked == {"receive", "pay", "read", "start", "join"}
        assert {"S2", "S4", "S9"} <= {finding.name for finding in report.findings}
    assert "the network just raised" in stood[0].notes
    assert "the network of the trial before, healed" in stood[1].notes
    assert left_out.trouble.startswith(NOT_POSSIBLE)
    assert not left_out.findings
    assert [path.name for path in folder.iterdir()] == [OPERATIONS]
    lines = [json.loads(line) for line in (folder / OPERATIONS).read_text().splitlines()]
    assert {line["trial"] for line in lines} == {1, 2, 3}
    assert {line["type"] for line in lines} >= {"invoke", "ok", "info"}


def test_whoever_breaks_a_trial_off_leaves_nothing_that_runs(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    async def attempt() -> list[ProcessIdentity]:
        async with LabTrials(organic(2, wallets=1), SEED, folder) as trials:
            manifest = Manifest.load(folder)
            assert manifest is not None
            under_way = asyncio.ensure_future(trials.attempt(Candidate(("n1",), Mode.STOP)))
            await asyncio.sleep(0.3)
            under_way.cancel()
            await asyncio.wait([under_way])
            assert under_way.cancelled()
            next_one = await trials.attempt(Candidate(("n2",), Mode.STOP))
            assert broken(next_one) == set()
            assert "the network restored from its stage" in next_one.notes
        return [item.process for item in manifest.components.values() if item.process]

    processes = asyncio.run(attempt())
    assert len(processes) == 5
    assert not any(is_alive(process) for process in processes)
    assert [path.name for path in folder.iterdir()] == [OPERATIONS]


RAISE_AND_HANG = """
import asyncio, sys
from pathlib import Path
from axon.swarm.lab.trials.labtrials import LabTrials
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import organic

async def attempt():
    async with LabTrials(organic(2, wallets=1), 7, Path(sys.argv[1])) as trials:
        print("raised", flush=True)
        while True:
            await trials.attempt(Candidate(("n1", "n2"), Mode.SLOW))

asyncio.run(attempt())
"""


def test_what_a_killed_controller_leaves_is_taken_down(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", RAISE_AND_HANG, str(folder)], stdout=subprocess.PIPE
    ) as controller:
        assert controller.stdout is not None
        assert controller.stdout.readline() == b"raised\n"
        wait_until(lambda: (folder / OPERATIONS).stat().st_size > 0, 20, "a trial has begun")
        controller.kill()
    with taken(folder) as manifest:
        processes = [item.process for item in manifest.components.values() if item.process]
        assert any(is_alive(process) for process in processes)
        assert down(manifest) == []
    assert [path.name for path in folder.iterdir()] == [OPERATIONS]
    assert not any(is_alive(process) for process in processes)


@pytest.mark.usefixtures("soon")
def test_the_hub_of_a_star_keeps_the_others_apart(tmp_path: Path) -> None:
    star = small(PLANTS["star"].make(5))
    (report,) = attempted(star, tmp_path / "run", Candidate(("n1",), Mode.KILL))
    assert "L1" in broken(report)


@pytest.mark.usefixtures("soon")
def test_without_its_one_server_no_wallet_is_served(tmp_path: Path) -> None:
    network = small(PLANTS["one-server"].make(3))
    (report,) = attempted(network, tmp_path / "run", Candidate(("n1",), Mode.KILL))
    assert broken(report) == {"L3"}
    assert report.broken[0].said.startswith("w1 cannot ")
    assert "read" in report.broken[0].said


@pytest.mark.usefixtures("soon")
def test_without_its_only_miner_the_chain_does_not_grow(tmp_path: Path) -> None:
    network = small(PLANTS["only-miner"].make(3))
    (report,) = attempted(network, tmp_path / "run", Candidate(("m1",), Mode.KILL))
    assert broken(report) == {"L3", "L4"}


def test_a_network_that_cannot_be_raised_is_refused(tmp_path: Path) -> None:
    found = organic(2, wallets=1)
    first, second = found.nodes
    limited = replace(found, nodes=(first, replace(second, keeps_blocks=288)))
    with pytest.raises(NotPossible, match="n2 keeps only its last blocks"):
        attempted(limited, tmp_path / "run")
    assert not (tmp_path / "run").exists()
