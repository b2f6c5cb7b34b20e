"""A guide in real trials: what operations hang on, a planted pair, and an end without one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.swarm.blueprint import Blueprint, MinerPlan, NodePlan, node_names
from axon.swarm.sim.trial import run_trial
from axon.swarm.sim.trialpool import TrialPool
from axon.swarm.sim.trialstage import Stage
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.guide import Guide
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.search import CandidateState, Search
from axon.swarm.spof.verdict import Level, SpofVerdict

NODES = 8
BRIDGES = ("n1", "n2")


def two_bridges() -> Blueprint:
    """Two halves that know of each other only through two nodes: each may die, both may not."""
    names = node_names(NODES)
    halves = names[2:5], names[5:]

    def dials(name: str) -> tuple[str, ...]:
        half = halves[0] if name in halves[0] else halves[1]
        return (*BRIDGES, *(each for each in half if each != name))

    return replace(
        organic(NODES, wallets=1),
        name="two-bridges",
        nodes=tuple(NodePlan(name, () if name in BRIDGES else dials(name)) for name in names),
        miners=(MinerPlan("m1", halves[0]), MinerPlan("m2", halves[1])),
        newcomer_node=NodePlan("j1", halves[0]),
    )


def search(blueprint: Blueprint, size: int) -> Search:
    """Kill each node, and the sets to which that leads."""
    names = [node.name for node in blueprint.nodes]
    found = Search([Candidate((name,), Mode.KILL) for name in names], Guide(names, size))
    pool = TrialPool(blueprint, seed=1, jobs=2)
    assert pool.is_ready
    pool.run(found, lambda _job, _report: None, lambda: False)
    return found


def test_what_operations_hung_on_is_written_down() -> None:
    blueprint = PLANTS["bridge-node"].make(5)
    candidate = Candidate(("n5",), Mode.KILL)
    report = run_trial(Stage(blueprint, 1), candidate.harm(), candidate.healing())
    assert not report.broken
    assert all(operation.hung_on for operation in report.operations)
    assert all("n5" not in support.components for support in report.supports)
    ways = {(each.client, each.what): each.components for each in report.supports}
    across = [
        components
        for (client, what), components in ways.items()
        if client in ("n2", "n3") and what == "follow n4"
    ]
    assert across
    assert all("n1" in components for components in across), "the only way from half to half"
    for wallet in ("w1", "w2", "w3"):
        for what in ("read", "receive", "pay"):
            assert ways[wallet, what] & {"m1", "m2"}, "somebody found the block"
            assert ways[wallet, what] & {"n1", "n2", "n3", "n4"}


@pytest.mark.process
def test_a_pair_is_found_of_which_neither_is_a_single_point() -> None:
    found = search(two_bridges(), 2)
    failing = [
        each.candidate.targets
        for each in found.records.values()
        if each.standing is not CandidateState.HOLDS
    ]
    assert failing == [BRIDGES]
    assert not found.left()
    assert found.guide is not None
    assert len(found.records) < found.guide.possible
    print(f"{len(found.records)} of {found.guide.possible} sets of up to 2 tried")


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.timeout(600)
def test_of_a_sound_network_few_sets_are_tried() -> None:
    blueprint, scope = organic(12), Scope(Reach.THREE)
    found = search(blueprint, 3)
    guided = SpofVerdict(blueprint, scope, found).guided
    assert guided is not None
    print(f"{guided.tried} of {guided.possible} sets of up to 3 tried")
    assert {each.standing for each in found.records.values()} == {CandidateState.HOLDS}
    assert not guided.left
    assert guided.tried * 5 < guided.possible


def test_a_guide_that_was_not_followed_to_its_end_leaves_the_verdict_open() -> None:
    blueprint = organic(4)
    held = Search([Candidate(("n1",), Mode.KILL)], Guide(("n1", "n2", "n3"), 2))
    job = held.take()
    assert job is not None
    held.tell(job, run_trial(Stage(blueprint, 1), job.candidate.harm(), job.candidate.healing()))
    verdict = SpofVerdict(blueprint, Scope(Reach.TWO, guided=True), held)
    assert held.left()
    assert verdict.level is Level.OPEN
    assert "may fail" in " ".join(verdict.exclusions())
