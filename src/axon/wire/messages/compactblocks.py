"""Messages about compact blocks (BIP 152): sendcmpct, cmpctblock, getblocktxn, blocktxn.

Of `cmpctblock` and `blocktxn` only the first bytes are looked at here: the rest may be as long as a
block, costs time to take apart, and matters only where the block is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from struct import Struct
from typing import ClassVar, Final, NamedTuple, Self

from axon.errors import DecodeError
from axon.primitives.encoding import Reader, compact_size
from axon.primitives.hashes import BlockHash, sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.transaction import Transaction, scan_transaction

SHORT_ID_BYTES: Final = 6
"""Of the short name of a transaction."""

MAX_INDEX: Final = 0xFFFF
"""Places in a block are numbers of 16 bits; more transactions than that cannot be named."""

_LAYOUT: Final = Struct("<BQ")
_NONCE: Final = Struct("<Q")
_BLOCK_HASH_SIZE: Final = 32
_ONE_BYTE: Final = 0xFC  # Up to this number a compact size is the number itself.
_SMALLEST_PREFILLED: Final = 11  # A place and a transaction.


@dataclass(frozen=True, slots=True)
class SendCmpct:
    """`sendcmpct`: the sender understands compact blocks (BIP 152).

    Args:
        announce: 1 to have new blocks announced by `cmpctblock`, unasked (high bandwidth), else 0;
            one byte, and nothing else is allowed.
        version: 64 bits; 2 is the only one in use, others are to be ignored.
    """

    command: ClassVar[str] = "sendcmpct"

    announce: int
    version: int = 2

    def encode(self) -> bytes:
        """The payload: 9 bytes."""
        return _LAYOUT.pack(self.announce, self.version)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from a payload, whatever is in it.

        Raises:
            DecodeError: fewer than 9 bytes.
        """
        reader = Reader(payload)
        return cls(reader.u8(), reader.u64())


class Prefilled(NamedTuple):
    """A transaction that comes with a compact block."""

    place: int
    """In the block, from 0; may lie beyond it."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class ShortBlock:
    """What a `cmpctblock` says of a block beside its header.

    Args:
        nonce: 64 bits; with the header the key of the short ids.
        short_ids: 6 bytes each, as on the wire, in the order of the block.
        prefilled: the transactions that are not among these, by rising place.
    """

    nonce: int
    short_ids: tuple[bytes, ...]
    prefilled: tuple[Prefilled, ...]


@dataclass(frozen=True, slots=True)
class CmpctBlock:
    """`cmpctblock`: a block by the short ids of its transactions, as an announcement or an answer.

    Args:
        raw: the whole payload, as it came.
    """

    command: ClassVar[str] = "cmpctblock"

    raw: bytes = field(repr=False)

    @classmethod
    def build(
        cls,
        header: Header,
        nonce: int,
        short_ids: Sequence[bytes],
        prefilled: Sequence[Prefilled],
    ) -> Self:
        """A compact block from its parts, `prefilled` by rising place."""
        parts = [header.raw, _NONCE.pack(nonce), compact_size(len(short_ids)), *short_ids]
        parts.append(compact_size(len(prefilled)))
        following = 0
        for place, transaction in prefilled:
            parts += (compact_size(place - following), transaction.raw)
            following = place + 1
        return cls(b"".join(parts))

    def encode(self) -> bytes:
        """The payload, not copied."""
        return self.raw

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A compact block from a payload, which is kept as it is.

        Raises:
            DecodeError: it is too short for a header and a nonce.
        """
        if len(payload) < HEADER_SIZE + _NONCE.size:
            raise DecodeError("a header and a nonce", 0)
        return cls(payload)

    @property
    def header(self) -> Header:
        """The first 80 bytes."""
        return Header(self.raw[:HEADER_SIZE])

    @property
    def hash(self) -> BlockHash:
        """The hash of the header, which is the block's; computed at each call."""
        return BlockHash(sha256d(self.raw[:HEADER_SIZE]))

    def short_block(self) -> ShortBlock:
        """All the rest, taken apart.

        Raises:
            DecodeError: it is cut short, names more than 65,535 transactions, or one of those that
                come with it is not in the one valid form.
        """
        reader = Reader(self.raw, HEADER_SIZE)
        nonce = reader.u64()
        count = reader.compact_size(MAX_INDEX)
        start = reader.offset
        reader.take(count * SHORT_ID_BYTES)
        ends = range(start + SHORT_ID_BYTES, reader.offset + 1, SHORT_ID_BYTES)
        short_ids = tuple([self.raw[end - SHORT_ID_BYTES : end] for end in ends])
        prefilled = _read_prefilled(reader, MAX_INDEX - count)
        return ShortBlock(nonce, short_ids, prefilled)


def _read_prefilled(reader: Reader, most: int) -> tuple[Prefilled, ...]:
    count = reader.compact_size(most)
    if count * _SMALLEST_PREFILLED > reader.remaining:
        raise DecodeError(f"{count} transactions", reader.offset)
    found: list[Prefilled] = []
    following = 0
    for _ in range(count):
        place = following + reader.compact_size(MAX_INDEX)
        transaction, reader.offset = scan_transaction(reader.data, reader.offset)
        found.append(Prefilled(place, transaction))
        following = place + 1
    return tuple(found)


@dataclass(frozen=True, slots=True)
class GetBlockTxn:
    """`getblocktxn`: asks for transactions of a block by their places.

    Args:
        block_hash: of the block.
        indexes: rising, each below 65,536.
    """

    command: ClassVar[str] = "getblocktxn"

    block_hash: BlockHash
    indexes: tuple[int, ...]

    def encode(self) -> bytes:
        """The payload: the hash, then each index by its distance from what could follow the one
        before, as compact sizes."""
        indexes = self.indexes
        head = self.block_hash + compact_size(len(indexes))
        gaps = [index - before - 1 for before, index in pairwise((-1, *indexes))]
        if max(gaps, default=0) <= _ONE_BYTE:
            return head + bytes(gaps)
        return head + b"".join(map(compact_size, gaps))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from a payload.

        Raises:
            DecodeError: it is cut short, or an index is above 65,535.
        """
        reader = Reader(payload)
        block_hash = BlockHash(reader.take(_BLOCK_HASH_SIZE))
        count = reader.compact_size()
        if count > min(reader.remaining, MAX_INDEX + 1):
            raise DecodeError(f"{count} indexes", reader.offset)
        indexes: list[int] = []
        following = 0
        for _ in range(count):
            start = reader.offset
            index = following + reader.compact_size()
            if index > MAX_INDEX:
                raise DecodeError(f"an index of at most {MAX_INDEX}", start)
            indexes.append(index)
            following = index + 1
        return cls(block_hash, tuple(indexes))


@dataclass(frozen=True, slots=True)
class BlockTxn:
    """`blocktxn`: the transactions that a `getblocktxn` asked for, in its order.

    Args:
        raw: the whole payload, as it came.
    """

    command: ClassVar[str] = "blocktxn"

    raw: bytes = field(repr=False)

    @classmethod
    def build(cls, block_hash: BlockHash, transactions: Sequence[Transaction]) -> Self:
        """An answer from its parts."""
        count = compact_size(len(transactions))
        return cls(b"".join((block_hash, count, *[item.raw for item in transactions])))

    def encode(self) -> bytes:
        """The payload, not copied."""
        return self.raw

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """An answer from a payload, which is kept as it is.

        Raises:
            DecodeError: it is too short for a hash.
        """
        if len(payload) < _BLOCK_HASH_SIZE:
            raise DecodeError("a block hash", 0)
        return cls(payload)

    @property
    def block_hash(self) -> BlockHash:
        """Of the block that they are from."""
        return BlockHash(self.raw[:_BLOCK_HASH_SIZE])

    def transactions(self) -> tuple[Transaction, ...]:
        """The transactions, taken apart.

        Raises:
            DecodeError: it is cut short, or one is not in the one valid form.
        """
        reader = Reader(self.raw, _BLOCK_HASH_SIZE)
        count = reader.compact_size()
        if count > reader.remaining:
            raise DecodeError(f"{count} transactions", reader.offset)
        found: list[Transaction] = []
        for _ in range(count):
            transaction, reader.offset = scan_transaction(reader.data, reader.offset)
            found.append(transaction)
        return tuple(found)
