"""What the pool answers about a transaction, and what it asks to be told of the chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from axon.mempool.entry import PoolEntry
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.primitives.verdict import Rejected


class CoinLike(Protocol):
    """A confirmed output that nobody has spent."""

    @property
    def height(self) -> int:
        """Of the block that made it."""

    @property
    def coinbase(self) -> bool:
        """Whether a block's first transaction made it."""

    @property
    def amount_sat(self) -> int:
        """From 0 to 21,000,000 bitcoin."""

    @property
    def script_pubkey(self) -> bytes:
        """What guards it."""


FoundCoins = Mapping[OutPoint, CoinLike | None]
"""Unspent outputs of the active chain, looked up beforehand: the pool asks no disk.

`acceptance.coins_to_find` says which to look up (and `coins_that_tell`, if one of them is
missing), `chain.coins.Coins.read` does it. They count while
the tip is the block that they were read at; what is not among them is taken not to exist."""


class Refusal(Enum):
    """What a refusal says about the future: whether the same bytes may fare better another time."""

    CONSENSUS = auto()
    """Never valid."""
    NONSTANDARD = auto()
    """Not relayed by this node's policy."""
    INPUTS_NONSTANDARD = auto()
    """It spends something that is not relayed; another witness would not help."""
    MISSING_INPUTS = auto()
    """It spends what is not known: an orphan, or too late."""
    PREMATURE = auto()
    """Not yet: its lock times, or a young coinbase."""
    WITNESS_MUTATED = auto()
    """Its witness is not relayed; another witness may be."""
    WITNESS_STRIPPED = auto()
    """It came without the witness that it needs."""
    CONFLICT = auto()
    """It is here already, or confirmed."""
    POLICY = auto()
    """The pool as it is has no place for it."""
    RECONSIDERABLE = auto()
    """It pays too little alone; together with a child it may do."""


@dataclass(frozen=True, slots=True)
class Refused(Rejected):
    """A transaction was refused by the pool.

    Args:
        kind: what that means for later.
        missing: transactions whose outputs it spends and that nobody knows; for MISSING_INPUTS.
    """

    kind: Refusal = Refusal.POLICY
    missing: tuple[Txid, ...] = ()


@dataclass(frozen=True, slots=True)
class CrowdedOut(Refused):
    """It came in, and had to go at once because others pay better.

    Args:
        replaced: entries that it had pushed out.
        evicted: other entries that had to go because the pool is full or they were too old.
    """

    replaced: tuple[PoolEntry, ...] = ()
    evicted: tuple[PoolEntry, ...] = ()


@dataclass(slots=True, eq=False)
class Prepared:
    """A transaction that passed all checks but its scripts.

    Args:
        transaction: whose scripts are to be verified now.
        spent: the outputs it spends, one per input: what the scripts are verified against.
        fee_sat: without what the operator added.
        entry: what it will be in the pool; `entry.vsize` and `entry.modified_fee_sat` are final.
        conflicts: entries that spend the same outputs.
        replaced: those and their descendants; they go when it is admitted.
        bypass_limits: whether fees and TRUC rules did not count, as for transactions of a block
            that is no longer in the chain.
        tip_hash: of the chain it was prepared for.
        version: of the pool it was prepared for.
    """

    transaction: Transaction
    spent: list[TxOut]
    fee_sat: int
    entry: PoolEntry
    bypass_limits: bool
    tip_hash: BlockHash
    version: int
    conflicts: dict[Txid, PoolEntry] = field(default_factory=dict)
    replaced: list[PoolEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A transaction is in the pool.

    Args:
        entry: what became of it.
        replaced: entries that had to go because it spends what they spent.
        evicted: entries that had to go because the pool is full or because they were too old.
    """

    entry: PoolEntry
    replaced: tuple[PoolEntry, ...] = ()
    evicted: tuple[PoolEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockEffect:
    """What a block that joined the chain took out of the pool.

    Args:
        confirmed: entries that are in the block, in its order.
        conflicting: entries that spend what the block spent, and their descendants.
    """

    confirmed: tuple[PoolEntry, ...]
    conflicting: tuple[PoolEntry, ...]


@dataclass(frozen=True, slots=True)
class ReorgEffect:
    """What a change of the chain did to the pool.

    Args:
        confirmed: entries that are in the new blocks.
        conflicting: entries that the new blocks made impossible, and their descendants.
        returned: entries made of transactions whose block is no longer in the chain.
        removed: entries that have no place any more: their inputs are gone, they are no longer
            final or mature, or the pool is full.
    """

    confirmed: tuple[PoolEntry, ...]
    conflicting: tuple[PoolEntry, ...]
    returned: tuple[PoolEntry, ...]
    removed: tuple[PoolEntry, ...]
