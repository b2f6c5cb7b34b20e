"""What this room reads of the ledger and of the pool: small read-only protocols.

p2p stores no block and no transaction. The full node fills these with `chain.HeaderTree`,
`chain.ActiveChain` and its pool, the SPV node with headers alone, a test with ten lines. None of
their methods takes an entry, so any class with these names fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from axon.machine import DAY, SECOND, Instant
from axon.primitives.hashes import BlockHash, Txid, Wtxid
from axon.primitives.header import Header
from axon.primitives.network import TARGET_SPACING_S
from axon.primitives.transaction import Transaction

KEPT_BLOCKS: Final = 288
"""Blocks below its tip that a peer keeps which offers NETWORK_LIMITED (BIP 159): two days."""

DIRECT_FETCH_AGE: Final = 20 * TARGET_SPACING_S
"""Seconds. With a tip younger than this we are near the end, and new blocks are asked of who names
them; and they may be asked of us compact."""

_LOCATOR_DENSE = 10  # So many hashes of a locator are one apart, then distances double.


class HeaderEntryView(Protocol):
    """A header whose place in the chain is known; compared by identity."""

    @property
    def hash(self) -> BlockHash:
        """32 bytes, internal order."""
        ...

    @property
    def height(self) -> int:
        """The genesis block has 0."""
        ...

    @property
    def parent(self) -> HeaderEntryView | None:
        """None for the root of the tree."""
        ...

    @property
    def chainwork(self) -> int:
        """Expected hashes for the chain up to and with this header."""
        ...

    @property
    def time(self) -> int:
        """Seconds since 1970, as the miner says."""
        ...

    @property
    def bits(self) -> int:
        """The target in compact form."""
        ...

    @property
    def header(self) -> Header:
        """The 80 bytes as a value."""
        ...

    def ancestor(self, height: int) -> HeaderEntryView | None:
        """The entry of this chain at a height; None above its own and below the root."""
        ...


class HeaderTreeView(Protocol):
    """All known headers."""

    @property
    def genesis(self) -> HeaderEntryView:
        """The root, from which all others grow."""
        ...

    @property
    def best(self) -> HeaderEntryView:
        """The one with the most work that is not known to be invalid."""
        ...

    def get(self, block_hash: BlockHash) -> HeaderEntryView | None:
        """The entry of a header, or None."""
        ...

    def is_invalid(self, block_hash: BlockHash) -> bool:
        """Whether its block, or one that it builds on, proved invalid."""
        ...


class ActiveChainView(Protocol):
    """The blocks whose effects are in the coins: connected and valid."""

    @property
    def tip(self) -> HeaderEntryView:
        """The newest of them."""
        ...

    def at(self, height: int) -> HeaderEntryView | None:
        """The block of this chain at a height from 0; None above the tip."""
        ...


class ChainView(Protocol):
    """The chain that a node goes by, whether it keeps blocks or headers alone."""

    @property
    def headers(self) -> HeaderTreeView:
        """All known headers."""
        ...

    @property
    def tip(self) -> HeaderEntryView:
        """The newest connected block; where there are only headers, the best of them."""
        ...

    @property
    def minimum_chainwork(self) -> int:
        """What the network's chain is known to have at least; one with less leads nowhere."""
        ...

    def in_initial_sync(self, now: Instant) -> bool:
        """Whether the node is still catching up."""
        ...


class BlockChainView(ChainView, Protocol):
    """The chain of a node that keeps blocks."""

    @property
    def active(self) -> ActiveChainView:
        """The connected blocks."""
        ...

    def has_block(self, block_hash: BlockHash) -> bool:
        """Whether a block need not be fetched: it is held, connected or not, or was and is
        pruned."""
        ...

    def is_held(self, block_hash: BlockHash) -> bool:
        """Whether a block is held, or being validated, and not pruned."""
        ...


class HeadersOnly:
    """The `ChainView` of a client that keeps no blocks.

    Args:
        headers: all known headers; the best one stands for the tip.
        minimum_chainwork: as `ChainView` says.
    """

    def __init__(self, headers: HeaderTreeView, minimum_chainwork: int = 0) -> None:
        self.headers = headers
        self.minimum_chainwork = minimum_chainwork

    @property
    def tip(self) -> HeaderEntryView:
        """The best header."""
        return self.headers.best

    def in_initial_sync(self, now: Instant) -> bool:
        """Whether the best header is older than a day."""
        return self.headers.best.time * SECOND < now - DAY


class PoolChunkView(Protocol):
    """Unconfirmed transactions that a miner would take together."""

    @property
    def fee_sat(self) -> int:
        """The sum over its entries."""
        ...

    @property
    def weight_wu(self) -> int:
        """The sum over its entries."""
        ...

    @property
    def entries(self) -> Sequence[PoolEntryView]:
        """Parents before children."""
        ...


class PoolClusterView(Protocol):
    """All unconfirmed transactions that hang together, cut into chunks."""

    @property
    def chunks(self) -> Sequence[PoolChunkView]:
        """In the order in which they would be mined, so the best feerate comes first."""
        ...


class PoolEntryView(Protocol):
    """One unconfirmed transaction."""

    @property
    def transaction(self) -> Transaction:
        """With its witness."""
        ...

    @property
    def txid(self) -> Txid:
        """Of the transaction, 32 bytes, internal order."""
        ...

    @property
    def wtxid(self) -> Wtxid:
        """Of the transaction, 32 bytes, internal order."""
        ...

    @property
    def fee_sat(self) -> int:
        """What it pays itself, without the operator's changes of priority."""
        ...

    @property
    def vsize(self) -> int:
        """Size in virtual bytes: weight units by four, rounded up."""
        ...

    @property
    def sequence(self) -> int:
        """The pool's `sequence` when it came in."""
        ...

    @property
    def chunk(self) -> PoolChunkView:
        """With whom it would be mined."""
        ...

    @property
    def cluster(self) -> PoolClusterView:
        """With whom it hangs together."""
        ...


class TxPool(Protocol):
    """The unconfirmed transactions."""

    @property
    def sequence(self) -> int:
        """Counts up with every entry that comes; what comes next has this number."""
        ...

    @property
    def unbroadcast(self) -> Sequence[Txid]:
        """Those handed in by the operator that no peer has asked for yet."""
        ...

    def get(self, txid: Txid) -> PoolEntryView | None:
        """The entry of a transaction, or None."""
        ...

    def by_wtxid(self, wtxid: Wtxid) -> PoolEntryView | None:
        """The entry of a transaction in exactly this form, or None."""
        ...

    def entries(self) -> Iterable[PoolEntryView]:
        """All of them, in any order."""
        ...

    def mining_chunks(self) -> Iterable[tuple[float, tuple[PoolEntryView, ...]]]:
        """In the order in which they would be mined: feerate of a chunk, and its entries."""
        ...


def locator(headers: HeaderTreeView, entry: HeaderEntryView) -> tuple[BlockHash, ...]:
    """Hashes by which a peer finds where its chain leaves the one that ends in `entry`.

    `entry` and the ten before it, then at distances that double, the root last: some 30 hashes
    for a million blocks.
    """
    lowest, step, height = headers.genesis.height, 1, entry.height
    hashes = [entry.hash]
    while height > lowest:
        if len(hashes) > _LOCATOR_DENSE:
            step *= 2
        height = max(height - step, lowest)
        found = entry.ancestor(height)
        assert found is not None, "heights from the root up have an ancestor"
        hashes.append(found.hash)
    return tuple(hashes)


def is_active(active: ActiveChainView, entry: HeaderEntryView) -> bool:
    """Whether an entry is a block of the active chain."""
    return active.at(entry.height) is entry


def find_fork(
    active: ActiveChainView, headers: HeaderTreeView, locator_hashes: Sequence[BlockHash]
) -> HeaderEntryView:
    """The newest block of the active chain that the owner of a locator has for certain.

    Returns:
        The first named block that is active, or the tip where a named block builds on it; the root
        if nothing is known.
    """
    for block_hash in locator_hashes:
        entry = headers.get(block_hash)
        if entry is None:
            continue
        if is_active(active, entry):
            return entry
        tip = active.tip
        if entry.ancestor(tip.height) is tip:
            return tip
    return headers.genesis
