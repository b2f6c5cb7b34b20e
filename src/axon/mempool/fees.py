"""What feerate gets a transaction into a block within so many blocks, learnt by watching.

Every transaction that comes into the pool by itself is noted with its feerate; when it is confirmed
it counts as one more example for how long such a feerate takes, and when it leaves otherwise, or is
still waiting, as an example of failure. Old examples fade with each block. Where there are too few,
the answer is that nothing is known. This is Bitcoin Core's estimator with one horizon for three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.mempool.entry import PoolEntry
from axon.mempool.policy import feerate_of
from axon.primitives.hashes import Txid

MAX_TARGET: Final = 48
"""Blocks; nothing is said about longer waits."""

DECAY: Final = 0.9952
"""What is left of an example after one block: half after a day."""

LOWEST_FEERATE: Final = 100
HIGHEST_FEERATE: Final = 10_000_000
SPACING: Final = 1.05
"""Buckets of feerates, satoshi per 1,000 virtual bytes, each a twentieth above the one before."""

SUFFICIENT_EXAMPLES: Final = 10.0
"""Faded count of transactions in a range of buckets before the range is believed."""

SUCCESS: Final = 0.85
"""Share of transactions that must have been confirmed in time."""

STRICT_SUCCESS: Final = 0.95
"""The same for a conservative answer."""

MAX_WATCHED: Final = 300_000
"""Transactions watched at once: about what the largest usual pool holds."""

_RENORMALISE: Final = 1e100


@dataclass(frozen=True, slots=True)
class Estimate:
    """What `estimatesmartfee` answers.

    Args:
        feerate_sat_kvb: None if too little was seen.
        blocks: the target it holds for, perhaps a longer one than was asked.
        errors: for a person.
    """

    feerate_sat_kvb: int | None
    blocks: int
    errors: tuple[str, ...] = ()


@dataclass(slots=True)
class _Bucket:
    """Examples of one range of feerates, weighted by age."""

    confirmed: list[float]  # By blocks waited; place 0 stays empty.
    failed: list[float]  # By blocks waited before it left, or the whole horizon.
    total: float = 0.0
    feerate_sum: float = 0.0

    def scale(self, factor: float) -> None:
        self.confirmed = [value * factor for value in self.confirmed]
        self.failed = [value * factor for value in self.failed]
        self.total *= factor
        self.feerate_sum *= factor


def _bounds() -> list[float]:
    bounds, bound = [], float(LOWEST_FEERATE)
    while bound <= HIGHEST_FEERATE:
        bounds.append(bound)
        bound *= SPACING
    return bounds


class FeeEstimator:
    """Watches the pool and the blocks.

    Told of every entry that comes in and goes, and of every block, in their order.

    Args:
        max_watched: transactions watched at once; those above it are passed over.
    """

    def __init__(self, max_watched: int = MAX_WATCHED) -> None:
        self._max_watched = max_watched
        self._bounds = _bounds()
        self._buckets = [
            _Bucket([0.0] * (MAX_TARGET + 1), [0.0] * (MAX_TARGET + 1)) for _ in self._bounds
        ]
        self._watched: dict[Txid, tuple[int, int, int]] = {}  # Height, bucket, feerate.
        self._gain = 1.0  # Grows instead of all old examples shrinking.
        self.height = 0
        """Of the last block that was seen."""

    def _place(self, feerate_sat_kvb: int) -> int:
        low, high = 0, len(self._bounds)
        while low < high:
            middle = (low + high) // 2
            if self._bounds[middle] <= feerate_sat_kvb:
                low = middle + 1
            else:
                high = middle
        return max(low - 1, 0)

    def entered(self, entry: PoolEntry) -> None:
        """A transaction came into the pool.

        Those that spend unconfirmed outputs say nothing of their own feerate, and those that come
        in while the chain is being caught up with say nothing of waiting: both are passed over.
        """
        if entry.parents or entry.height != self.height or len(self._watched) >= self._max_watched:
            return
        feerate = feerate_of(entry.fee_sat, entry.vsize)
        self._watched[entry.txid] = (entry.height, self._place(feerate), feerate)

    def left(self, txid: Txid) -> None:
        """A transaction left the pool without being confirmed."""
        watched = self._watched.pop(txid, None)
        if watched is None:
            return
        height, place, feerate = watched
        waited = self.height - height
        if waited > 0:
            self._count(place, feerate).failed[min(waited, MAX_TARGET)] += self._gain

    def _count(self, place: int, feerate: int) -> _Bucket:
        bucket = self._buckets[place]
        bucket.total += self._gain
        bucket.feerate_sum += feerate * self._gain
        return bucket

    def block_connected(self, height: int, confirmed: tuple[PoolEntry, ...]) -> None:
        """A block confirmed entries of the pool. Blocks that are not new teach nothing."""
        if height <= self.height:
            for entry in confirmed:
                self._watched.pop(entry.txid, None)
            return
        self.height = height
        self._gain /= DECAY
        if self._gain > _RENORMALISE:
            for bucket in self._buckets:
                bucket.scale(1 / self._gain)
            self._gain = 1.0
        for entry in confirmed:
            watched = self._watched.pop(entry.txid, None)
            if watched is None:
                continue
            waited = height - watched[0]
            bucket = self._count(watched[1], watched[2])
            if 0 < waited <= MAX_TARGET:
                bucket.confirmed[waited] += self._gain
            else:
                bucket.failed[MAX_TARGET] += self._gain

    def estimate(self, target: int, conservative: bool = False) -> Estimate:
        """The least feerate that got most transactions confirmed within `target` blocks.

        Args:
            target: 1 or more; from 1 to 2 and above `MAX_TARGET` the nearest useful one is taken.
            conservative: ask that nearly all were.
        """
        blocks = min(max(target, 2), MAX_TARGET)
        waiting = self._waiting()
        feerate = self._search(blocks, STRICT_SUCCESS if conservative else SUCCESS, waiting)
        while feerate is None and blocks < MAX_TARGET:
            blocks = min(blocks * 2, MAX_TARGET)
            feerate = self._search(blocks, STRICT_SUCCESS if conservative else SUCCESS, waiting)
        if feerate is None:
            return Estimate(None, blocks, ("Insufficient data or no feerate found",))
        return Estimate(feerate, blocks)

    def _waiting(self) -> list[list[int]]:
        """Per bucket, how long each of its watched transactions has waited."""
        waiting: list[list[int]] = [[] for _ in self._buckets]
        for height, place, _ in self._watched.values():
            waiting[place].append(self.height - height)
        return waiting

    def _search(self, blocks: int, share: float, waiting: list[list[int]]) -> int | None:
        """The mean feerate of the lowest range of buckets that still did well enough."""
        best: float | None = None
        seen = done = rate = total = 0.0
        for bucket, waits in zip(reversed(self._buckets), reversed(waiting), strict=True):
            total += bucket.total / self._gain
            rate += bucket.feerate_sum / self._gain
            done += sum(bucket.confirmed[: blocks + 1]) / self._gain
            # A transaction that left early might yet have been in time: it is not counted.
            seen += (sum(bucket.confirmed) + sum(bucket.failed[blocks:])) / self._gain
            seen += sum(1 for wait in waits if wait >= blocks)
            if seen < SUFFICIENT_EXAMPLES:
                continue
            if done < share * seen:
                break
            if total:
                best = rate / total
            seen = done = rate = total = 0.0
        return None if best is None else int(best + 0.5)
