"""The pool as bytes: Bitcoin Core's `mempool.dat`, versions 1 and 2.

Layout, little-endian: version (u64); in version 2 a key (compact size 8, then 8 bytes) with which
all that follows is XORed, by position in the file; a count (u64) and per transaction its bytes with
witness, the second it came in (i64) and what the operator added to its fee (i64); the added fees of
transactions that are not here (compact size, then txid and i64 each); the txids that no peer has
asked for yet (compact size, then 32 bytes each).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from axon.errors import DecodeError
from axon.machine import SECOND
from axon.mempool.entry import Chunk
from axon.mempool.table import EntryTable, merge_chunks
from axon.primitives.encoding import Reader, compact_size, read_compact_size
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, scan_transaction

VERSION_PLAIN: Final = 1
VERSION: Final = 2
KEY_SIZE: Final = 8

_PIECE_SIZE: Final = 1 << 18
"""Bytes masked at once, a multiple of the key: other threads wait meanwhile."""

_U64 = Struct("<Q")
_I64 = Struct("<q")
_TWO_I64 = Struct("<qq")
_SMALLEST_RECORD = 60 + _TWO_I64.size


@dataclass(frozen=True, slots=True)
class Saved:
    """One transaction as it was in the pool.

    Args:
        time_s: when it came in, seconds since 1970.
        delta_sat: what the operator added to its fee.
    """

    transaction: Transaction
    time_s: int
    delta_sat: int


@dataclass(frozen=True, slots=True)
class Dump:
    """A pool as it was at one moment, or as read back from bytes: then nothing has been checked.

    Args:
        transactions: best paid first, parents before children.
        deltas: added fees of transactions that were not in the pool, in satoshi.
        unbroadcast: transactions that no peer had asked for.
    """

    transactions: tuple[Saved, ...]
    deltas: dict[Txid, int]
    unbroadcast: tuple[Txid, ...]


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """A pool as it was at one moment: no later change shows in it, so any thread may read it.

    To take one costs a few milliseconds for 10,000 entries; what takes longer is left to `dump`.

    Args:
        clusters: the chunks of each.
        deltas: what the operator added to fees, in satoshi.
        unbroadcast: transactions that no peer had asked for.
    """

    clusters: list[tuple[Chunk, ...]]
    deltas: dict[Txid, int]
    unbroadcast: tuple[Txid, ...]

    def dump(self) -> Dump:
        """What is to be written."""
        deltas = dict(self.deltas)
        saved = [
            Saved(entry.transaction, entry.time_us // SECOND, deltas.pop(entry.txid, 0))
            for chunk in merge_chunks(self.clusters)
            for entry in chunk.entries
        ]
        return Dump(tuple(saved), deltas, self.unbroadcast)


def snapshot(pool: EntryTable) -> PoolSnapshot:
    """The pool as it is now, to be taken where nobody changes it."""
    return PoolSnapshot(pool.cluster_chunks(), dict(pool.deltas), tuple(pool.unbroadcast))


def encode(dump: Dump, key: bytes, version: int = VERSION) -> bytes:
    """A pool as the bytes of a file.

    Args:
        key: 8 random bytes, so that no stranger's transaction puts chosen bytes on the disk.
        version: in the plain one there is no key.
    """
    parts = [_U64.pack(len(dump.transactions))]
    for saved in dump.transactions:
        parts.append(saved.transaction.raw)
        parts.append(_TWO_I64.pack(saved.time_s, saved.delta_sat))
    parts.append(compact_size(len(dump.deltas)))
    parts += [txid + _I64.pack(delta) for txid, delta in dump.deltas.items()]
    parts.append(compact_size(len(dump.unbroadcast)))
    parts += dump.unbroadcast
    if version == VERSION_PLAIN:
        return _U64.pack(version) + b"".join(parts)
    head = _U64.pack(VERSION) + compact_size(KEY_SIZE) + key
    return head + _masked(b"".join(parts), key, len(head))


def load(data: bytes) -> Dump:
    """A pool from the bytes of a file.

    Raises:
        DecodeError: they are of another version, cut short, or go on behind the end.
    """
    reader = Reader(data)
    version = reader.u64()
    if version == VERSION:
        if reader.compact_size(KEY_SIZE) != KEY_SIZE:
            raise DecodeError(f"a key of {KEY_SIZE} bytes", reader.offset)
        key = reader.take(KEY_SIZE)
        reader = Reader(_masked(data[reader.offset :], key, reader.offset))
    elif version != VERSION_PLAIN:
        raise DecodeError(f"version {VERSION_PLAIN} or {VERSION}, not {version}", 0)
    return _read(reader)


def _read(reader: Reader) -> Dump:
    count = reader.u64()
    if count > reader.remaining // _SMALLEST_RECORD:
        raise DecodeError("as many transactions as bytes are left for", reader.offset)
    saved: list[Saved] = []
    for _ in range(count):
        transaction, reader.offset = scan_transaction(reader.data, reader.offset)
        saved.append(Saved(transaction, reader.i64(), reader.i64()))
    deltas: dict[Txid, int] = {}
    for _ in range(_count(reader, 40)):
        txid = Txid(reader.take(32))
        deltas[txid] = reader.i64()
    unbroadcast = tuple([Txid(reader.take(32)) for _ in range(_count(reader, 32))])
    reader.finish()
    return Dump(tuple(saved), deltas, unbroadcast)


def _count(reader: Reader, size: int) -> int:
    """How many records of this size follow; no more than bytes are left for."""
    limit = reader.remaining // size
    number, reader.offset = read_compact_size(reader.data, reader.offset, limit)
    return number


def _masked(data: bytes, key: bytes, position: int) -> bytes:
    """The bytes XORed with the key, which repeats from the start of the file."""
    turn = position % KEY_SIZE
    pattern = (key[turn:] + key[:turn]) * (_PIECE_SIZE // KEY_SIZE)
    masks = {_PIECE_SIZE: int.from_bytes(pattern, "little")}
    pieces = []
    for start in range(0, len(data), _PIECE_SIZE):
        piece = data[start : start + _PIECE_SIZE]
        size = len(piece)
        mask = masks.get(size)
        if mask is None:
            mask = int.from_bytes(pattern[:size], "little")
        pieces.append((int.from_bytes(piece, "little") ^ mask).to_bytes(size, "little"))
    return b"".join(pieces)
