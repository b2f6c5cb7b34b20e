"""Searches for coins that reach a target: each finds a set by its own rule, if it finds any.

`without_change` and `lightest` go through all sets in a fixed order, within a number of tries, and
find the same one each time; `closest` and `drawn` leave it to chance. Which of the sets is taken is
decided in `selection`. The searches are those of Bitcoin Core's wallet, so that a payment tells no
more of who made it than one of Core's does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Final

from axon.primitives.transaction import MAX_MONEY_SAT, OutPoint
from axon.wallet.descriptorbook import AddressType
from axon.wallet.paymentterms import PoolKin

MAX_TRIES: Final = 100_000
"""Of the searches that go through all sets: as many as Core's, a tenth of a second in the lane of
one wallet."""

MAX_LOOKS: Final = 200_000
"""Of the search by chance, coins times rounds: as long as the others may take."""

_ROUNDS: Final = 1_000
_LEAST_ROUNDS: Final = 20

DRAWN_CHANGE_SAT: Final = 50_000
"""What is drawn leaves change of this much at least, beside what it costs."""


def bump_sat(kin: Iterable[PoolKin], feerate_sat_kvb: int) -> int:
    """What is to be paid for transactions that pay less, so that all are mined at a feerate."""
    lagging = [item for item in dict.fromkeys(kin) if item.mined_sat_kvb < feerate_sat_kvb]
    needed = -(-feerate_sat_kvb * sum(item.vsize for item in lagging) // 1_000)
    return max(needed - sum(item.fee_sat for item in lagging), 0)


@dataclass(frozen=True, slots=True)
class SpendableCoin:
    """A coin that may be spent.

    Args:
        point: its name.
        amount_sat: what it holds.
        value_sat: what counts of it: the same less what spending it costs, or all of it where
            recipients pay the fee.
        fee_sat: what spending it costs now.
        later_sat: what spending it is expected to cost one day.
        weight_wu: of the input that spends it, in whole virtual bytes.
        depth: confirmations.
        own: whether a payment of ours made it.
        script: coins with the same one are spent together where that is asked for.
        kind: of its address; None of one that has none.
        ancestors: transactions of the pool that it builds on, its own among them.
        cluster: how many transactions are in the same cluster of the pool; 0 if none.
        kin: these.
        bump_sat: what it costs to pay for those of them that pay less; part of `fee_sat`.
    """

    point: OutPoint
    amount_sat: int
    value_sat: int
    fee_sat: int
    later_sat: int
    weight_wu: int
    depth: int
    own: bool
    script: bytes
    kind: AddressType | None = None
    ancestors: int = 0
    cluster: int = 0
    kin: tuple[PoolKin, ...] = ()
    bump_sat: int = 0


@dataclass(frozen=True, slots=True)
class SpendGroup:
    """Coins that are spent together or not at all, mostly one; the sums of what they have."""

    coins: tuple[SpendableCoin, ...]
    value_sat: int
    fee_sat: int
    later_sat: int
    weight_wu: int

    @classmethod
    def of(cls, coins: Sequence[SpendableCoin]) -> SpendGroup:
        """A group of these."""
        return cls(
            tuple(coins),
            sum(coin.value_sat for coin in coins),
            sum(coin.fee_sat for coin in coins),
            sum(coin.later_sat for coin in coins),
            sum(coin.weight_wu for coin in coins),
        )

    @property
    def extra_sat(self) -> int:
        """What spending it now costs more than one day; below 0 if it costs less."""
        return self.fee_sat - self.later_sat


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to.

    Args:
        groups: the set; None if there is none.
        too_heavy: sets were passed over because they weigh too much.
    """

    groups: tuple[SpendGroup, ...] | None
    too_heavy: bool = False


def without_change(
    groups: Sequence[SpendGroup], target_sat: int, spare_sat: int, max_weight_wu: int
) -> Found:
    """The least wasteful set that reaches a target and exceeds it by little: no change is needed.

    Branch and bound, the most valuable first. Waste is what is given away above the target, and
    what the inputs cost more than they would one day.

    Args:
        groups: each of a value above 0.
        spare_sat: so much may be given away.
    """
    pool = sorted(groups, key=lambda group: (-group.value_sat, group.extra_sat))
    left = _left(pool)
    dear = bool(pool) and pool[0].fee_sat > pool[0].later_sat
    taken: list[int] = []
    best: list[int] = []
    best_waste, too_heavy = MAX_MONEY_SAT, False
    total = waste = weight = place = 0
    for _ in range(MAX_TRIES):
        promising = (
            total <= target_sat + spare_sat
            and total + left[place] >= target_sat
            and not (dear and waste > best_waste)
        )
        if promising and weight > max_weight_wu:
            promising, too_heavy = False, True
        if promising and total >= target_sat:
            promising = False  # More would only be given away.
            if waste + total - target_sat <= best_waste:
                best, best_waste = list(taken), waste + total - target_sat
        if promising:
            taken.append(place)
            sign = 1
        elif taken:
            place = taken.pop()  # Go on without the last one.
            sign = -1
        else:
            break
        group = pool[place]
        total += sign * group.value_sat
        waste += sign * group.extra_sat
        weight += sign * group.weight_wu
        place += 1
        while sign < 0 and place < len(pool) and _are_twins(pool[place], pool[place - 1]):
            place += 1  # It would be the same set once more.
    return _picked(pool, best, too_heavy)


def _left(pool: Sequence[SpendGroup]) -> list[int]:
    """The values of all groups from a place on, for each place."""
    left = [0] * (len(pool) + 1)
    for place in range(len(pool) - 1, -1, -1):
        left[place] = left[place + 1] + pool[place].value_sat
    return left


def _are_twins(one: SpendGroup, other: SpendGroup) -> bool:
    return one.value_sat == other.value_sat and one.fee_sat == other.fee_sat


def lightest(groups: Sequence[SpendGroup], target_sat: int, max_weight_wu: int) -> Found:
    """The set of least weight that reaches a target; of equal weight the one of least value.

    Args:
        groups: each of a value above 0.
        target_sat: with the change that is wanted.
    """
    pool = sorted(groups, key=lambda group: (-group.value_sat, group.weight_wu))
    left, light = _left(pool), _lightest_behind(pool)
    if left[0] < target_sat:
        return Found(None)
    taken: list[int] = []
    best: list[int] = []
    best_weight, best_total, too_heavy = max_weight_wu, MAX_MONEY_SAT, False
    total = weight = place = 0
    for _ in range(MAX_TRIES):
        group = pool[place]
        taken.append(place)
        total, weight = total + group.value_sat, weight + group.weight_wu
        # How many of the last ones taken cannot be part of anything better.
        drops = 0
        barren = 2 if group.weight_wu <= light[place] else 1
        if total + left[place + 1] < target_sat:
            drops = 2
        elif weight > best_weight:
            too_heavy |= weight > max_weight_wu
            drops = barren
        elif total >= target_sat:
            drops = 1
            if weight < best_weight or total < best_total:
                best, best_weight, best_total = list(taken), weight, total
        elif best:
            more = -(-(target_sat - total) // group.value_sat)
            drops = barren if weight + light[place] * more > best_weight else 0
        place += 1
        if place == len(pool):
            drops = 2
        while drops:
            if not taken:
                return _picked(pool, best, too_heavy)
            last = taken.pop()
            total, weight = total - pool[last].value_sat, weight - pool[last].weight_wu
            drops -= 1
            place = last + 1
            if not drops:
                while place < len(pool) and pool[place].value_sat == pool[last].value_sat:
                    place += 1  # No lighter than the one before it, and worth the same.
                drops = int(place == len(pool))
    return _picked(pool, best, too_heavy)


def _lightest_behind(pool: Sequence[SpendGroup]) -> list[int]:
    """The least weight of the groups behind each place."""
    found, least = [0] * len(pool), 1 << 60
    for place in range(len(pool) - 1, -1, -1):
        found[place] = least
        least = min(least, pool[place].weight_wu)
    return found


def _picked(pool: Sequence[SpendGroup], best: Sequence[int], too_heavy: bool) -> Found:
    return Found(tuple([pool[each] for each in best]) if best else None, too_heavy)


def alone(groups: Sequence[SpendGroup], target_sat: int, max_weight_wu: int) -> Found:
    """The one group of least value that reaches a target.

    Args:
        target_sat: with the change that is wanted.
    """
    able = [group for group in groups if group.weight_wu <= max_weight_wu]
    enough = [group for group in able if group.value_sat >= target_sat]
    least = min(enough, key=lambda group: (group.value_sat, group.weight_wu), default=None)
    return Found(None if least is None else (least,), len(able) < len(groups))


def closest(
    groups: Sequence[SpendGroup], target_sat: int, change_sat: int, max_weight_wu: int, rng: Random
) -> Found:
    """A set whose value is close above a target, with room for change or exactly: a knapsack.

    The smallest single group that leaves the change, or a set of smaller ones found by chance,
    whichever is closer.

    Args:
        change_sat: the change that is wanted.
    """
    able = [group for group in groups if group.weight_wu <= max_weight_wu]
    too_heavy = len(able) < len(groups)
    exact = [group for group in able if group.value_sat == target_sat]
    if exact:
        return Found((rng.choice(exact),), too_heavy)
    larger = alone(able, target_sat + change_sat, max_weight_wu).groups
    small = [group for group in able if group.value_sat < target_sat + change_sat]
    total = sum(group.value_sat for group in small)
    if total < target_sat:
        return Found(larger, too_heavy)
    if total == target_sat:
        if _weight(small) <= max_weight_wu:
            return Found(tuple(small), too_heavy)
        too_heavy = True
    small.sort(key=lambda group: (-group.value_sat, group.extra_sat))
    best = _subset(small, target_sat, max_weight_wu, rng)
    if _value(best) != target_sat and total >= target_sat + change_sat:
        best = _subset(small, target_sat + change_sat, max_weight_wu, rng)
    reached = _value(best)
    poor = reached != target_sat and reached < target_sat + change_sat
    if larger is not None and (poor or larger[0].value_sat <= reached):
        return Found(larger, too_heavy)
    if _weight(best) > max_weight_wu:
        return Found(larger, True)
    return Found(tuple(best), too_heavy)


def _subset(
    groups: list[SpendGroup], target_sat: int, max_weight_wu: int, rng: Random
) -> list[SpendGroup]:
    """The set closest above a target that some rounds of chance come to; all, if none does."""
    best, best_total = groups, _value(groups)
    size = len(groups)
    for _ in range(max(_LEAST_ROUNDS, min(_ROUNDS, MAX_LOOKS // size))):
        if best_total == target_sat:
            break
        lots = f"{rng.getrandbits(size):0{size}b}"
        taken = [False] * size
        total = weight = 0
        reached = False
        for by_lot in (True, False):  # Those drawn, then the others.
            for place, group in enumerate(groups):
                if lots[place] == "0" if by_lot else taken[place]:
                    continue
                total, weight = total + group.value_sat, weight + group.weight_wu
                taken[place] = True
                if total < target_sat or weight > max_weight_wu:
                    continue
                reached = True
                if total < best_total:
                    best_total = total
                    best = [each for each, is_in in zip(groups, taken, strict=True) if is_in]
                total, weight = total - group.value_sat, weight - group.weight_wu
                taken[place] = False
            if reached:
                break
    return best


def drawn(
    groups: Sequence[SpendGroup], target_sat: int, output_sat: int, max_weight_wu: int, rng: Random
) -> Found:
    """Groups by lot until they reach a target with change that is worthwhile.

    Where they weigh too much, those of least value are put back.

    Args:
        output_sat: what the output for change costs.
    """
    wanted_sat = target_sat + output_sat + DRAWN_CHANGE_SAT
    order = list(range(len(groups)))
    rng.shuffle(order)
    held: list[tuple[int, int]] = []
    total = weight = 0
    too_heavy = False
    for place in order:
        heappush(held, (groups[place].value_sat, place))
        total, weight = total + groups[place].value_sat, weight + groups[place].weight_wu
        while held and weight > max_weight_wu:
            too_heavy = True
            value, least = heappop(held)
            total, weight = total - value, weight - groups[least].weight_wu
        if total >= wanted_sat:
            return Found(tuple([groups[each] for _, each in held]), too_heavy)
    return Found(None, too_heavy)


def _value(groups: Sequence[SpendGroup]) -> int:
    return sum(group.value_sat for group in groups)


def _weight(groups: Sequence[SpendGroup]) -> int:
    return sum(group.weight_wu for group in groups)
