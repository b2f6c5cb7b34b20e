"""What is known of coins of others, and which part of the chain is searched for them next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from axon.chain.headertree import HeaderEntry
from axon.machine import PeerId
from axon.node.spends import ClaimedCoin, Spent
from axon.primitives.hashes import BlockHash, Txid


@dataclass(frozen=True, slots=True)
class KeptSearched:
    """Continuation: filters of earlier runs were matched for a search."""

    batch: int


@dataclass(frozen=True, slots=True)
class FiltersSearched:
    """Continuation: filters that came from peers were matched for a search."""

    batch: int


@dataclass(frozen=True, slots=True)
class BlockSearched:
    """Continuation: a block was searched.

    Args:
        batch: for which batch.
        height: of the block.
        hash: of the block.
        peer: who sent it.
    """

    batch: int
    height: int
    hash: BlockHash
    peer: PeerId


@dataclass(eq=False, slots=True)
class CoinState:
    """What is known of one coin.

    Args:
        claim: as it was shown.
        upto: no block from the one that made it up to this one spends it; None as long as not even
            that block was looked at.
        spent_at: the block of the best chain that spends it.
        spent_by: what does.
    """

    claim: ClaimedCoin
    upto: HeaderEntry | None = None
    spent_at: HeaderEntry | None = None
    spent_by: Txid | None = None

    @property
    def next_height(self) -> int:
        """Of the block to look at next."""
        return self.claim.height if self.upto is None else self.upto.height + 1

    @property
    def spent(self) -> Spent | None:
        """What spends it; None if nothing is known to."""
        if self.spent_at is None or self.spent_by is None:
            return None
        entry = self.spent_at
        return Spent(self.claim.outpoint, self.spent_by, entry.height, entry.hash)

    def move_up(self, entry: HeaderEntry) -> None:
        """All blocks up to this one were looked at."""
        if self.upto is None or entry.height > self.upto.height:
            self.upto = entry if entry.height >= self.claim.height else None

    def go_back(self, best: HeaderEntry, cut: int | None) -> None:
        """The best chain is another, or filters above a height are."""
        if self.spent_at is not None and best.ancestor(self.spent_at.height) is not self.spent_at:
            self.spent_at = self.spent_by = None
        upto = None if self.upto is None else self.upto.fork_with(best)
        if upto is not None and cut is not None and upto.height > cut:
            upto = upto.ancestor(cut)
        self.upto = None
        if upto is not None:
            self.move_up(upto)


@dataclass(eq=False, slots=True)
class CoinGroup:
    """Coins that are searched for somebody.

    Args:
        coins: in the order in which they were named.
        blocks: read for them so far.
    """

    coins: tuple[CoinState, ...]
    blocks: int = 0

    @property
    def lowest(self) -> CoinState:
        """The coin of which least is known."""
        return min(self.coins, key=lambda coin: coin.next_height)

    @property
    def spent(self) -> Spent | None:
        """What spends the first of them that is spent; None if none is known to be."""
        return next((coin.spent for coin in self.coins if coin.spent_at is not None), None)


@dataclass(eq=False, slots=True)
class SearchBatch:
    """Blocks in a row that are searched together.

    Args:
        number: of the batch.
        groups: for whom.
        coins: for which; all are searched from its first block on.
        first: height of the first block.
        last: height of the last block.
    """

    number: int
    groups: list[CoinGroup]
    coins: list[CoinState]
    first: int
    last: int
    working: bool = False  # A job of this batch is under way.
    matched: bool = False  # Its filters are.
    wanted: dict[int, BlockHash] = field(default_factory=dict)  # Matching, not searched yet.
    held: dict[BlockHash, tuple[PeerId, bytes]] = field(default_factory=dict)  # Before their turn.

    @property
    def scripts(self) -> tuple[bytes, ...]:
        """What is looked for, each once."""
        return tuple(dict.fromkeys([coin.claim.script_pubkey for coin in self.coins]))


def next_batch(groups: Iterable[CoinGroup], number: int, top: int, size: int) -> SearchBatch | None:
    """What to search next: for whom the fewest blocks are left, and for all who begin there.

    Args:
        groups: all of them.
        number: of the batch.
        top: height up to which filters can be had.
        size: blocks of a batch at most.
    """
    unspent = [(group, [coin for coin in group.coins if coin.spent_at is None]) for group in groups]
    heights = [[coin.next_height for coin in coins] for _, coins in unspent]
    chosen = max((each for each in heights if each and min(each) <= top), key=min, default=None)
    if chosen is None:
        return None
    first = min(chosen)
    last = min([first + size - 1, top, *[height - 1 for height in chosen if height > first]])
    there = [
        (group, [coin for coin in coins if coin.next_height == first]) for group, coins in unspent
    ]
    for_whom = [group for group, coins in there if coins]
    coins = dict.fromkeys([coin for _, coins in there for coin in coins])
    return SearchBatch(number, for_whom, list(coins), first, last)
