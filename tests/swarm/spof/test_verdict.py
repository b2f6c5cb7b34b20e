"""What a search says: never more than was tried."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from axon.errors import ConfigError
from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import Finding
from axon.swarm.spof.candidates import Candidate, Mode, all_but_one, pairs, singles
from axon.swarm.spof.plants import organic
from axon.swarm.spof.scope import Reach, Scope, check_candidate
from axon.swarm.spof.search import Search
from axon.swarm.spof.verdict import Control, Level, SpofVerdict
from axon.swarm.spof.verdictview import WIDTH, verdict_lines
from axon.swarm.trialreport import TrialReport

NETWORK = organic(5)
KILL_N1 = Candidate(("n1",), Mode.KILL)


def verdict(
    *failing: Candidate, reach: Reach = Reach.TWO, flaky: bool = False, stop_after: int = 10**9
) -> SpofVerdict:
    """After a search in which some candidates fail."""
    scope = Scope(reach)
    search = Search(scope.candidates(NETWORK))
    while stop_after and (job := search.take()) is not None:
        stop_after -= 1
        fails = job.candidate in failing and not (flaky and job.attempt)
        report = TrialReport(FaultPlan(), FaultPlan(), [Finding("L3", not fails, "w1 cannot pay")])
        search.tell(job, report)
    return SpofVerdict(NETWORK, scope, search, controls=[Control("calm", True, "all held")])


def test_all_holds_and_each_node_is_enough() -> None:
    found = verdict()
    assert found.level is Level.SWARM
    assert found.exhaustive == 2
    assert "up to 2 nodes" in found.sentence()
    assert any("at once" in left for left in found.exclusions())


def test_without_the_last_survivors_it_is_no_swarm() -> None:
    assert verdict(reach=Reach.ONE).level is Level.NONE
    assert verdict(reach=Reach.ONE).exhaustive == 1
    assert verdict(reach=Reach.SUBSETS).exhaustive == len(NETWORK.nodes) - 1


def test_a_single_component_that_fails_is_named() -> None:
    found = verdict(KILL_N1)
    assert found.level is Level.FOUND
    assert found.sentence() == "SPOF FOUND: n1."
    assert [each.candidate for each in found.witnesses] == [KILL_N1]
    assert found.matrix()["n1"]["kill"] == "L3"
    assert found.matrix()["n1"]["stop"] == "holds"
    assert found.exhaustive == 0


def test_a_pair_that_fails_is_no_single_point() -> None:
    found = verdict(Candidate(("n1", "n2"), Mode.KILL))
    assert found.level is Level.WEAK
    assert "kill n1 n2" in found.sentence()
    assert found.exhaustive == 1


def test_what_is_flaky_or_was_not_tried_leaves_it_open() -> None:
    assert verdict(KILL_N1, flaky=True).level is Level.OPEN
    cut_short = verdict(stop_after=3)
    assert cut_short.level is Level.OPEN
    assert any("no time" in left for left in cut_short.exclusions())


def test_a_control_that_fails_takes_the_verdict_back() -> None:
    for failing in ((), (KILL_N1,)):
        found = verdict(*failing)
        found.controls.append(Control("kill n1 in star", False, "all held"))
        assert found.level is Level.OPEN
        assert "kill n1 in star" in found.sentence()


def test_it_can_be_written_down_and_read_on_a_terminal() -> None:
    found = verdict(KILL_N1)
    data = json.loads(json.dumps(found.to_json()))
    assert data["witnesses"][0]["first_broken"] == "L3 w1 cannot pay"
    assert data["counts"]["fails"] == 1
    lines = list(verdict_lines(found, "axon swarm spof --seed 1"))
    assert all(len(line) <= WIDTH for line in lines)
    assert any("--only 'kill n1'" in line for line in lines)


def test_a_scope_has_what_it_says() -> None:
    assert verdict().records[0].candidate in singles(NETWORK)
    chosen = set(Scope(Reach.TWO).candidates(NETWORK))
    assert chosen == {*singles(NETWORK), *pairs(NETWORK), *all_but_one(NETWORK)}
    narrow = Scope(Reach.ONE, modes=frozenset((Mode.CUT,)))
    assert {each.mode for each in narrow.candidates(NETWORK)} == {Mode.CUT}
    assert any("kill" in left for left in narrow.exclusions(NETWORK))


def test_sets_that_are_not_tried_are_named() -> None:
    left = Scope(Reach.TWO).exclusions(organic(10))
    assert left == [
        "sets of 3 to 8 nodes",
        "several components at once that are not all nodes, or not killed",
    ]
    assert "sets of 3 nodes" in Scope(Reach.TWO).exclusions(NETWORK)
    assert not any("sets" in each for each in Scope(Reach.TWO).exclusions(organic(4)))
    last = Scope(Reach.ALL_BUT_ONE).exclusions(NETWORK)
    assert last == ["several components at once, except all nodes but one"]


def test_where_nothing_is_killed_no_sets_are() -> None:
    stopped = Scope(Reach.TWO, modes=frozenset((Mode.STOP,)))
    assert {each.mode for each in stopped.candidates(NETWORK)} == {Mode.STOP}
    assert "several components that are harmed at once" in stopped.exclusions(NETWORK)
    assert replace(stopped, reach=Reach.THREE).guide(NETWORK) is None
    with pytest.raises(ConfigError, match="kill"):
        replace(stopped, guided=True).guide(NETWORK)


def test_a_pair_of_which_nobody_tried_the_parts_says_nothing_of_single_components() -> None:
    pair = Candidate(("n1", "n2"), Mode.KILL)
    search = Search([pair])
    while (job := search.take()) is not None:
        search.tell(job, TrialReport(FaultPlan(), FaultPlan(), [Finding("L3", False, "w1")]))
    found = SpofVerdict(NETWORK, Scope(), search, is_narrowed=True)
    assert found.level is Level.OPEN
    said = "INCONCLUSIVE: kill n1 n2 fails, and whether a part of it does was not tried."
    assert found.sentence() == said


def test_a_component_is_harmed_once() -> None:
    with pytest.raises(ConfigError, match="'n1' is named twice"):
        check_candidate(Candidate(("n1", "n1"), Mode.KILL), NETWORK)


def test_controls_that_were_not_carried_out_are_not_called_passed() -> None:
    found = verdict()
    found.controls.clear()
    found.trouble = "the network does not come to work"
    lines = list(verdict_lines(found, "axon swarm spof"))
    assert "controls  none was carried out" in lines
