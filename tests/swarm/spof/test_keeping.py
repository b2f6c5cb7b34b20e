"""Which trials keep their history."""

from __future__ import annotations

from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import Finding
from axon.swarm.spof.candidates import Candidate, singles
from axon.swarm.spof.keeping import MAX_FAILING, MAX_SAMPLED, HistoryKeeping
from axon.swarm.spof.plants import organic
from axon.swarm.trialhistory import TrialHistory
from axon.swarm.trialreport import TrialReport

CANDIDATES = singles(organic(12))


def kept(keeping: HistoryKeeping, candidate: Candidate, *, fails: bool, attempt: int = 0) -> bool:
    findings = [Finding("L3", not fails, "")]
    report = TrialReport(FaultPlan(), FaultPlan(), findings, history=TrialHistory())
    keeping.thin(candidate, attempt, report)
    return report.history is not None


def test_those_that_hold_are_sampled_one_of_each_harm() -> None:
    keeping = HistoryKeeping(CANDIDATES)
    held = [each for each in CANDIDATES if kept(keeping, each, fails=False)]
    modes = [each.mode for each in held]
    assert len(modes) == len(set(modes)) <= MAX_SAMPLED
    assert set(modes) == {each.mode for each in CANDIDATES}


def test_those_that_fail_are_kept_once_and_not_without_end() -> None:
    keeping = HistoryKeeping(CANDIDATES)
    assert kept(keeping, CANDIDATES[0], fails=True)
    assert not kept(keeping, CANDIDATES[0], fails=True, attempt=1)
    others = [kept(keeping, each, fails=True) for each in CANDIDATES[1:]]
    assert sum(others) == MAX_FAILING - 1
