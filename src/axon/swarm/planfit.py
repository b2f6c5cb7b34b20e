"""Whether a plan of faults fits a network: it names what is there, and says what can be done to it.

A step that would do nothing is refused: a trial of it would hold, and say nothing. What processes
of one backend cannot do besides is said by `lab/trials/backend`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from axon.errors import ConfigError
from axon.swarm.blueprint import Blueprint, ComponentClass
from axon.swarm.faultplan import BETWEEN, FaultPlan, FaultStep, Op, Withheld

Names = tuple[str, ...]
_Ops = Mapping[ComponentClass, frozenset[Op]]

_STEERED: Final = frozenset((Op.KILL, Op.RESTART, Op.STOP, Op.CONT))
_PUT_BACK: Final = frozenset((Op.KILL, Op.RESTART))

_OPS: Final[_Ops] = MappingProxyType(
    {
        ComponentClass.NODE: frozenset(Op) - BETWEEN,
        ComponentClass.WALLET: _STEERED | {Op.SLOW, Op.CLOCK, Op.WIPE},
        ComponentClass.MINER: _STEERED | {Op.SLOW, Op.CLOCK, Op.LIE},
        ComponentClass.SEED: _STEERED,
        ComponentClass.PROXY: _PUT_BACK,
        ComponentClass.FILE: _PUT_BACK,
        ComponentClass.CLOCK: frozenset((Op.CLOCK,)),
        ComponentClass.LINK: frozenset(),
    }
)
"""What can be done to a component itself; to an uplink only what is done to ways (`BETWEEN`)."""

_SIMULATED: Final[_Ops] = MappingProxyType(
    {
        **_OPS,
        ComponentClass.WALLET: _OPS[ComponentClass.WALLET] - {Op.WIPE},
        ComponentClass.MINER: _OPS[ComponentClass.MINER] - {Op.SLOW, Op.CLOCK},
    }
)
"""The same in virtual time, where a miner is no program."""

_LINKED: Final = frozenset((ComponentClass.NODE, ComponentClass.WALLET))
"""Who has ways to others; a miner works at its nodes."""


def check_plan(plan: FaultPlan, blueprint: Blueprint, *, simulated: bool = False) -> None:
    """See whether a plan fits a network.

    Args:
        simulated: it is carried out in virtual time.

    Raises:
        ConfigError: it does not; the text says which step.
    """
    down: set[str] = set()
    for number, step in enumerate(plan.steps, 1):
        try:
            if step.op in BETWEEN:
                sides_of(blueprint, step.target)
            elif step.op is not Op.HEAL:
                for target in step.target.split(","):
                    _check_target(blueprint, step, target, _SIMULATED if simulated else _OPS)
                    _follow(step, target, blueprint.members(target), down)
        except ConfigError as error:
            raise ConfigError(f"step {number}: {error}") from None


def sides_of(blueprint: Blueprint, target: str) -> tuple[Names, Names | None]:
    """Between whom something is done to ways.

    Args:
        blueprint: of the network.
        target: an uplink, a link `n1-n2`, two sides `n1,n2|n3`, or whoever is meant with all ways.

    Returns:
        The nodes and wallets on each side, also those that come new; None for all others.

    Raises:
        ConfigError: it names what is not there or has no ways, or sides that are not two.
    """
    for uplink in blueprint.uplinks:
        if uplink.name == target:
            return uplink.sides
    if "|" in target:
        near, *rest = target.split("|")
        if len(rest) != 1:
            raise ConfigError(f"{target!r:.80}: two sides, as in n1,n2|n3; a third is another step")
        return _linked(blueprint, near), _linked(blueprint, rest[0])
    if not _unknown(blueprint, target):
        return _linked(blueprint, target), None
    for place, mark in enumerate(target):  # A name may have a dash.
        near, far = target[:place], target[place + 1 :]
        if mark == "-" and not (_unknown(blueprint, near) or _unknown(blueprint, far)):
            return _linked(blueprint, near), _linked(blueprint, far)
    first = target.partition("-")
    raise _no_such(
        blueprint, next(filter(None, (_unknown(blueprint, each) for each in first[::2])))
    )


def _check_target(blueprint: Blueprint, step: FaultStep, target: str, known: _Ops) -> None:
    """See whether something can be done to a component."""
    kinds = blueprint.components()
    kind = kinds.get(target)
    if kind is None:
        raise _no_such(blueprint, target)
    op = Op.WIPE if step.op is Op.RESTART and step.param("wipe") else step.op
    ops = [known.get(kinds[name], frozenset()) for name in blueprint.members(target)]
    if not any(op in each for each in ops):
        fits = [each for each in Op if any(each in some for some in ops)] or sorted(BETWEEN)
        raise ConfigError(f"{op} does not fit {target}, a {kind}; {', '.join(fits)} do")
    keeps_back = step.param("withhold") if op is Op.LIE else Withheld.NOTHING
    if kind is ComponentClass.MINER and keeps_back not in (Withheld.TRANSACTIONS, Withheld.NOTHING):
        raise ConfigError(f"{target}, a miner, keeps back nothing but transactions")


def _follow(step: FaultStep, target: str, members: Names, down: set[str]) -> None:
    """Note what runs after a step, and see that it wipes nothing that runs.

    Args:
        down: the programs that the plan has ended so far; changed.
    """
    wipes = step.op is Op.WIPE or (step.op is Op.RESTART and bool(step.param("wipe")))
    if wipes and not down.issuperset(members):
        raise ConfigError(f"{target} runs then, and only what was killed can be wiped")
    if step.op is Op.KILL:
        down.update(members)
    elif step.op is Op.RESTART:
        down.difference_update(members)


def _linked(blueprint: Blueprint, text: str) -> Names:
    """Those who have ways among some components, or on them.

    Raises:
        ConfigError: one is not there, or nobody has any.
    """
    unknown = _unknown(blueprint, text)
    if unknown is not None:
        raise _no_such(blueprint, unknown)
    kinds = dict(_sides(blueprint))
    found: list[str] = []
    for name in text.split(","):
        linked = [each for each in blueprint.members(name) if kinds[each] in _LINKED]
        if not linked:
            raise ConfigError(f"{name}, a {kinds[name]}, has no ways of its own; nodes have")
        found += linked
    return tuple(dict.fromkeys(found))


def _unknown(blueprint: Blueprint, text: str) -> str | None:
    """The first of some names that is not there; None if all are."""
    known = dict(_sides(blueprint))
    return next((name for name in text.split(",") if name not in known), None)


def _sides(blueprint: Blueprint) -> Iterator[tuple[str, ComponentClass]]:
    """All components, and those that come new."""
    yield from blueprint.components().items()
    if blueprint.newcomer_node is not None:
        yield blueprint.newcomer_node.name, ComponentClass.NODE
    if blueprint.newcomer_wallet is not None:
        yield blueprint.newcomer_wallet.name, ComponentClass.WALLET


def _no_such(blueprint: Blueprint, name: str | None) -> ConfigError:
    there_are = ", ".join(blueprint.components())
    return ConfigError(f"there is no {name!r:.80}; there are {there_are:.1000}")
