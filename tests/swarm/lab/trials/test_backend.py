"""What processes on loopback cannot do is said, and never taken for done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.swarm.blueprint import Blueprint, ComponentClass, NodePlan, SharedPlan, UplinkPlan
from axon.swarm.faultplan import FaultPlan, Op, step
from axon.swarm.lab.manifest import BackendName
from axon.swarm.lab.trials.backend import NotPossible, check_blueprint, check_plan
from axon.swarm.spof.candidates import Candidate, Mode, singles
from axon.swarm.spof.plants import PLANTS, organic, paying

NETWORK = replace(
    organic(4, wallets=2),
    uplinks=(UplinkPlan("u1", (("n1", "n2", "w1"), ("n3", "n4", "w2"))),),
    shared=(SharedPlan("h1", ComponentClass.HOST, ("n1", "n2")),),
)


def test_on_loopback_all_but_one_way_cuts_is_possible_and_in_namespaces_all() -> None:
    refused = []
    for candidate in singles(NETWORK):
        check_plan(NETWORK, candidate.harm(), BackendName.NETNS)
        try:
            check_plan(NETWORK, candidate.harm())
            check_plan(NETWORK, candidate.healing())
        except NotPossible:
            refused.append(candidate)
    assert refused
    assert {candidate.mode for candidate in refused} == {Mode.ONE_WAY}


def test_links_are_shaped_in_namespaces() -> None:
    slow = FaultPlan((step(0, Op.LINK, "n1-n2", latency_ms=80),))
    check_plan(NETWORK, slow, BackendName.NETNS)
    with pytest.raises(NotPossible, match=r"link n1-n2: on loopback .* --backend netns"):
        check_plan(NETWORK, slow)
    with pytest.raises(NotPossible, match="there is no 'n9'"):
        check_plan(NETWORK, FaultPlan((step(0, Op.LINK, "n1-n9"),)), BackendName.NETNS)


def test_no_processes_part_two_wallets() -> None:
    network = paying(2, wallets=3)
    for backend in BackendName:
        with pytest.raises(NotPossible, match="cut w1-w2: wallets refuse nobody"):
            check_plan(network, Candidate(("w1-w2",), Mode.CUT).harm(), backend)
        check_plan(network, Candidate(("w1",), Mode.CUT).harm(), backend)
    check_plan(network, Candidate(("w1-w2",), Mode.ONE_WAY).harm(), BackendName.NETNS)


SIMULATED = {
    "one-archive": "keeps only its last blocks",
    "one-proxy": "x1 is a proxy",
    "one-folder": "f1 is a file",
    "version-skew": "is of an older release",
}
"""Planted networks for the simulator alone, and what stands in the way here."""


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_a_planted_network_is_raised_as_it_is_or_not_at_all(name: str) -> None:
    blueprint = PLANTS[name].make(10)
    if name in SIMULATED:
        with pytest.raises(NotPossible, match=SIMULATED[name]):
            check_blueprint(blueprint)
    else:
        check_blueprint(blueprint)


def test_a_lie_of_a_wallet_or_seed_and_a_stranger_are_refused() -> None:
    with pytest.raises(NotPossible, match="cannot be done to a wallet"):
        check_plan(NETWORK, Candidate(("w1",), Mode.NO_BLOCKS).harm())
    with pytest.raises(NotPossible, match="nothing but transactions"):
        check_plan(NETWORK, Candidate(("m1",), Mode.NO_BLOCKS).harm())
    with pytest.raises(NotPossible, match="there is no component 'n9'"):
        check_plan(NETWORK, FaultPlan((step(0, Op.KILL, "n9"),)))
    with pytest.raises(NotPossible, match="there is no 'n9'"):
        check_plan(NETWORK, FaultPlan((step(0, Op.CUT, "n1-n9"),)))


def test_a_clock_of_several_may_be_wrong_and_nothing_else() -> None:
    clock = SharedPlan("t1", ComponentClass.CLOCK, ("n1", "n2"))
    blueprint = replace(organic(3), shared=(clock,))
    check_blueprint(blueprint)
    check_plan(blueprint, Candidate(("t1",), Mode.CLOCK).harm())
    with pytest.raises(NotPossible, match="cannot be done to a clock"):
        check_plan(blueprint, Candidate(("t1",), Mode.KILL).harm())


def test_a_node_must_let_in_whom_it_dials() -> None:
    blueprint = organic(3)
    first, *others = blueprint.nodes
    check_blueprint(replace(blueprint, nodes=(replace(first, admits=("n2", "n3")), *others)))
    with pytest.raises(NotPossible, match="n1 dials some whom it lets not in"):
        check_blueprint(replace(blueprint, nodes=(replace(first, admits=("n2",)), *others)))


def test_a_wallet_of_another_release_is_refused() -> None:
    blueprint = organic(2)
    wallet = replace(blueprint.wallets[0], tx_version=3)
    with pytest.raises(NotPossible, match="w1 makes transactions of another version"):
        check_blueprint(replace(blueprint, wallets=(wallet,)))


def test_a_bitcoind_needs_namespaces_to_find_peers_and_takes_no_orders() -> None:
    first, *others = organic(3).nodes
    mixed = replace(organic(3), nodes=(replace(first, bitcoind=True), *others))
    check_blueprint(mixed, BackendName.NETNS)
    with pytest.raises(NotPossible, match="with --backend netns it does"):
        check_blueprint(mixed)
    given = replace(first, bitcoind=True, dials=("n2",))
    check_blueprint(replace(mixed, nodes=(given, *others)))
    for mode in (Mode.KILL, Mode.STOP, Mode.SLOW, Mode.CUT, Mode.WIPE):
        check_plan(mixed, Candidate(("n1",), mode).harm())
    check_plan(mixed, Candidate(("n2",), Mode.NO_BLOCKS).harm())
    with pytest.raises(NotPossible, match="a bitcoind takes no such orders"):
        check_plan(mixed, Candidate(("n1",), Mode.NO_BLOCKS).harm())
    with pytest.raises(NotPossible, match="all have this machine's clock"):
        check_plan(mixed, FaultPlan((step(0, Op.CLOCK, "n2", offset_s=60),)))


def test_no_component_has_the_name_of_a_file_of_the_run() -> None:
    with pytest.raises(NotPossible, match="a file of a run is called stage"):
        check_blueprint(Blueprint("small", (NodePlan("n1"), NodePlan("stage"))))
