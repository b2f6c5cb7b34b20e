"""Which coins a payment spends: none too many, and none that tell more than they must.

Coins are looked at in rings: first those that are deep in the chain, then younger ones, at last
change that waits for its block. Within a ring a set is looked for that needs no change; if there is
none, coins are drawn by lot until they suffice and leave change that is worth keeping. By these
rules a set that Bitcoin Core could have chosen is chosen; BDK's own selection knows one family of
scripts and its change, and a wallet of many descriptors has more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.primitives.transaction import OutPoint

MAX_TRIES: Final = 20_000
"""Of the search for a set without change: some 30 ms in which no better thing is to be done."""

WORTHWHILE_CHANGE_SAT: Final = 50_000
"""Change of less is avoided where there are coins enough."""

_RINGS: Final = ((1, 6), (1, 1), (0, 1), (0, 0))
"""Confirmations at least: of coins from payments of our own, and from others."""


@dataclass(frozen=True, slots=True)
class SpendableCoin:
    """A coin that may be spent.

    Args:
        point: its name.
        amount_sat: what it holds.
        value_sat: the same less what spending it costs.
        depth: confirmations.
        own: whether a payment of ours made it.
        script: coins with the same one are spent together where that is asked for.
    """

    point: OutPoint
    amount_sat: int
    value_sat: int
    depth: int
    own: bool
    script: bytes


@dataclass(frozen=True, slots=True)
class ChangeTerms:
    """What change costs.

    Args:
        cost_sat: to make it and to spend it one day: so much may be given away to have none.
        output_sat: to make it.
    """

    cost_sat: int
    output_sat: int


def choose(
    coins: Sequence[SpendableCoin],
    target_sat: int,
    change: ChangeTerms,
    rng: Random,
    *,
    together: bool = False,
) -> list[SpendableCoin] | None:
    """Coins worth at least a target; None if all together are not.

    Args:
        coins: those that may be chosen.
        target_sat: what their values must reach.
        change: what it costs.
        together: coins of one script are spent together or not at all.
    """
    for own_depth, foreign_depth in _RINGS:
        ring = [coin for coin in coins if coin.depth >= (own_depth if coin.own else foreign_depth)]
        found = _from_ring(_groups(ring, together), target_sat, change, rng)
        if found is not None:
            return found
    return None


def _groups(coins: Sequence[SpendableCoin], together: bool) -> list[list[SpendableCoin]]:
    """What is spent at once, without what costs more than it is worth."""
    groups: dict[bytes, list[SpendableCoin]] = {}
    for coin in coins:
        groups.setdefault(coin.script if together else coin.point, []).append(coin)
    return [group for group in groups.values() if _value(group) > 0]


def _value(group: Sequence[SpendableCoin]) -> int:
    return sum(coin.value_sat for coin in group)


def _from_ring(
    groups: list[list[SpendableCoin]], target_sat: int, change: ChangeTerms, rng: Random
) -> list[SpendableCoin] | None:
    if sum(map(_value, groups)) < target_sat:
        return None
    exact = _without_change(groups, target_sat, target_sat + change.cost_sat)
    chosen = exact if exact is not None else _drawn(groups, target_sat, change, rng)
    return [coin for group in chosen for coin in group]


def _without_change(
    groups: list[list[SpendableCoin]], least_sat: int, most_sat: int
) -> list[list[SpendableCoin]] | None:
    """A set of a value between two, found by branch and bound; None if none is met in time."""
    ordered = sorted(groups, key=_value, reverse=True)
    left = [0] * (len(ordered) + 1)  # The values of all from a place on.
    for place in range(len(ordered) - 1, -1, -1):
        left[place] = left[place + 1] + _value(ordered[place])
    taken: list[int] = []
    total, place = 0, 0
    for _ in range(MAX_TRIES):
        if least_sat <= total <= most_sat:
            return [ordered[each] for each in taken]
        if total > most_sat or total + left[place] < least_sat:
            if not taken:
                return None
            place = taken.pop()  # Try without the last one.
            total -= _value(ordered[place])
            place += 1
        else:
            taken.append(place)
            total += _value(ordered[place])
            place += 1
    return None


def _drawn(
    groups: list[list[SpendableCoin]], target_sat: int, change: ChangeTerms, rng: Random
) -> list[list[SpendableCoin]]:
    """By lot, until the target is reached with change that is worthwhile, or all are there."""
    wanted_sat = target_sat + change.output_sat + WORTHWHILE_CHANGE_SAT
    shuffled = list(groups)
    rng.shuffle(shuffled)
    chosen: list[list[SpendableCoin]] = []
    total = 0
    for group in shuffled:
        chosen.append(group)
        total += _value(group)
        if total >= wanted_sat:
            break
    return chosen
