"""What the pool keeps of one transaction, and how entries hang together.

Entries that spend one another, in whatever direction, form a *cluster*. A cluster is kept in one
fixed order (its linearisation) and that order is cut into *chunks*: groups that a miner would take
together, each with a feerate no higher than that of the chunk before it. All choices about mining,
eviction and replacement are made by chunks (Bitcoin Core 31's cluster mempool).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import OutPoint, Transaction

HIGHEST_REPLACEABLE: Final = 0xFFFF_FFFD
"""A sequence number of an input up to this one says so (BIP 125)."""


class PoolEntry:
    """One unconfirmed transaction with what the pool knows of it.

    Only the pool changes it. `parents` and `children` are the direct ones inside the pool, in the
    order in which they became known.
    """

    __slots__ = (
        "adjusted_weight_wu",
        "children",
        "chunk",
        "cluster",
        "coinbase_height",
        "fee_sat",
        "height",
        "heights",
        "modified_fee_sat",
        "parents",
        "prevouts",
        "relative_lock",
        "sequence",
        "signals",
        "sigops_cost",
        "time_us",
        "transaction",
        "txid",
        "usage_bytes",
        "vsize",
        "weight_wu",
        "wtxid",
    )

    def __init__(
        self,
        transaction: Transaction,
        fee_sat: int,
        weight_wu: int,
        adjusted_weight_wu: int,
        sigops_cost: int,
        height: int,
        time_us: int,
    ) -> None:
        self.transaction = transaction
        self.txid: Txid = transaction.txid
        self.wtxid: Wtxid = transaction.wtxid
        self.prevouts: tuple[OutPoint, ...] = ()
        self.fee_sat = fee_sat
        self.modified_fee_sat = fee_sat  # With what `prioritisetransaction` added.
        self.weight_wu = weight_wu
        self.adjusted_weight_wu = adjusted_weight_wu  # At least sigops_cost * bytes_per_sigop.
        self.vsize = (adjusted_weight_wu + 3) // 4
        self.sigops_cost = sigops_cost
        self.height = height  # Of the tip when it came in.
        self.time_us = time_us  # When it came in, microseconds since 1970.
        self.signals = any(item.sequence <= HIGHEST_REPLACEABLE for item in transaction.inputs)
        """Whether it says of itself that it may be replaced (BIP 125)."""
        self.sequence = 0  # Counts up over all additions and removals of the pool.
        self.coinbase_height = -1  # Of the youngest coinbase it spends; -1 if it spends none.
        self.relative_lock = False  # Whether BIP 68 binds one of its inputs.
        self.heights: list[int] = []  # With it: of the coins it spends, one per input.
        self.usage_bytes = 0
        self.parents: dict[Txid, PoolEntry] = {}
        self.children: dict[Txid, PoolEntry] = {}
        self.chunk: Chunk  # Set when the entry joins the pool, with `cluster`.
        self.cluster: Cluster

    def __repr__(self) -> str:
        return f"PoolEntry({self.txid[::-1].hex()})"


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What RPC tells of an entry beside its own fields; an entry counts among both its kin.

    Args:
        ancestor_fees_sat: modified fees, as are all fees here.
        replaceable: whether it, or what it hangs on, says that it may be replaced (BIP 125).
    """

    ancestor_count: int
    ancestor_vsize: int
    ancestor_fees_sat: int
    descendant_count: int
    descendant_vsize: int
    descendant_fees_sat: int
    replaceable: bool


class Chunk(NamedTuple):
    """Entries that are mined together, in an order in which they may stand in a block.

    Args:
        fee_sat: their modified fees, summed.
        weight_wu: their sigops-adjusted weights, summed.
        entries: parents before children.
    """

    fee_sat: int
    weight_wu: int
    entries: tuple[PoolEntry, ...]

    @property
    def feerate_sat_kvb(self) -> int:
        """Satoshi per 1,000 virtual bytes, rounded down."""
        return self.fee_sat * 1_000 // ((self.weight_wu + 3) // 4)

    @property
    def highest_txid(self) -> Txid:
        """What settles the order of chunks of the same feerate and size."""
        entries = self.entries
        return entries[0].txid if len(entries) == 1 else max([entry.txid for entry in entries])

    def rank(self) -> tuple[float, int, Txid]:
        """The lower, the earlier it is mined, but for what it spends."""
        # Division of integers rounds correctly, so it never turns the order of two chunks around.
        return -self.fee_sat / self.weight_wu, self.weight_wu, self.highest_txid


@dataclass(slots=True, eq=False)
class Cluster:
    """All entries that hang together, cut into chunks, best first.

    Never changed: whoever adds or takes an entry makes a new one.

    Args:
        chunks: best feerate first; each may be mined once those before it are.
        count: entries in all chunks.
        weight_wu: sigops-adjusted, of all entries.
        optimal: whether no other order would have a better feerate diagram.
    """

    chunks: tuple[Chunk, ...]
    count: int
    weight_wu: int
    optimal: bool

    def entries(self) -> Iterator[PoolEntry]:
        """Every entry, in the order in which they would be mined."""
        for chunk in self.chunks:
            yield from chunk.entries
