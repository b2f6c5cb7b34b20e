"""What the coins are in sum: how many, how much, and one hash of them all.

Reads every coin, so it takes some microseconds for each of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from struct import Struct
from typing import Final, Protocol

from axon.chain.coins import Coin
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import BlockHash, sha256
from axon.primitives.transaction import OutPoint, outpoint_index

_FIXED_BOGOSIZE: Final = 32 + 4 + 4 + 8 + 2
"""Bytes Bitcoin Core counts for a coin beside its script: txid, index, height, amount, length."""

_CODE_AMOUNT = Struct("<IQ")


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
        hash_serialized: Bitcoin Core's `hash_serialized_3`, 32 bytes, internal order; None if not
            asked for.
    """

    best: BlockHash | None
    height: int
    transactions: int
    txouts: int
    bogosize: int
    total_amount_sat: int
    hash_serialized: bytes | None


def coin_stats(coins: CoinSource, *, with_hash: bool = True) -> CoinStats:
    """Count all coins.

    Args:
        coins: they must not move meanwhile.
        with_hash: whether to compute the hash as well, which doubles the time.
    """
    transactions = txouts = bogosize = amount_sat = 0
    digest = hashlib.sha256()
    for _, group in groupby(coins.items(), key=lambda item: item[0][:32]):
        transactions += 1
        ordered = sorted(group, key=lambda item: outpoint_index(item[0]))
        for point, coin in ordered:
            txouts += 1
            bogosize += _FIXED_BOGOSIZE + len(coin.script_pubkey)
            amount_sat += coin.amount_sat
            if with_hash:
                head = _CODE_AMOUNT.pack(coin.height << 1 | coin.coinbase, coin.amount_sat)
                digest.update(point + head + var_bytes(coin.script_pubkey))
    return CoinStats(
        best=coins.best,
        height=coins.height,
        transactions=transactions,
        txouts=txouts,
        bogosize=bogosize,
        total_amount_sat=amount_sat,
        hash_serialized=sha256(digest.digest()) if with_hash else None,
    )
