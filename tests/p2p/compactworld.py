"""Blocks with transactions, and what holds some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from axon.primitives.block import WITNESS_MAGIC, Block
from axon.primitives.hashes import ZERO_HASH, BlockHash, Wtxid, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import REGTEST
from axon.primitives.transaction import NULL_OUTPOINT, OutPoint, Transaction, TxIn, TxOut

NONCE: Final = 0x1122334455667788


def spend(number: int, witness: bool = True) -> Transaction:
    """Some transaction that is like no other."""
    point = OutPoint(number.to_bytes(36, "big"))
    stack = (number.to_bytes(4, "big"),) if witness else ()
    return Transaction.build(2, [TxIn(point, b"", 0, stack)], [TxOut(number, b"\x51")])


def block_of(transactions: Iterable[Transaction], parent: BlockHash | None = None) -> Block:
    """A block that commits to these and their witnesses; nobody worked for it."""
    others = list(transactions)
    root = merkle_root([ZERO_HASH, *(item.wtxid for item in others)])
    commitment = WITNESS_MAGIC + sha256d(root + ZERO_HASH)
    coinbase = Transaction.build(
        2, [TxIn(NULL_OUTPOINT, b"\x51\x00", 0, (ZERO_HASH,))], [TxOut(50, commitment)]
    )
    whole = [coinbase, *others]
    header = Header.build(
        4,
        parent or REGTEST.genesis.hash,
        merkle_root([item.txid for item in whole]),
        1_700_000_000,
        REGTEST.genesis.header.bits,
        0,
    )
    return Block.build(header, whole)


@dataclass(frozen=True)
class Pooled:
    """An entry of a pool, as far as it matters here."""

    transaction: Transaction


def pool_of(transactions: Iterable[Transaction]) -> Mapping[Wtxid, Pooled]:
    """A pool with these."""
    return {item.wtxid: Pooled(item) for item in transactions}
