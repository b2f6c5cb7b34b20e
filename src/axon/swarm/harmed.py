"""Whom a plan of faults harms: those of whom nothing may be asked meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import FaultPlan, FaultStep, Op


def touched_by(blueprint: Blueprint, plan: FaultPlan) -> frozenset[str]:
    """Those that a plan harms at some time; whoever only loses a link is not one of them.

    Nor is whoever is only far away: a slow link is no reason to be wrong.
    """
    return _targets(blueprint, [step for step in plan.steps if step.op is not Op.LINK])


def harmed_by(blueprint: Blueprint, plan: FaultPlan) -> frozenset[str]:
    """Those that it leaves harmed in the end, or with an empty disk."""
    healed = max((n for n, step in enumerate(plan.steps) if step.op is Op.HEAL), default=-1)
    cut = [step for step in plan.steps[healed + 1 :] if step.op is Op.CUT]
    wiped = [step for step in plan.steps if step.op is Op.RESTART and step.param("wipe")]
    return _targets(blueprint, [*plan.undone().steps, *cut, *wiped])


def _targets(blueprint: Blueprint, steps: Iterable[FaultStep]) -> frozenset[str]:
    components = blueprint.components()
    named = [
        name
        for step in steps
        if step.op is not Op.CUT or _is_cut_off(blueprint, step)
        for target in step.target.split(",")
        for name in blueprint.members(target)
    ]
    return frozenset(name for name in named if name in components)


def _is_cut_off(blueprint: Blueprint, cut: FaultStep) -> bool:
    """Whether a cut is around whom it names, and not between two sides, which only lose links."""
    return all(target in blueprint.components() for target in cut.target.split(","))
