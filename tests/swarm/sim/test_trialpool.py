"""Trials in children: what they give back, and that a search by them finds what is planted."""

from __future__ import annotations

import pytest

from axon.swarm.sim.trial import run_trial
from axon.swarm.sim.trialcontrols import check_controls
from axon.swarm.sim.trialpool import TrialPool
from axon.swarm.sim.trialstage import Stage
from axon.swarm.spof.candidates import MODES, Candidate, Mode
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.spof.search import CandidateState, Job, Search
from axon.swarm.trialreport import TrialReport

pytestmark = pytest.mark.process

KILL_N1 = Candidate(("n1",), Mode.KILL)
KILL_N2 = Candidate(("n2",), Mode.KILL)


QUICK = {"star", "bridge-link", "one-clock", "one-proxy", "no-failover", "version-skew"}
"""Of these the ordinary run tries the culprit, one of a kind; `make soak` tries all."""

NAMED_BY: dict[str, Mode] = {"no-failover": Mode.SLOW}
"""What must be done to the culprit where that is not the plainest thing."""


def unheard(_job: Job, _report: TrialReport) -> None:
    """The search is told anyway."""


def test_a_search_finds_what_is_planted_and_blames_no_other() -> None:
    search = Search([KILL_N1, KILL_N2])
    pool = TrialPool(PLANTS["one-server"].make(4), seed=1, jobs=2)
    assert pool.is_ready
    pool.run(search, unheard, lambda: False)
    assert search.records[KILL_N1].standing is CandidateState.FAILS
    assert search.records[KILL_N2].standing is CandidateState.HOLDS


def test_a_child_finds_what_the_parent_would() -> None:
    search = Search([KILL_N2])
    TrialPool(organic(4), seed=3, jobs=1).run(search, unheard, lambda: False)
    here = run_trial(Stage(organic(4), 3), KILL_N2.harm(), KILL_N2.healing())
    assert search.records[KILL_N2].reports[0].digest == here.digest


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted(PLANTS)
    ],
)
def test_a_planted_point_fails_and_its_neighbour_does_not(name: str) -> None:
    plant = PLANTS[name]
    blueprint = plant.make(6)
    kind = blueprint.components()[plant.culprit]
    guilty = Candidate((plant.culprit,), NAMED_BY.get(name, MODES[kind][0]))
    innocent = Candidate(("n5" if plant.culprit != "n5" else "n6",), Mode.KILL)
    pool, reports = TrialPool(blueprint, seed=1, jobs=2), dict[Candidate, TrialReport]()
    assert pool.is_ready, "nothing is wrong before anything is harmed"

    def told(job: Job, report: TrialReport) -> None:
        reports.setdefault(job.candidate, report)

    pool.run(Search([innocent, guilty]), told, lambda: len(reports) == 2)
    assert not reports[innocent].broken
    assert reports[guilty].broken


def test_no_trial_begins_when_time_is_up() -> None:
    search = Search([KILL_N1, KILL_N2])
    pool = TrialPool(organic(4), seed=1, jobs=1)
    done: list[Candidate] = []
    pool.run(search, lambda job, _report: done.append(job.candidate), lambda: bool(done))
    assert done == [KILL_N1]
    assert search.records[KILL_N2].standing is CandidateState.UNTRIED


def test_a_child_that_dies_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = TrialPool(organic(4), seed=1, jobs=1)
    monkeypatch.setattr(TrialPool, "attempt", lambda *_: exit(9))
    search = Search([KILL_N1])
    pool.run(search, unheard, lambda: False)
    record = search.records[KILL_N1]
    assert record.standing is CandidateState.UNDECIDED
    assert record.reports[0].trouble == "its process ended with 9"


def test_controls_hold_for_a_sound_network() -> None:
    controls = list(check_controls(TrialPool(organic(4), seed=1, jobs=1)))
    assert len(controls) == 5
    assert all(control.passed for control in controls)


def test_a_judge_that_finds_nothing_fails_a_control(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.swarm.sim.trial._Trial._judge", lambda _trial: [])
    monkeypatch.setattr("axon.swarm.sim.trial._Trial._is_healed", lambda _trial: True)
    controls = list(check_controls(TrialPool(organic(4), seed=1, jobs=1)))
    assert [control.passed for control in controls] == [True, False, False, False, False]


def test_a_network_that_does_not_come_to_work_decides_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("axon.swarm.sim.trialstage.FUNDING", 0)
    report = TrialPool(organic(4), seed=1, jobs=1).attempt(Job(KILL_N1))
    assert "does not come to work" in report.trouble
    assert not report.findings
