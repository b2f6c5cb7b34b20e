"""What a wallet keeps, as keys and values of a store: the first byte of a key says which kind.

One record is one fact: a transaction, where it was confirmed, the proof of it, when it was last
seen, how many addresses are out. All that a change consists of is written at once, so whatever
instant the process dies at, the facts agree with each other; the rest (coins, balance, history) is
worked out from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import Any, Final

from axon.errors import DamageError
from axon.primitives.hashes import BlockHash, Txid

Changes = dict[bytes, bytes | None]
"""New values by key; None deletes. Written all or none."""

FORMAT: Final = 1
"""Of the records; a wallet with a higher one is left alone."""

FORMAT_KEY: Final = b"!"
NETWORK_KEY: Final = b"n"
KIND_KEY: Final = b"k"
SEALED_KEY: Final = b"s"
BIRTHDAY_KEY: Final = b"b"
SCANNED_KEY: Final = b"h"
GAP_KEY: Final = b"g"
PAST_KEY: Final = b"q"

DESCRIPTOR: Final = b"d"
REVEALED: Final = b"r"
TRANSACTION: Final = b"t"
CONFIRMATION: Final = b"a"
PROOF: Final = b"p"
COINBASE: Final = b"c"
SEEN: Final = b"u"
DELIVERY: Final = b"o"
LABEL: Final = b"l"
FROZEN: Final = b"f"
PAYS_ALL: Final = b"e"
UNSEARCHED: Final = b"x"
PAYJOIN: Final = b"j"
"""These go before a keychain, txid, outpoint or name; `COINBASE` before the hash of its block, the
last but one before a keychain and an index, the last before what `payments/payjoinrecords` puts
there."""

MANY_FORMAT: Final = 2
"""The format of a wallet of any number of descriptors (`descriptorwallet`)."""

FLAGS_KEY: Final = b"F"
MASTER_KEY: Final = b"K"
HELD: Final = b"D"
SECRET: Final = b"S"
NOTE: Final = b"m"
MARKS_KEY: Final = b"M"
RESCAN_KEY: Final = b"R"
REWRITE_KEY: Final = b"W"
"""Only in such a wallet: what it may do, the key that seals its secrets, and before a keychain its
descriptor or the private form of that, before a txid what is noted of a transaction; blocks below
the last one that was looked through, from which height on a rescan is due, and whether the file is
to be written anew."""

_CONFIRMATION = Struct("<I32sII")
_MARK = Struct("<I32s")
_SEEN = Struct("<QQ?")
_U32 = Struct("<I")
_U64 = Struct("<Q")


class Keychain(IntEnum):
    """One of the two families of scripts."""

    RECEIVE = 0
    CHANGE = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A block by height and hash."""

    height: int
    hash: BlockHash

    def encode(self) -> bytes:
        """36 bytes: height, little-endian, and hash."""
        return _MARK.pack(self.height, self.hash)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Where a transaction was confirmed.

    Args:
        height: of the block.
        hash: of the block.
        time_s: the block's own time.
        position: in the block; the coinbase has 0.
    """

    height: int
    hash: BlockHash
    time_s: int
    position: int

    def encode(self) -> bytes:
        """44 bytes: height, hash, time and position, numbers little-endian."""
        return _CONFIRMATION.pack(self.height, self.hash, self.time_s, self.position)


@dataclass(frozen=True, slots=True)
class Seen:
    """When an unconfirmed transaction was seen.

    Args:
        first_s: for the first time, seconds since 1970.
        last_s: for the last time.
        mined: whether it was in a block that left the chain, or is to be looked through again.
    """

    first_s: int
    last_s: int
    mined: bool = False

    def encode(self) -> bytes:
        """17 bytes: both times, little-endian, and whether it was mined."""
        return _SEEN.pack(self.first_s, self.last_s, self.mined)


HANDED_OVER: Final = b"\x01"
SHOWN: Final = b"\x02"
"""What is known of the delivery of a payment of ours: a node has fetched it; a node has shown that
it has it."""


def encode_u32(number: int) -> bytes:
    """4 bytes, little-endian: formats, and how many addresses were given out."""
    return _U32.pack(number)


def encode_u64(number: int) -> bytes:
    """8 bytes, little-endian: times in seconds since 1970."""
    return _U64.pack(number)


def decode_mark(value: bytes) -> Mark:
    """A block by height and hash."""
    height, block_hash = _unpack(_MARK, value)
    return Mark(height, BlockHash(block_hash))


def decode_marks(value: bytes) -> list[Mark]:
    """Blocks by height and hash, one behind the other."""
    if len(value) % _MARK.size:
        raise damaged()
    starts = range(0, len(value), _MARK.size)
    return [decode_mark(value[start : start + _MARK.size]) for start in starts]


def decode_confirmation(value: bytes) -> Confirmation:
    """Where a transaction was confirmed."""
    height, block_hash, time_s, position = _unpack(_CONFIRMATION, value)
    return Confirmation(height, BlockHash(block_hash), time_s, position)


def decode_seen(value: bytes) -> Seen:
    """When a transaction was seen."""
    return Seen(*_unpack(_SEEN, value))


def decode_u32(value: bytes) -> int:
    """A number of 4 bytes, little-endian. Raises DamageError on any other length."""
    number: int = _unpack(_U32, value)[0]
    return number


def decode_u64(value: bytes) -> int:
    """A number of 8 bytes, little-endian. Raises DamageError on any other length."""
    number: int = _unpack(_U64, value)[0]
    return number


def decode_text(value: bytes) -> str:
    """A label, from UTF-8. Raises DamageError where it is none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise damaged() from None


def many_key(kind: bytes, keychain: int) -> bytes:
    """Of what a wallet of many descriptors has of a keychain: its number in 2 bytes, big-endian."""
    return kind + keychain.to_bytes(2, "big")


def many_of(key: bytes) -> int:
    """The keychain of such a key."""
    if len(key) != 3:
        raise damaged()
    return int.from_bytes(key[1:], "big")


def keychain_of(key: bytes) -> Keychain:
    """The keychain behind a key's first byte."""
    try:
        return Keychain(key[1])
    except (ValueError, IndexError):
        raise damaged() from None


def unsearched_key(keychain: int, index: int) -> bytes:
    """Of the height up to which blocks were not searched for scripts from an index on."""
    return UNSEARCHED + bytes((keychain,)) + encode_u32(index)


def txid_of(key: bytes) -> Txid:
    """The txid behind a key's first byte."""
    if len(key) != 33:
        raise damaged()
    return Txid(key[1:])


def damaged() -> DamageError:
    """What to raise where a record cannot be read."""
    return DamageError(
        "a record of the wallet is damaged: take the file from a backup, or restore the wallet"
        " from its words"
    )


def _unpack(form: Struct, value: bytes) -> tuple[Any, ...]:
    try:
        return form.unpack(value)
    except StructError:
        raise damaged() from None
