"""Which coins a payment spends: none too many, and none that tell more than they must.

Coins are looked at in rings: first those that are deep in the chain, then younger ones, at last
change that waits for its block, with few that wait before it. In a ring sets are looked for among
coins of one type of address alone, so that a payment does not show that several belong together,
and among all only where that does not suffice. Of the sets that the searches find (`coinsearch`)
the least wasteful is taken: what the inputs cost now above what they would cost one day, and what
change costs, or what is given away where there is none. The rules are Bitcoin Core's. BDK's own
selection knows one family of scripts and its change, and a wallet of many descriptors has more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from axon.wallet.coinsearch import (
    DRAWN_CHANGE_SAT,
    Found,
    SpendableCoin,
    SpendGroup,
    alone,
    bump_sat,
    closest,
    drawn,
    lightest,
    without_change,
)
from axon.wallet.descriptorbook import ADDRESS_TYPES, AddressType
from axon.wallet.errors import PaymentRefused

MAX_KIN: Final = 25
"""Transactions of the pool in a row that older nodes relay: payments stay below that."""

GROUP_SIZE: Final = 100
"""Coins of one script that are spent together at most: the fee would surprise."""

_DEAR: Final = 3
"""Where a byte costs so many times what it costs one day, the lightest set is looked for, too."""

_ANY_NUMBER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class ChangeTerms:
    """What change is wanted and what it costs.

    Args:
        cost_sat: to make it and to spend it one day: so much may be given away to have none.
        output_sat: to make it.
        least_sat: change of less is left to the miner.
        wanted_sat: change of this much, with its cost, is aimed at.
        weight_wu: of the output.
    """

    cost_sat: int
    output_sat: int
    least_sat: int
    wanted_sat: int
    weight_wu: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What coins are chosen for.

    Args:
        target_sat: what their values must reach; above 0.
        change: what it costs.
        feerate_sat_kvb, later_sat_kvb: now, and what is expected one day.
        max_weight_wu: of all inputs together, where there is no change.
        child_weight_wu: the same where one of them may wait for a block.
        from_recipients: they pay the fee: a coin's value is all that it holds.
        together: coins of one script are spent together or not at all.
        spends_change: change that waits for its block is chosen.
        unsafe: coins of others that wait for a block are chosen.
        long_chains: also coins that would make a chain of the pool too long for others.
    """

    target_sat: int
    change: ChangeTerms
    feerate_sat_kvb: int
    later_sat_kvb: int
    max_weight_wu: int
    child_weight_wu: int
    from_recipients: bool = False
    together: bool = False
    spends_change: bool = True
    unsafe: bool = False
    long_chains: bool = False


@dataclass(frozen=True, slots=True)
class _Ring:
    """Which coins are good enough.

    Args:
        own, foreign: confirmations at least, of coins from payments of our own and from others.
        ancestors, cluster: how many others of the pool may be around a coin.
        partial: also the rest of the coins of a script that has more than a group of them.
        mixed: coins of several types of address may be spent together.
    """

    own: int
    foreign: int
    ancestors: int
    cluster: int
    partial: bool = False
    mixed: bool = True

    def takes(self, group: SpendGroup) -> bool:
        """Whether a group is good enough."""
        depth = min(coin.depth for coin in group.coins)
        own = all(coin.own for coin in group.coins)
        return (
            depth >= (self.own if own else self.foreign)
            and sum(coin.ancestors for coin in group.coins) <= self.ancestors
            and max(coin.cluster for coin in group.coins) <= self.cluster
        )


def choose(coins: Sequence[SpendableCoin], goal: Goal, rng: Random) -> list[SpendableCoin] | None:
    """Coins worth at least a target; None if all together are not.

    Args:
        coins: those that may be chosen.
        goal: what they are chosen for.
        rng: what the searches by chance draw from.

    Raises:
        PaymentRefused: those that would do weigh too much, or would make a chain too long.
    """
    if goal.max_weight_wu <= 0:
        raise PaymentRefused(
            "Maximum transaction weight is less than transaction weight without inputs"
        )
    if sum(max(coin.value_sat, 0) for coin in coins) < goal.target_sat:
        return None
    groups, rests = _grouped(coins, goal)
    rings = tuple(_rings(goal))
    usable = [each for each in groups + rests if any(ring.takes(each) for ring in rings)]
    _require_short_chains(coins, usable, goal)
    refusal: PaymentRefused | None = None
    for ring in rings:
        able = [group for group in groups + (rests if ring.partial else []) if ring.takes(group)]
        try:
            found = _best_of_types(able, _goal_in(ring, goal), rng, mixed=ring.mixed)
        except PaymentRefused as error:
            refusal = refusal or error
            continue
        if found is not None:
            return [coin for group in found for coin in group.coins]
    if refusal is not None:
        raise refusal
    return None


def _goal_in(ring: _Ring, goal: Goal) -> Goal:
    """What is wanted of coins some of which may wait for a block."""
    if ring.own and ring.foreign:
        return goal
    return replace(goal, max_weight_wu=min(goal.max_weight_wu, goal.child_weight_wu))


def _rings(goal: Goal) -> Iterator[_Ring]:
    yield _Ring(1, 6, 0, 0, mixed=False)
    yield _Ring(1, 1, 0, 0)
    if not goal.spends_change:
        return
    yield _Ring(0, 1, 2, 2)
    yield _Ring(0, 1, 4, 4)
    yield _Ring(0, 1, MAX_KIN // 2, MAX_KIN // 2)
    yield _Ring(0, 1, MAX_KIN - 1, MAX_KIN - 1, partial=True)
    if goal.unsafe:
        yield _Ring(0, 0, MAX_KIN - 1, MAX_KIN - 1, partial=True)
    if goal.long_chains:
        yield _Ring(0, 1, _ANY_NUMBER, _ANY_NUMBER, partial=True)


def _grouped(
    coins: Sequence[SpendableCoin], goal: Goal
) -> tuple[list[SpendGroup], list[SpendGroup]]:
    """What is spent at once, without what costs more than it is worth; whole groups, and rests of
    scripts that have whole ones besides."""
    worth = [coin for coin in coins if coin.value_sat > 0]
    if not goal.together:
        return [SpendGroup.of([coin]) for coin in worth], []
    by_script: dict[bytes, list[SpendableCoin]] = {}
    for coin in worth:
        by_script.setdefault(coin.script, []).append(coin)
    groups: list[SpendGroup] = []
    rests: list[SpendGroup] = []
    for same in by_script.values():
        for start in range(0, len(same), GROUP_SIZE):
            part = same[start : start + GROUP_SIZE]
            is_rest = start > 0 and len(part) < GROUP_SIZE
            (rests if is_rest else groups).append(SpendGroup.of(part))
    return groups, rests


def _require_short_chains(
    coins: Sequence[SpendableCoin], usable: Sequence[SpendGroup], goal: Goal
) -> None:
    """Raises PaymentRefused where it would do to spend what waits behind too many others."""
    there_sat = sum(coin.amount_sat for group in usable for coin in group.coins)
    if there_sat >= goal.target_sat:
        return
    long_sat = sum(
        coin.value_sat for coin in coins if coin.ancestors >= MAX_KIN or coin.cluster >= MAX_KIN
    )
    if there_sat + long_sat > goal.target_sat:
        raise PaymentRefused(
            "Unconfirmed UTXOs are available, but spending them creates a chain of transactions"
            " that will be rejected by the mempool"
        )


def _best_of_types(
    groups: Sequence[SpendGroup], goal: Goal, rng: Random, *, mixed: bool
) -> Sequence[SpendGroup] | None:
    """The least wasteful set of one type of address; of all types where none suffices alone."""
    kinds: tuple[AddressType | None, ...] = (*ADDRESS_TYPES, None)
    by_kind = [[group for group in groups if group.coins[0].kind is kind] for kind in kinds]
    by_kind = [same for same in by_kind if same]
    found = [_best(same, goal, rng) for same in by_kind]
    best = _least_wasteful([each for each in found if each is not None], goal)
    if best is None and mixed and len(by_kind) > 1:
        best = _best(groups, goal, rng)
    return best


def _best(groups: Sequence[SpendGroup], goal: Goal, rng: Random) -> Sequence[SpendGroup] | None:
    """The least wasteful set that the searches find.

    Raises:
        PaymentRefused: they find none, because all that would do weigh too much.
    """
    if sum(group.value_sat for group in groups) < goal.target_sat:
        return None
    target, change, most = goal.target_sat, goal.change, goal.max_weight_wu
    found: list[Found] = []
    if not goal.from_recipients:  # Else there is no telling what would be given away.
        found.append(without_change(groups, target, change.cost_sat, most))
    most -= change.weight_wu
    if most < 0 and not any(each.groups for each in found):
        raise PaymentRefused(
            "Maximum transaction weight is too low, can not accommodate change output"
        )
    found.append(alone(groups, target + change.output_sat + DRAWN_CHANGE_SAT, most))
    found.append(closest(groups, target, change.wanted_sat, most, rng))
    if goal.feerate_sat_kvb > _DEAR * goal.later_sat_kvb:
        found.append(lightest(groups, target + change.wanted_sat, most))
    found.append(drawn(groups, target, change.output_sat, most, rng))
    best = _least_wasteful([each.groups for each in found if each.groups is not None], goal)
    if best is None and any(each.too_heavy for each in found):
        raise PaymentRefused(
            "The inputs size exceeds the maximum weight. Please try sending a smaller amount or"
            " manually consolidating your wallet's UTXOs"
        )
    return best


def _least_wasteful(
    sets: Sequence[Sequence[SpendGroup]], goal: Goal
) -> Sequence[SpendGroup] | None:
    """Of sets that waste the same the one of most coins: it leaves the fewest behind."""
    return min(sets, key=lambda each: (_waste(each, goal), -_count(each)), default=None)


def _waste(groups: Sequence[SpendGroup], goal: Goal) -> int:
    """What a set costs beside the payment itself, in satoshi; below 0 if it saves something."""
    saved_sat = shared_sat([coin for group in groups for coin in group.coins], goal.feerate_sat_kvb)
    extra = sum(group.extra_sat for group in groups) - saved_sat
    over_sat = sum(group.value_sat for group in groups) + saved_sat - goal.target_sat
    if change_left(over_sat, goal):
        return extra + goal.change.cost_sat
    return extra + over_sat


def shared_sat(coins: Iterable[SpendableCoin], feerate_sat_kvb: int) -> int:
    """What was counted too often: coins may build on the same transactions that pay too little."""
    behind = [coin for coin in coins if coin.bump_sat]
    together = bump_sat((each for coin in behind for each in coin.kin), feerate_sat_kvb)
    return sum(coin.bump_sat for coin in behind) - together


def change_left(over_sat: int, goal: Goal) -> int:
    """The change that is left of so much above the target; 0 where it is left to the miner."""
    left_sat = over_sat if goal.from_recipients else over_sat - goal.change.output_sat
    return left_sat if left_sat >= goal.change.least_sat else 0


def _count(groups: Sequence[SpendGroup]) -> int:
    return sum(len(group.coins) for group in groups)
