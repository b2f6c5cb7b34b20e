"""A search with processes: it finds what is planted, and says what it leaves out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from axon.machine import MINUTE
from axon.swarm.lab.manifest import BackendName
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.trials import trial
from axon.swarm.lab.trials.labtrials import LabTrials
from axon.swarm.lab.trials.search import check_controls, possible, run_search
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import organic
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.search import CandidateState, Job, Search
from axon.swarm.spof.verdict import Control
from axon.swarm.trialreport import TrialReport

HARMS = [Candidate(("n1",), Mode.KILL), Candidate(("n2",), Mode.STOP)]


@pytest.mark.process
def test_controls_come_before_a_search_that_ends_when_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "SERVICE", 4 * MINUTE)
    monkeypatch.setattr(trial, "PROMPT_CONVERGENCE", 4 * MINUTE)
    registry, search, done = RunRegistry(tmp_path / "runs.json"), Search(HARMS), list[Job]()

    def told(job: Job, _report: TrialReport) -> None:
        done.append(job)

    async def run() -> list[Control]:
        network = organic(3, wallets=1)
        async with LabTrials(network, 1, tmp_path / "network", registry) as trials:
            controls = [
                each
                async for each in check_controls(trials, 1, tmp_path, registry, BackendName.PROC)
            ]
            await run_search(trials, search, told, lambda: bool(done))
        return controls

    controls = asyncio.run(run())
    assert [(control.about, control.passed) for control in controls] == [
        ("nothing is harmed", True),
        ("kill n1 in one-server", True),
        ("kill m1 in only-miner", True),
    ]
    assert [job.candidate for job in done] == HARMS[:1]
    assert search.records[HARMS[0]].standing is CandidateState.HOLDS
    assert search.records[HARMS[1]].standing is CandidateState.UNTRIED
    assert not registry.runs()


def test_what_processes_cannot_suffer_is_left_out_and_counted() -> None:
    network = organic(3)
    candidates = Scope(Reach.ONE).candidates(network)
    can, left_out = possible(network, candidates, BackendName.PROC)
    assert {each.mode for each in can} >= {Mode.KILL, Mode.STOP, Mode.CUT, Mode.SLOW, Mode.WIPE}
    assert all(each.mode is not Mode.ONE_WAY for each in can)
    (said,) = left_out
    assert said.startswith("6 harms by one-way: on loopback its two ends make a cut")
    assert "--backend netns (Linux, root) stops one" in said
    assert possible(network, candidates, BackendName.NETNS) == (candidates, [])
