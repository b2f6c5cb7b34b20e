"""Which transactions the next block takes, and the block around them.

The pool gives its chunks best feerate first; the template takes each that still fits. A coinbase
pays subsidy and fees to one script and commits to the witnesses (BIP 141); its height stands first
in it (BIP 34), and its locktime is the height before, so that no two coinbases can be alike (BIP
54).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from axon.chain.deployments import block_version
from axon.chain.headertree import HeaderEntry
from axon.chain.rules import MAX_TIMEWARP_S, HeaderRules
from axon.mempool.entry import PoolEntry
from axon.primitives.block import MAX_BLOCK_WEIGHT, WITNESS_MAGIC, Block
from axon.primitives.hashes import ZERO_HASH, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import Network
from axon.primitives.script import push, push_number
from axon.primitives.sigops import MAX_BLOCK_SIGOPS_COST
from axon.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut

RESERVED_WEIGHT: Final = 8_000
"""Weight units kept free for header, transaction count and coinbase (`-blockreservedweight`)."""

RESERVED_SIGOPS_COST: Final = 400
"""For the coinbase's outputs, which are not known yet."""

FAILURES_NEAR_FULL: Final = 1_000
"""So many chunks in a row that did not fit into a nearly full block end the search."""

NEARLY_FULL_WEIGHT: Final = 4_000
"""A block with no more weight than this left is nearly full."""

_COINBASE_SEQUENCE = 0xFFFF_FFFE  # Not final, so that its locktime counts.
_WITNESS_RESERVED = bytes(32)


@dataclass(frozen=True, slots=True)
class BlockLimits:
    """What the operator decided about blocks made here.

    Args:
        max_weight_wu: of the whole block (`-blockmaxweight`).
        reserved_weight_wu: of it, for coinbase and header (`-blockreservedweight`).
        min_feerate_sat_kvb: what pays less stays out (`-blockmintxfee`).
        version: of the header (`-blockversion`, on regtest); None to signal what is not decided.
    """

    max_weight_wu: int = MAX_BLOCK_WEIGHT
    reserved_weight_wu: int = RESERVED_WEIGHT
    min_feerate_sat_kvb: int = 1
    version: int | None = None


DEFAULT_LIMITS: Final = BlockLimits()


@dataclass(frozen=True, slots=True)
class BlockTemplate:
    """A block to be mined, without coinbase.

    Args:
        parent: on which it builds.
        version: of the header.
        bits: its target.
        time: seconds since 1970.
        min_time: the earliest time it may have.
        entries: of the pool, in block order.
        fees_sat: what they pay in all, as they are, without the operator's priorities.
        subsidy_sat: new coins at its height.
        weight_wu: of the transactions, and what is reserved.
        sigops_cost: likewise.
        segwit: whether witnesses hold in it.
    """

    parent: HeaderEntry
    version: int
    bits: int
    time: int
    min_time: int
    entries: tuple[PoolEntry, ...]
    fees_sat: int
    subsidy_sat: int
    weight_wu: int
    sigops_cost: int
    segwit: bool

    @property
    def height(self) -> int:
        """Of the block to be mined."""
        return self.parent.height + 1

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        """Behind the coinbase, in order."""
        return tuple([entry.transaction for entry in self.entries])

    def commitment(self) -> bytes:
        """The script of the coinbase output that commits to the witnesses (BIP 141)."""
        return commitment_script(self.transactions)

    def build(self, script_pubkey: bytes, extra_nonce: bytes = b"") -> Block:
        """The block with a coinbase that pays everything to one script; nonce 0.

        Args:
            script_pubkey: who is paid.
            extra_nonce: makes coinbases differ; at most 80 bytes.
        """
        reward = self.subsidy_sat + self.fees_sat
        return assemble(
            self.parent,
            self.transactions,
            [TxOut(reward, script_pubkey)],
            version=self.version,
            time=self.time,
            bits=self.bits,
            extra_nonce=extra_nonce,
            segwit=self.segwit,
        )


def commitment_script(transactions: Sequence[Transaction]) -> bytes:
    """The script that commits to the witnesses of a block with these behind its coinbase."""
    root = merkle_root([ZERO_HASH, *(item.wtxid for item in transactions)])
    return WITNESS_MAGIC + sha256d(root + _WITNESS_RESERVED)


def coinbase(
    height: int,
    outputs: Sequence[TxOut],
    commitment: bytes,
    extra_nonce: bytes = b"",
    *,
    segwit: bool = True,
) -> Transaction:
    """The first transaction of a block.

    Args:
        height: of the block.
        outputs: who is paid.
        commitment: the script from `commitment_script`.
        extra_nonce: at most 80 bytes, pushed behind the height.
        segwit: whether witnesses hold at the height; else it must have none itself.
    """
    script_sig = push_number(height) + (push(extra_nonce) if extra_nonce else b"")
    if len(script_sig) < 2:
        script_sig += b"\x00"  # A coinbase's script has at least two bytes.
    witness = (_WITNESS_RESERVED,) if segwit else ()
    spends = TxIn(NULL_OUTPOINT, script_sig, _COINBASE_SEQUENCE, witness)
    return Transaction.build(2, [spends], [*outputs, TxOut(0, commitment)], height - 1)


def assemble(
    parent: HeaderEntry,
    transactions: Sequence[Transaction],
    outputs: Sequence[TxOut],
    *,
    version: int,
    time: int,
    bits: int,
    extra_nonce: bytes = b"",
    segwit: bool = True,
) -> Block:
    """A block from its parts, with nonce 0; whether it is valid is not looked at."""
    commitment = commitment_script(transactions)
    first = coinbase(parent.height + 1, outputs, commitment, extra_nonce, segwit=segwit)
    whole = [first, *transactions]
    root = merkle_root([item.txid for item in whole])
    return Block.build(Header.build(version, parent.hash, root, time, bits, 0), whole)


def next_template(
    network: Network,
    parent: HeaderEntry,
    chunks: Iterable[tuple[float, tuple[PoolEntry, ...]]],
    now_s: int,
    limits: BlockLimits = DEFAULT_LIMITS,
) -> BlockTemplate:
    """The best block on `parent` that the pool allows.

    Args:
        network: whose rules hold.
        parent: the tip.
        chunks: from `Mempool.mining_chunks()`: feerate in satoshi per 1,000 vbytes and entries,
            best first.
        now_s: the time of day, seconds since 1970.
        limits: the operator's.
    """
    weight, sigops, fees, failures = limits.reserved_weight_wu, RESERVED_SIGOPS_COST, 0, 0
    chosen: list[PoolEntry] = []
    for feerate, entries in chunks:
        if feerate < limits.min_feerate_sat_kvb:
            break
        added_weight = sum(entry.weight_wu for entry in entries)
        added_sigops = sum(entry.sigops_cost for entry in entries)
        if (
            weight + added_weight > limits.max_weight_wu
            or sigops + added_sigops > MAX_BLOCK_SIGOPS_COST
        ):
            failures += 1
            if failures > FAILURES_NEAR_FULL and weight > limits.max_weight_wu - NEARLY_FULL_WEIGHT:
                break
            continue
        failures = 0
        weight += added_weight
        sigops += added_sigops
        fees += sum(entry.fee_sat for entry in entries)
        chosen += entries
    min_time = minimum_time(parent, network)
    time = max(min_time, now_s)
    return BlockTemplate(
        parent=parent,
        version=block_version(network, parent) if limits.version is None else limits.version,
        bits=HeaderRules(network).next_bits(parent, time),
        time=time,
        min_time=min_time,
        entries=tuple(chosen),
        fees_sat=fees,
        subsidy_sat=network.subsidy_sat(parent.height + 1),
        weight_wu=weight,
        sigops_cost=sigops,
        segwit=network.has_segwit(parent.height + 1),
    )


def minimum_time(parent: HeaderEntry, network: Network) -> int:
    """The earliest time of a block on `parent`: above the median, and no time warp (BIP 94)."""
    earliest = parent.median_time_past() + 1
    if (parent.height + 1) % network.difficulty_interval == 0:
        earliest = max(earliest, parent.time - MAX_TIMEWARP_S)
    return earliest
