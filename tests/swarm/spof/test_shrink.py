"""Shrinking: what is found fails still, and nothing more can be left out of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import FaultPlan, Op, step
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.spof.shrink import Case, ddmin, shrink, without


@given(st.sets(st.integers(0, 40), max_size=6), st.integers(1, 41))
def test_just_what_is_needed_is_left(needed: set[int], count: int) -> None:
    wanted = {each for each in needed if each < count}
    assert ddmin(range(count), lambda kept: wanted.issubset(kept)) == sorted(wanted)


def test_a_case_gets_fewer_steps_fewer_components_and_less_time() -> None:
    plan = FaultPlan.of(
        [
            step(0, Op.KILL, "n5"),
            step(600, Op.KILL, "n1"),
            step(700, Op.STOP, "n2"),
            step(800, Op.CONT, "n2"),
        ]
    )

    def fails(case: Case) -> bool:
        """It takes n1 dead, one wallet, three nodes."""
        names = [each.name for each in case.blueprint.nodes]
        killed = any(each.op is Op.KILL and each.target == "n1" for each in case.plan.steps)
        return killed and bool(case.blueprint.wallets) and len(names) >= 3

    found = shrink(Case(organic(6), plan), fails)
    assert found.plan.steps == (step(0, Op.KILL, "n1"),)
    assert [each.name for each in found.blueprint.nodes] == ["n1", "n2", "n3"]
    assert len(found.blueprint.wallets) == 1
    assert not found.blueprint.miners


def test_a_network_without_a_component_says_nothing_of_it() -> None:
    def words(blueprint: Blueprint) -> str:
        return f"{blueprint!r}"

    for plant in PLANTS.values():
        blueprint = plant.make(6)
        for name in blueprint.components():
            if name not in (each.name for each in blueprint.nodes) or len(blueprint.nodes) > 1:
                assert f"'{name}'" not in words(without(blueprint, name))
