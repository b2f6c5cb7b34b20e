"""Plans and networks that fit each other; a step that would do nothing is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.errors import ConfigError
from axon.swarm.blueprint import Blueprint, ComponentClass, NodePlan, SharedPlan, UplinkPlan
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, step
from axon.swarm.planfit import check_plan, sides_of
from axon.swarm.spof.candidates import singles
from axon.swarm.spof.plants import organic, paying

NETWORK = replace(
    organic(4, wallets=2),
    seeds={"s1": ("n1",)},
    uplinks=(UplinkPlan("u1", (("n1", "n2", "w1"), ("n3", "n4", "w2"))),),
    shared=(
        SharedPlan("h1", ComponentClass.HOST, ("n1", "n2", "m1")),
        SharedPlan("x1", ComponentClass.PROXY, ("w1",)),
        SharedPlan("f1", ComponentClass.FILE, ("w1", "w2")),
        SharedPlan("t1", ComponentClass.CLOCK, ("n3",)),
    ),
)


@pytest.mark.parametrize(
    ("target", "sides"),
    [
        ("n1", (("n1",), None)),
        ("h1", (("n1", "n2"), None)),
        ("n1-n3", (("n1",), ("n3",))),
        ("n1,n2|n3", (("n1", "n2"), ("n3",))),
        ("h1|n3,c1", (("n1", "n2"), ("n3", "c1"))),
        ("j1", (("j1",), None)),
        ("u1", (("n1", "n2", "w1"), ("n3", "n4", "w2"))),
    ],
)
def test_a_target_says_between_whom(
    target: str, sides: tuple[tuple[str, ...], tuple[str, ...] | None]
) -> None:
    assert sides_of(NETWORK, target) == sides


def test_a_name_may_have_a_dash() -> None:
    network = Blueprint("small", (NodePlan("a-b"), NodePlan("c"), NodePlan("b-c")))
    assert sides_of(network, "a-b-c") == (("a-b",), ("c",))
    assert sides_of(network, "a-b") == (("a-b",), None)
    assert sides_of(network, "b-c-a-b") == (("b-c",), ("a-b",))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (step(0, Op.CUT, "n1|n2|n3"), "'n1|n2|n3': two sides, as in n1,n2|n3"),
        (step(0, Op.CUT, "n1-n2-n3"), "there is no 'n2-n3'; there are n1, n2"),
        (step(0, Op.CUT, "n1|"), "there is no ''; there are n1"),
        (step(0, Op.LINK, "n1-n9", latency_ms=9), "there is no 'n9'"),
        (step(0, Op.CUT, "m1"), "m1, a miner, has no ways of its own; nodes have"),
        (step(0, Op.CUT, "s1|n2"), "s1, a seed, has no ways"),
        (step(0, Op.CUT, "u1,n1"), "u1, a link, has no ways of its own"),
        (step(0, Op.KILL, "n1-n2"), "there is no 'n1-n2'"),
        (step(0, Op.KILL, "j1"), "there is no 'j1'"),
        (step(0, Op.KILL, "u1"), "kill does not fit u1, a link; cut, link do"),
        (step(0, Op.STOP, "f1"), "stop does not fit f1, a file; kill, restart do"),
        (step(0, Op.SLOW, "n1,x1"), "slow does not fit x1, a proxy; kill, restart do"),
        (step(0, Op.CLOCK, "s1", offset_s=9), "clock does not fit s1, a seed"),
        (step(0, Op.KILL, "t1"), "kill does not fit t1, a clock; clock do"),
        (step(0, Op.LIE, "w1"), "lie does not fit w1, a wallet"),
        (step(0, Op.LIE, "m1"), "m1, a miner, keeps back nothing but transactions"),
        (step(0, Op.WIPE, "n1"), "n1 runs then, and only what was killed can be wiped"),
        (step(0, Op.RESTART, "n1", wipe=True), "n1 runs then"),
        (step(0, Op.WIPE, "m1"), "wipe does not fit m1, a miner"),
    ],
)
def test_what_would_do_nothing_is_refused(wrong: FaultStep, said: str) -> None:
    for simulated in (False, True):
        with pytest.raises(ConfigError) as refused:
            check_plan(FaultPlan((wrong,)), NETWORK, simulated=simulated)
        assert str(refused.value).startswith(f"step 1: {said}")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((step(0, Op.SLOW, "m1"),), "step 1: slow does not fit m1, a miner"),
        ((step(0, Op.CLOCK, "m1", offset_s=9),), "step 1: clock does not fit m1, a miner"),
        ((step(0, Op.KILL, "w1"), step(1, Op.WIPE, "w1")), "step 2: wipe does not fit w1"),
        (
            (step(0, Op.KILL, "w1"), step(1, Op.RESTART, "w1", wipe=True)),
            "step 2: wipe does not fit w1, a wallet; kill, restart, stop, cont, slow, clock do",
        ),
    ],
)
def test_what_only_processes_suffer_is_refused_in_virtual_time(
    steps: tuple[FaultStep, ...], said: str
) -> None:
    check_plan(FaultPlan(steps), NETWORK)
    with pytest.raises(ConfigError) as refused:
        check_plan(FaultPlan(steps), NETWORK, simulated=True)
    assert str(refused.value).startswith(said)


def test_who_was_killed_may_be_wiped_until_it_runs_again() -> None:
    wiped = (step(0, Op.KILL, "h1"), step(1, Op.WIPE, "n1"), step(2, Op.RESTART, "h1"))
    check_plan(FaultPlan(wiped), NETWORK)
    with pytest.raises(ConfigError, match="step 4: n2 runs then"):
        check_plan(FaultPlan((*wiped, step(3, Op.WIPE, "n2"))), NETWORK)


@pytest.mark.parametrize("network", [NETWORK, paying()], ids=["organic", "wallets"])
def test_all_that_a_search_tries_fits(network: Blueprint) -> None:
    for candidate in singles(network):
        check_plan(candidate.harm(), network, simulated=True)
        check_plan(candidate.healing(), network, simulated=True)
