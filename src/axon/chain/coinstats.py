"""What the coins are in sum: how many, how much, and one hash of them all.

Reads every coin, so it takes some microseconds for each of them, and with MuHash some twenty more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from itertools import groupby
from struct import Struct
from typing import Final, Protocol

from axon.chain.coins import Coin
from axon.chain.muhash import CoinSetHash, MuHash
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import OutPoint, outpoint_index

_FIXED_BOGOSIZE: Final = 32 + 4 + 4 + 8 + 2
"""Bytes Bitcoin Core counts for a coin beside its script: txid, index, height, amount, length."""

_AT_ONCE: Final = 1000

_SHORT = Struct("<36sIQB")
_LONG = Struct("<36sIQ")


class SetHash(Enum):
    """How the coins are hashed together, by the names of `gettxoutsetinfo`."""

    SERIALIZED = "hash_serialized_3"
    MUHASH = "muhash"
    NONE = "none"


def bogosize(script_pubkey: bytes) -> int:
    """Bitcoin Core's measure of a coin's size in bytes, which depends on no database."""
    return _FIXED_BOGOSIZE + len(script_pubkey)


def hashed_coin(
    point: bytes, height: int, coinbase: bool, amount_sat: int, script_pubkey: bytes
) -> bytes:
    """A coin as it goes into hashes: outpoint, height and flag, amount, script behind its length.

    Args:
        point: its outpoint, 36 bytes.
        height, coinbase, amount_sat, script_pubkey: as in `Coin`.
    """
    size = len(script_pubkey)
    code = height << 1 | coinbase
    if size < 0xFD:  # Nearly all: a length of one byte.
        return _SHORT.pack(point, code, amount_sat, size) + script_pubkey
    return _LONG.pack(point, code, amount_sat) + var_bytes(script_pubkey)


class CoinSource(Protocol):
    """`Coins`, or what they were at one moment."""

    @property
    def best(self) -> BlockHash | None:
        """The block up to which they go."""

    @property
    def height(self) -> int:
        """Its height; -1 if there are none yet."""

    def items(self) -> Iterator[tuple[OutPoint, Coin]]:
        """All coins, by txid in byte order; of one transaction in no particular order."""


@dataclass(frozen=True, slots=True)
class CoinStats:
    """The coins in sum, in the words of `gettxoutsetinfo`.

    Args:
        best: the block up to which they go; None if there are none yet.
        height: its height; -1 if there are none yet.
        transactions: how many transactions have coins left.
        txouts: how many coins there are.
        bogosize: Bitcoin Core's measure of their size in bytes, which depends on no database.
        total_amount_sat: what they are worth together.
        set_hash: the hash asked for, 32 bytes, internal order; None if none was.
    """

    best: BlockHash | None
    height: int
    transactions: int
    txouts: int
    bogosize: int
    total_amount_sat: int
    set_hash: bytes | None


def coin_stats(
    coins: CoinSource,
    kind: SetHash = SetHash.SERIALIZED,
    muhash: Callable[[bytes | None], CoinSetHash] = MuHash,
) -> CoinStats:
    """Count all coins.

    Args:
        coins: they must not move meanwhile.
        kind: the hash to compute as well, which takes most of the time.
        muhash: makes the hash of a set from its product.
    """
    transactions = txouts = size = amount_sat = 0
    serialized, together = sha256(), muhash(None)
    waiting: list[bytes] = []  # To be taken in together: many at once cost less.
    for _, group in groupby(coins.items(), key=lambda item: item[0][:32]):
        transactions += 1
        for point, coin in sorted(group, key=lambda item: outpoint_index(item[0])):
            txouts += 1
            size += bogosize(coin.script_pubkey)
            amount_sat += coin.amount_sat
            if kind is SetHash.SERIALIZED:
                serialized.update(hashed_coin(point, *coin))
            elif kind is SetHash.MUHASH:
                waiting.append(hashed_coin(point, *coin))
        if len(waiting) >= _AT_ONCE:
            together.change(waiting, [])
            waiting.clear()
    together.change(waiting, [])
    set_hash = None
    if kind is SetHash.SERIALIZED:
        set_hash = sha256(serialized.digest()).digest()
    elif kind is SetHash.MUHASH:
        set_hash = together.digest()
    return CoinStats(coins.best, coins.height, transactions, txouts, size, amount_sat, set_hash)
