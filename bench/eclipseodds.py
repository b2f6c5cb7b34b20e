"""How likely it is that all whom a node dials are one attacker's, as its address table has it.

The plain answer is q to the power of k: of all known addresses a share q is hers, k are dialled.
Each function is that answer for one property of the table; `docs/threats.md` derives them.
"""

from __future__ import annotations

from math import exp, expm1, log1p
from typing import Final

from axon.p2p.addrplacement import NEW_BUCKETS, NEW_BUCKETS_PER_SOURCE_GROUP
from axon.p2p.addrtables import BUCKET_SIZE
from bench.proportion import binomial

_RARE: Final = 1e-9
"""What is less likely than this is left out of sums."""


def two_tables(
    dials: int, new: tuple[float, float], tried: tuple[float, float] = (0.0, 0.0)
) -> float:
    """Each draw is of the tried table or of the new one, by an even chance, and none twice.

    Whoever is dialled answers, and is tried from then on. With one table it is the hypergeometric
    a/n * (a-1)/(n-1) * ...

    Args:
        dials: how many are dialled, each in a netgroup of its own.
        new: addresses that were told of, hers and honest ones.
        tried: addresses that answered before, hers and honest ones.
    """
    chances = {0: 1.0}  # By how many of the new ones were dialled.
    for dialled in range(dials):
        following: dict[int, float] = {}
        for promoted, chance in chances.items():
            n = new[0] + new[1] - promoted
            t = tried[0] + tried[1] + promoted
            draws_new = max(0.0, new[0] - promoted) / n
            draws_tried = max(0.0, tried[0] - (dialled - promoted)) / t if t else 0.0
            honest = new[1] / n + (tried[1] / t if t else 0.0)
            every = draws_new + draws_tried + honest
            for more, drawn in ((1, draws_new), (0, draws_tried)):
                if drawn:
                    place = promoted + more
                    following[place] = following.get(place, 0.0) + chance * drawn / every
        chances = following
    return sum(chances.values())


def few_groups(dials: int, hers: int, honest: int, groups: int) -> float:
    """Her addresses are in so many netgroups, of which each is dialled once; honest ones in many.

    Behind i of hers the share (groups - i) / groups of her addresses is left to draw.
    """
    chance = 1.0
    for i in range(dials):
        left = hers * max(0, groups - i) / groups
        chance *= left / (left + honest)
    return chance


def one_bucket_each(dials: int, hers: int, honest: int, groups: int) -> float:
    """Her addresses are in so many netgroups, and each told of itself, as honest ones did.

    Whoever tells of its own netgroup has one bucket for it, so a netgroup counts as one address,
    however many are in it; less where two of them share a bucket, and a draw.
    """
    size = hers / groups
    weight = 1 - ((groups - 1) / 2 + honest / (size + 1)) / NEW_BUCKETS
    honest_weight = 1 - ((honest - 1) / 2 + groups * size / (size + 1)) / NEW_BUCKETS
    return two_tables(dials, (groups * weight, honest * honest_weight))


def few_sources(dials: int, hers: int, honest: int, sources: int) -> float:
    """Her addresses were told by so many netgroups, each of which reaches 64 buckets of 1024.

    A draw is of a random bucket in which there is anything, and of a random one in it. Over the m
    of her `64 * sources` shares that fall into a bucket, and the h honest addresses that do:
    chance of hers in one draw = E[a / (a + h)] / P(a + h > 0).
    """
    shares = NEW_BUCKETS_PER_SOURCE_GROUP * sources
    drawn = occupied = 0.0
    for m, p_m in _likely(shares, 1 / NEW_BUCKETS):
        for h, p_h in _likely(honest, 1 / NEW_BUCKETS):
            for x, p_x in _likely(hers, m / shares):
                # Each takes a place at random; one that is taken stays so.
                a = (BUCKET_SIZE - h) * (1 - (1 - 1 / BUCKET_SIZE) ** x)
                if a + h:
                    occupied += p_m * p_h * p_x
                    drawn += p_m * p_h * p_x * a / (a + h)
    return (drawn / occupied) ** dials


def _likely(trials: int, p: float) -> list[tuple[int, float]]:
    """Numbers of successes, with their chances, but for those that are rare."""
    spread = 8 * (trials * p + 1) ** 0.5
    first, last = max(0, int(trials * p - spread)), min(trials, int(trials * p + spread) + 1)
    chances = [(each, binomial(each, trials, p)) for each in range(first, last + 1)]
    return [(each, chance) for each, chance in chances if chance > _RARE]


def poisoned_newcomer(dials: int, share: float, names: int, told_by_name: int) -> float:
    """A newcomer has addresses of DNS seeds alone, a share of them hers; hers tell of hers alone.

    As long as all whom it has dialled are hers nobody else tells it anything. Each of them is one
    source more, with 64 shares of 1,024 buckets; what the seeds told of is in those of its names.
    Behind i of hers a draw is one of theirs with H_i / (H_i + D), else what the seeds told of.
    """
    each_name = _reached(told_by_name, NEW_BUCKETS_PER_SOURCE_GROUP)
    of_names = _reached(names * each_name, NEW_BUCKETS)
    chance = 1.0
    for i in range(dials):
        of_hers = _reached(NEW_BUCKETS_PER_SOURCE_GROUP * i, NEW_BUCKETS)
        chance *= (of_hers + share * of_names) / (of_hers + of_names)
    return chance


def _reached(thrown: float, buckets: int) -> float:
    """How many buckets have something in them, as a mean, when so many are thrown."""
    return buckets * -expm1(thrown * log1p(-1 / buckets))


def with_anchors(dials: int, hers: int, honest: int, gone: float, anchors: int = 2) -> float:
    """So many honest anchors are dialled first, each of which is gone by this chance."""
    return gone**anchors * two_tables(dials, (hers, honest))


def after_feelers(
    dials: int, new: tuple[int, int], tried_honest: int, first: float, promotions: float
) -> float:
    """A run of some hours has made new addresses tried, as they answered, before the restart.

    Feelers come at random moments and draw of the new table alone, so those of hers and honest ones
    that become tried are two independent Poisson numbers.

    Args:
        dials: of the restart.
        new: at the beginning, hers and honest ones.
        tried_honest: addresses that the node had met before her.
        first: of the new ones that were dialled when that run began, as many became tried.
        promotions: how many became so later, as a mean.
    """
    share = new[0] / sum(new)
    hers_mean, honest_mean = promotions * share, promotions * (1 - share)
    total = 0.0
    for x in range(int(3 * hers_mean) + 20):
        p_x = poisson(x, hers_mean)
        for y in range(int(3 * honest_mean) + 20):
            p = p_x * poisson(y, honest_mean)
            if p > _RARE:
                hers, honest = x + first * share, y + first * (1 - share)
                told = (new[0] - hers, new[1] - honest)
                total += p * two_tables(dials, told, (hers, tried_honest + honest))
    return total


def poisson(count: int, mean: float) -> float:
    """The chance of so many, where on average there are `mean`."""
    chance = exp(-mean)
    for each in range(1, count + 1):
        chance *= mean / each
    return chance
