"""Messages about what is to be had, and transactions above all.

inv, getdata, notfound, tx, mempool (BIP 35), feefilter (BIP 133).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import starmap
from struct import Struct
from typing import ClassVar, Final, NamedTuple, Self

from axon.primitives.encoding import Reader, compact_size
from axon.primitives.transaction import Transaction, scan_transaction
from axon.wire.messages.empty import EmptyMessage
from axon.wire.messages.limits import read_count

MAX_INVENTORY: Final = 50_000
"""Most items of an `inv` or `getdata`; more is misbehaviour."""

MAX_NOTFOUND: Final = 111_110
"""Most items of a `notfound`: as many as fit into the longest message. No rule says fewer."""

ITEM_SIZE: Final = 36
"""Bytes of one item: its kind and its hash."""

_ITEM: Final = Struct("<I32s")
_I64: Final = Struct("<q")


class InvType(IntEnum):
    """Kinds of things in an inventory; witness forms by BIP 144, WTX by BIP 339."""

    TX = 1
    BLOCK = 2
    FILTERED_BLOCK = 3
    CMPCT_BLOCK = 4
    WTX = 5
    WITNESS_TX = 0x4000_0001
    WITNESS_BLOCK = 0x4000_0002


class InvItem(NamedTuple):
    """One thing. A named tuple, because an `inv` may bring 50,000 of them."""

    kind: int
    """32 bits: an `InvType`, or a number that nobody knows yet."""

    hash: bytes
    """32 bytes, internal order: a txid, wtxid or block hash, as `kind` says."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What inv, getdata and notfound have in common: a list of items."""

    items: tuple[InvItem, ...]
    limit: ClassVar[int] = MAX_INVENTORY
    limit_source: ClassVar[str] = "Bitcoin Core"

    def encode(self) -> bytes:
        """The payload: count, then 36 bytes each."""
        return compact_size(len(self.items)) + b"".join(starmap(_ITEM.pack, self.items))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Items from a payload.

        Raises:
            OverLimit: more than `limit`.
            DecodeError: it is cut short.
        """
        at, end = cls._span(payload)
        return cls._items(payload[at:end])

    @classmethod
    def decode_in_pieces(cls, payload: bytes, size: int) -> Iterator[Self]:
        """The same as several messages of at most so many items each, none for an empty one.

        They mean what the whole means, and each is decoded when it is wanted.

        Raises:
            OverLimit: more than `limit`.
            DecodeError: it is cut short.
        """
        first, end = cls._span(payload)
        for at in range(first, end, size * ITEM_SIZE):
            yield cls._items(payload[at : min(at + size * ITEM_SIZE, end)])

    @classmethod
    def _span(cls, payload: bytes) -> tuple[int, int]:
        """Where in a payload the items begin and end."""
        reader = Reader(payload)
        count = read_count(reader, cls.limit, ITEM_SIZE, "inventory items", source=cls.limit_source)
        return reader.offset, reader.offset + count * ITEM_SIZE

    @classmethod
    def _items(cls, data: bytes) -> Self:
        return cls(tuple(map(InvItem._make, _ITEM.iter_unpack(data))))


@dataclass(frozen=True, slots=True)
class Inv(Inventory):
    """`inv`: announces transactions or blocks.

    Args:
        items: at most 50,000.
    """

    command: ClassVar[str] = "inv"


@dataclass(frozen=True, slots=True)
class GetData(Inventory):
    """`getdata`: asks for things that were announced.

    Args:
        items: at most 50,000.
    """

    command: ClassVar[str] = "getdata"


@dataclass(frozen=True, slots=True)
class NotFound(Inventory):
    """`notfound`: these, which you asked for, I have not.

    Args:
        items: as many as fit.
    """

    command: ClassVar[str] = "notfound"
    limit: ClassVar[int] = MAX_NOTFOUND
    limit_source: ClassVar[str] = "axon"


@dataclass(frozen=True, slots=True)
class Tx:
    """`tx`: one transaction, with its witness."""

    command: ClassVar[str] = "tx"

    transaction: Transaction

    def encode(self) -> bytes:
        """The payload: the transaction's bytes."""
        return self.transaction.raw

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A transaction from a payload; bytes behind it are ignored, as Bitcoin Core does.

        Raises:
            DecodeError: no whole transaction stands there.
        """
        return cls(scan_transaction(payload, 0)[0])


@dataclass(frozen=True, slots=True)
class MempoolMessage(EmptyMessage):
    """`mempool`: announce all unconfirmed transactions you hold (BIP 35)."""

    command: ClassVar[str] = "mempool"


@dataclass(frozen=True, slots=True)
class FeeFilter:
    """`feefilter`: announce no transaction that pays less (BIP 133).

    Args:
        feerate_sat_kvb: satoshi per 1000 virtual bytes, 64 bits, signed. A peer may send any
            number; one that is no amount of money is to be ignored.
    """

    command: ClassVar[str] = "feefilter"

    feerate_sat_kvb: int

    def encode(self) -> bytes:
        """The payload: 8 bytes."""
        return _I64.pack(self.feerate_sat_kvb)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A feerate from a payload.

        Raises:
            DecodeError: fewer than 8 bytes.
        """
        return cls(Reader(payload).i64())
