"""Whom a plan harms, at some time and in the end."""

from __future__ import annotations

from dataclasses import replace

from axon.swarm.blueprint import ComponentClass, SharedPlan
from axon.swarm.faultplan import FaultPlan, Op, step
from axon.swarm.harmed import harmed_by, touched_by
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import organic


def test_whoever_only_loses_a_link_is_not_harmed() -> None:
    network = organic(3, wallets=1)
    assert harmed_by(network, Candidate(("n1",), Mode.KILL).harm()) == {"n1"}
    assert harmed_by(network, Candidate(("n1-n2",), Mode.CUT).harm()) == frozenset()
    slow = FaultPlan((step(0, Op.LINK, "n1", latency_ms=80),))
    assert touched_by(network, slow) == harmed_by(network, slow) == frozenset()


def test_of_two_sides_that_are_cut_from_each_other_nobody_is_excused() -> None:
    network = organic(4, wallets=1)
    for sides in ("n1|n2", "n1,n2|n3,n4", "w1,n1|n2", "n1,n2-n3,w1"):
        assert harmed_by(network, FaultPlan((step(0, Op.CUT, sides),))) == frozenset(), sides
    assert harmed_by(network, FaultPlan((step(0, Op.CUT, "n1,n2"),))) == {"n1", "n2"}


def test_all_that_hang_on_a_host_are_harmed_with_it() -> None:
    found = organic(3, wallets=1)
    host = SharedPlan("h1", ComponentClass.HOST, ("n1", "w1"))
    network = replace(found, shared=(host,))
    assert harmed_by(network, Candidate(("h1",), Mode.KILL).harm()) == {"n1", "w1"}


def test_whoever_was_harmed_and_is_well_again_was_only_touched() -> None:
    network = organic(4)
    plan = FaultPlan.of(
        [
            step(0, Op.KILL, "n1"),
            step(1, Op.CUT, "n2"),
            step(2, Op.HEAL),
            step(3, Op.CUT, "n3"),
            step(4, Op.RESTART, "n1"),
        ]
    )
    assert touched_by(network, plan) == {"n1", "n2", "n3"}
    assert harmed_by(network, plan) == {"n3"}
    wiped = FaultPlan.of([step(0, Op.KILL, "n1"), step(1, Op.RESTART, "n1", wipe=True)])
    assert harmed_by(network, wiped) == {"n1"}, "it has nothing of what it had"
