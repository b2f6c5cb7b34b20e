"""To which sets a guide leads, and that it misses none: against a service with a known answer."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import Finding
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.guide import Guide
from axon.swarm.spof.plants import organic
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.search import ROUND, CandidateState, Search
from axon.swarm.spof.verdict import Level, SpofVerdict
from axon.swarm.trialreport import Support, TrialReport

NETWORK = organic(4)
NAMES = ("a", "b", "c", "d", "e", "f")

Ways = list[frozenset[str]]


def candidate(*targets: str) -> Candidate:
    return Candidate(targets, Mode.KILL)


def find(services: list[Ways], size: int) -> Search:
    """Have a search find what stops services, each of which takes the first way that is left."""
    search = Search([candidate(name) for name in NAMES], Guide(NAMES, size))
    follow(services, search)
    return search


def follow(services: list[Ways], search: Search) -> None:
    """The same with a search that is there."""
    while (job := search.take()) is not None:
        dead = set(job.candidate.targets)
        left = [[way for way in ways if not way & dead] for ways in services]
        supports = [
            Support(f"w{number}", "read", ways[0]) for number, ways in enumerate(left) if ways
        ]
        finding = Finding("L3", all(left), "seen")
        search.tell(job, TrialReport(FaultPlan(), FaultPlan(), [finding], supports=supports))


def failing(search: Search) -> list[set[str]]:
    records = search.records.values()
    return [
        set(each.candidate.targets) for each in records if each.standing is CandidateState.FAILS
    ]


ways = st.lists(st.frozensets(st.sampled_from(NAMES), min_size=1), min_size=1, max_size=5)


@given(st.lists(ways, min_size=1, max_size=3), st.integers(1, 4))
def test_it_misses_no_smallest_set_that_stops_something(services: list[Ways], size: int) -> None:
    stopping = [
        set(chosen)
        for count in range(1, size + 1)
        for chosen in combinations(NAMES, count)
        if any(all(way & set(chosen) for way in ways) for ways in services)
    ]
    smallest = [each for each in stopping if not any(part < each for part in stopping)]
    search = find(services, size)
    assert sorted(map(sorted, failing(search))) == sorted(map(sorted, smallest))
    assert not search.left()


def test_what_has_many_ways_is_believed_after_few_trials() -> None:
    """Six ways that share nothing: no five of six stop it, and six trials show that."""
    search = find([[frozenset(name) for name in NAMES]], 5)
    assert failing(search) == []
    assert len(search.records) <= len(NAMES) + 2 * ROUND
    assert search.guide is not None
    assert search.guide.possible == 62


def test_sets_are_named_in_order_and_those_that_stop_most_come_first() -> None:
    guide = Guide(("n2", "n10", "n1"), 2)
    guide.learn([Support("w1", "read", frozenset(("n10", "n2", "m1", "n1-n2")))], ())
    assert guide.sets() == [("n2",), ("n10",)]
    guide.learn([Support("w1", "read", frozenset(("n1",)))], ("n2", "n10"))
    guide.learn([Support("w2", "read", frozenset(("n1",)))], ())
    assert guide.sets() == [("n1",), ("n2", "n1"), ("n10", "n1")]
    assert (guide.operations, guide.ways) == (2, 3)


def test_who_was_dead_was_not_needed() -> None:
    guide = Guide(("n1", "n2"), 1)
    guide.learn([Support("w1", "read", frozenset(("n1", "n2")))], ("n1",))
    assert guide.sets() == [("n2",)]


def test_a_trial_that_could_not_be_carried_out_teaches_nothing() -> None:
    search = Search([candidate("a")], Guide(NAMES, 1))
    job = search.take()
    assert job is not None
    support = Support("w1", "read", frozenset("b"))
    trouble = TrialReport(FaultPlan(), FaultPlan(), supports=[support], trouble="no disk")
    search.tell(job, trouble)
    assert search.take() is None


def test_a_verdict_knows_of_sets_to_which_its_search_was_led() -> None:
    scope = Scope(Reach.TWO, guided=True)
    names = tuple(node.name for node in NETWORK.nodes)
    search = Search([candidate(name) for name in names], scope.guide(NETWORK))
    verdict = SpofVerdict(NETWORK, scope, search)  # As the command does, before anything is tried.
    ways = [frozenset((names[0],)), frozenset((names[1],))]
    follow([ways], search)
    assert verdict.level is Level.WEAK
    assert [each.candidate.targets for each in verdict.witnesses] == [names[:2]]
    assert verdict.guided is not None
    assert verdict.guided.tried == len(names) + 1
