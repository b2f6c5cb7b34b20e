"""What feerate gets a transaction into a block within so many blocks, learnt by watching.

Every transaction that comes into the pool by itself is noted with its feerate; when it is confirmed
it counts as one more example for how long such a feerate takes, and when it leaves otherwise, or is
still waiting, as an example of failure. Where there are too few examples the answer is that nothing
is known. This is Bitcoin Core's estimator, with its three horizons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.mempool.entry import PoolEntry
from axon.mempool.feehistory import BOUNDS, FeeHistory, Horizon, RawEstimate, bucket_of
from axon.mempool.policy import feerate_of
from axon.primitives.hashes import Txid

SHORT: Final = Horizon("short", 12, 1, 0.962, 0.5)
MEDIUM: Final = Horizon("medium", 24, 2, 0.9952, 0.1)
LONG: Final = Horizon("long", 42, 24, 0.99931, 0.1)
HORIZONS: Final = (SHORT, MEDIUM, LONG)
"""Half of an example is left after 18 blocks, a day, a week."""

MAX_TARGET: Final = LONG.max_target
"""Blocks: a week; nothing is said about longer waits."""

HALF_SUCCESS: Final = 0.60
SUCCESS: Final = 0.85
DOUBLE_SUCCESS: Final = 0.95
"""Shares of transactions that must have been confirmed within half the target, it, and twice it."""

MAX_WATCHED: Final = 300_000
"""Transactions watched at once: about what the largest usual pool holds."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What `estimatesmartfee` answers.

    Args:
        feerate_sat_kvb: None if too little was seen.
        blocks: the target it holds for, perhaps a shorter one than was asked: of longer waits
            nothing can be known before they have been possible.
        errors: for a person.
    """

    feerate_sat_kvb: int | None
    blocks: int
    errors: tuple[str, ...] = ()


class FeeEstimator:
    """Watches the pool and the blocks.

    Told of every entry that comes in and goes, and of every block, in their order.

    Args:
        max_watched: transactions watched at once; those above it are passed over.
    """

    def __init__(self, max_watched: int = MAX_WATCHED) -> None:
        self._max_watched = max_watched
        self._histories = {horizon: FeeHistory(horizon) for horizon in HORIZONS}
        self._watched: dict[Txid, tuple[int, int, int]] = {}  # Height, bucket, feerate.
        self._waiting: dict[int, dict[int, int]] = {}  # The same, counted by height and bucket.
        self._first = 0  # Height of the first block that confirmed something that was watched.
        self.height = 0
        """Of the last block that was seen."""

    def entered(self, entry: PoolEntry) -> None:
        """A transaction came into the pool.

        Those that spend unconfirmed outputs say nothing of their own feerate, and those that come
        in while the chain is being caught up with say nothing of waiting: both are passed over.
        """
        if entry.parents or entry.height != self.height or len(self._watched) >= self._max_watched:
            return
        feerate = feerate_of(entry.fee_sat, entry.vsize)
        place = bucket_of(feerate)
        self._forget(entry.txid)
        self._watched[entry.txid] = (entry.height, place, feerate)
        counts = self._waiting.setdefault(entry.height, {})
        counts[place] = counts.get(place, 0) + 1

    def left(self, txid: Txid) -> None:
        """A transaction left the pool without being confirmed."""
        watched = self._forget(txid)
        if watched is not None:
            height, place, _ = watched
            for history in self._histories.values():
                history.left(place, self.height - height)

    def _forget(self, txid: Txid) -> tuple[int, int, int] | None:
        watched = self._watched.pop(txid, None)
        if watched is not None:
            height, place, _ = watched
            counts = self._waiting[height]
            counts[place] -= 1
            if not counts[place]:
                del counts[place]
            if not counts:
                del self._waiting[height]
        return watched

    def block_connected(self, height: int, confirmed: tuple[PoolEntry, ...]) -> None:
        """A block confirmed entries of the pool. Blocks that are not new teach nothing."""
        watched = [found for entry in confirmed if (found := self._forget(entry.txid)) is not None]
        if height <= self.height:
            return
        self.height = height
        if watched and not self._first:
            self._first = height
        for history in self._histories.values():
            history.fade()
            for entered, place, feerate in watched:
                history.confirmed(place, feerate, height - entered)

    def estimate(self, target: int, conservative: bool = False) -> Estimate:
        """The least feerate that got most transactions confirmed within `target` blocks.

        Args:
            target: from 1 to `MAX_TARGET`; 1 is taken for 2.
            conservative: ask more of longer horizons, too.
        """
        span = self.height - self._first if self._first else 0
        blocks = min(max(target, 2), MAX_TARGET, span // 2)
        found = None if blocks <= 1 else self._smart(blocks, conservative)
        if found is None:
            return Estimate(None, blocks, ("Insufficient data or no feerate found",))
        return Estimate(found, blocks)

    def raw(self, target: int, success: float, horizon: Horizon) -> RawEstimate:
        """What one horizon says.

        Args:
            target: blocks, up to the horizon's.
            success: the share of transactions that must have been confirmed in time.
        """
        waiting = [0] * len(BOUNDS)
        for height, counts in self._waiting.items():
            if self.height - height >= target:
                for place, count in counts.items():
                    waiting[place] += count
        return self._histories[horizon].search(target, success, waiting)

    def _smart(self, blocks: int, conservative: bool) -> int | None:
        found = [
            self._combined(blocks // 2, HALF_SUCCESS, shorter=True),
            self._combined(blocks, SUCCESS, shorter=True),
            self._combined(2 * blocks, DOUBLE_SUCCESS, shorter=not conservative),
        ]
        if conservative or all(each is None for each in found):
            found += self._of_longer(2 * blocks)
        return max((each for each in found if each is not None), default=None)

    def _combined(self, target: int, success: float, *, shorter: bool) -> int | None:
        """What the shortest horizon says that reaches so far.

        Args:
            shorter: a shorter horizon may say less for the longest wait that it knows.
        """
        reaching = [horizon for horizon in HORIZONS if target <= horizon.max_target]
        if not reaching or target < 1:
            return None
        best = self.raw(target, success, reaching[0]).feerate_sat_kvb
        for horizon in (MEDIUM, SHORT) if shorter else ():
            if target > horizon.max_target:
                found = self.raw(horizon.max_target, success, horizon).feerate_sat_kvb
                if found is not None and (best is None or found < best):
                    best = found
        return best

    def _of_longer(self, double_target: int) -> list[int | None]:
        """What horizons say that are longer than need be."""
        found: list[int | None] = []
        for shorter, longer in ((SHORT, MEDIUM), (MEDIUM, LONG)):
            if double_target <= shorter.max_target:
                found.append(self.raw(double_target, DOUBLE_SUCCESS, longer).feerate_sat_kvb)
        return found
