"""A smaller case that fails in the same way: fewer steps, fewer components, less time.

Delta debugging (Zeller and Hildebrandt's ddmin) over the steps of a fault plan, then nodes, wallets
and miners are left out one by one, then the steps come sooner. Whoever can carry a trial out says
whether a smaller case still fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from axon.errors import ConfigError
from axon.swarm.blueprint import Blueprint, NodePlan, WalletPlan
from axon.swarm.faultplan import FaultPlan, FaultStep

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Case:
    """A network, and what is done to it.

    Args:
        blueprint: of the network.
        plan: what is done to it.
    """

    blueprint: Blueprint
    plan: FaultPlan

    def harm(self) -> FaultPlan:
        """What is done."""
        return self.plan

    def healing(self) -> FaultPlan:
        """What takes back all that lasts of it."""
        return self.plan.undone()


def shrink(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The smallest case that is found to fail.

    Args:
        case: which fails.
        fails: whether a smaller one does; a network that does not come to work does not.
    """
    steps = ddmin(case.plan.steps, lambda kept: fails(replace(case, plan=FaultPlan(tuple(kept)))))
    case = replace(case, plan=FaultPlan(tuple(steps)))
    case = _fewer(case, fails)
    return _sooner(case, fails)


def ddmin(items: Sequence[_Item], fails: Callable[[Sequence[_Item]], bool]) -> list[_Item]:
    """The items of which none can be left out alone, if what fails, fails for each superset."""
    kept, parts = list(items), 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        chunks = [kept[start : start + size] for start in range(0, len(kept), size)]
        smaller = next(filter(fails, _smaller(chunks)), None)
        if smaller is not None:
            parts = 2 if len(smaller) <= size else max(2, parts - 1)
            kept = smaller
        elif parts >= len(kept):
            break
        else:
            parts = min(len(kept), 2 * parts)
    return [] if len(kept) == 1 and fails([]) else kept


def _smaller(chunks: Sequence[list[_Item]]) -> Iterator[list[_Item]]:
    """Each chunk alone, then all but each; the halves are each other's rest."""
    yield from chunks
    if len(chunks) > 2:
        for left_out in range(len(chunks)):
            yield [
                item for place, chunk in enumerate(chunks) if place != left_out for item in chunk
            ]


def _fewer(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Leave out what can be left out, the last first, until nothing more can."""
    named = {name for step in case.plan.steps for name in _named(step)}
    names = [name for name in reversed(case.blueprint.components()) if name not in named]
    found = True
    while found:
        found = False
        for name in names:
            smaller = _without(case, name)
            if smaller is not None and fails(smaller):
                case, found = smaller, True
                names = [each for each in names if each != name]
    return case


def _without(case: Case, name: str) -> Case | None:
    """The same without a component; None where there is none without it."""
    try:
        return replace(case, blueprint=without(case.blueprint, name))
    except ConfigError:
        return None


def without(blueprint: Blueprint, name: str) -> Blueprint:
    """A network without a component, and without all that is said of it.

    Raises:
        ConfigError: no node would be left.
    """
    newcomer_node, newcomer_wallet = blueprint.newcomer_node, blueprint.newcomer_wallet
    return replace(
        blueprint,
        nodes=tuple(_forget(each, name) for each in blueprint.nodes if each.name != name),
        wallets=tuple(_forget(each, name) for each in blueprint.wallets if each.name != name),
        miners=tuple(
            replace(each, nodes=_left(each.nodes, name))
            for each in blueprint.miners
            if each.name != name and each.nodes != (name,)
        ),
        seeds={seed: _left(given, name) for seed, given in blueprint.seeds.items() if seed != name},
        shared=tuple(
            replace(each, members=_left(each.members, name))
            for each in blueprint.shared
            if each.name != name
        ),
        uplinks=tuple(
            replace(each, sides=(_left(each.sides[0], name), _left(each.sides[1], name)))
            for each in blueprint.uplinks
            if each.name != name
        ),
        newcomer_node=newcomer_node and _forget(newcomer_node, name),
        newcomer_wallet=newcomer_wallet and _forget(newcomer_wallet, name),
    )


_Dialling = TypeVar("_Dialling", NodePlan, WalletPlan)


def _forget(plan: _Dialling, name: str) -> _Dialling:
    """A node or a wallet that has never heard of somebody."""
    if isinstance(plan, NodePlan) and plan.admits is not None:
        plan = replace(plan, admits=_left(plan.admits, name))
    return replace(
        plan,
        dials=None if plan.dials is None else _left(plan.dials, name),
        knows=_left(plan.knows, name),
        seeds=_left(plan.seeds, name),
    )


def _left(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(each for each in names if each != name)


def _sooner(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Have all steps come at half the time, as often as that still fails; last, at once."""
    while any(step.at_us for step in case.plan.steps):
        sooner = [replace(step, at_us=step.at_us // 2) for step in case.plan.steps]
        smaller = replace(case, plan=FaultPlan(tuple(sooner)))
        if not fails(smaller):
            return case
        case = smaller
    return case


def _named(step: FaultStep) -> Iterator[str]:
    yield from step.target.replace("|", ",").replace("-", ",").split(",")
