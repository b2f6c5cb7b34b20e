"""What a search tries next, and what follows from what it was told."""

from __future__ import annotations

from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import Finding
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.search import RETRIES, CandidateState, Job, Search
from axon.swarm.trialreport import TrialReport

ONE = Candidate(("n1",), Mode.KILL)
OTHER = Candidate(("n2",), Mode.KILL)
PAIR = Candidate(("n1", "n2"), Mode.KILL)


def report(*, fails: bool = False, trouble: str = "") -> TrialReport:
    finding = Finding("L1", not fails, "seen")
    return TrialReport(FaultPlan(), FaultPlan(), [finding], trouble=trouble)


def run(search: Search, *failing: Candidate, at: range = range(1 + RETRIES)) -> list[Job]:
    """Try all, one after the other; those that fail fail at some attempts."""
    tried = []
    while (job := search.take()) is not None:
        tried.append(job)
        search.tell(job, report(fails=job.candidate in failing and job.attempt in at))
    return tried


def test_what_holds_is_tried_once() -> None:
    search = Search([ONE, OTHER])
    assert run(search) == [Job(ONE), Job(OTHER)]
    assert {each.standing for each in search.records.values()} == {CandidateState.HOLDS}


def test_what_fails_is_tried_twice_more_at_once() -> None:
    search = Search([ONE, OTHER])
    assert run(search, ONE) == [Job(ONE), Job(ONE, 1), Job(ONE, 2), Job(OTHER)]
    assert search.records[ONE].standing is CandidateState.FAILS
    assert search.records[OTHER].standing is CandidateState.HOLDS


def test_what_fails_and_holds_is_flaky_and_no_part_of_others() -> None:
    search = Search([ONE, PAIR])
    assert Job(PAIR) in run(search, ONE, at=range(1))
    assert search.records[ONE].standing is CandidateState.FLAKY
    assert search.records[PAIR].standing is CandidateState.HOLDS


def test_sets_that_hold_what_fails_are_passed_over() -> None:
    stopped = Candidate(("n1", "n2"), Mode.STOP)
    search = Search([ONE, PAIR, stopped])
    assert [job.candidate for job in run(search, ONE) if not job.attempt] == [ONE, stopped]
    assert search.records[PAIR].standing is CandidateState.IMPLIED
    assert search.records[PAIR].implied_by == ONE
    assert search.records[stopped].standing is CandidateState.HOLDS


def test_a_trial_that_could_not_be_carried_out_decides_nothing() -> None:
    search = Search([ONE])
    job = search.take()
    assert job is not None
    search.tell(job, report(fails=True, trouble="no disk"))
    assert search.take() is None
    assert search.records[ONE].standing is CandidateState.UNDECIDED


def test_what_is_not_tried_is_said_to_be_so() -> None:
    search = Search([ONE, OTHER])
    job = search.take()
    assert job is not None
    search.tell(job, report(fails=True))
    assert search.records[ONE].standing is CandidateState.UNDECIDED, (
        "its further attempts are missing"
    )
    assert search.records[OTHER].standing is CandidateState.UNTRIED
