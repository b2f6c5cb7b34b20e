"""A file of all coins at one block, as Bitcoin Core writes and loads it (`dumptxoutset`).

    metadata   magic "utxo\\xff", version 2 (u16), the network's four bytes, the block's hash, how
               many coins (u64); little-endian
    coins      for each transaction that has some: its txid, how many coins (compact size), and for
               each its index (compact size), height and coinbase flag, amount, script

Height, amount and script are packed: numbers in base 128, amounts without their zeros, six usual
scripts as a type and a hash or key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from struct import Struct
from typing import Final

from axon.chain.coins import Coin, decode_coin, encode_coin
from axon.chain.parts import spends_and_makes
from axon.chain.store import Store
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import BlockHash
from axon.primitives.keys import is_public_key
from axon.primitives.script import is_unspendable
from axon.primitives.transaction import OutPoint, outpoint_index

MAGIC: Final = b"utxo\xff"
VERSION: Final = 2
COUNT_OFFSET: Final = len(MAGIC) + 2 + 4 + 32
"""Where the count of coins stands: it is known when all are written."""

METADATA_BYTES: Final = COUNT_OFFSET + 8

_U16 = Struct("<H")
_U32 = Struct("<I")
_U64 = Struct("<Q")

_P2PKH = (b"\x76\xa9\x14", b"\x88\xac", 25)
_P2SH = (b"\xa9\x14", b"\x87", 23)
_P2PK = (b"\x21", b"\xac", 35)
_P2PK_LONG = (b"\x41", b"\xac", 67)
_SPECIAL_SCRIPTS: Final = 6
_DIGITS: Final = 9  # Zeros at the end of an amount that are left out.

_PREFIX = b"u"  # Of an outpoint that a rollback changed.


def metadata(magic: bytes, base: BlockHash, count: int) -> bytes:
    """The first bytes of a file.

    Args:
        magic: the network's.
        base: the block.
        count: of coins.
    """
    return MAGIC + _U16.pack(VERSION) + magic + base + encode_count(count)


def encode_count(count: int) -> bytes:
    """How many coins there are, as it stands in the metadata."""
    return _U64.pack(count)


def records(
    coins: Iterable[tuple[OutPoint, Coin]],
) -> Iterator[tuple[bytes, list[tuple[OutPoint, Coin]]]]:
    """The coins of each transaction as bytes, and as they are.

    Args:
        coins: by txid.
    """
    for txid, group in groupby(coins, key=lambda item: item[0][:32]):
        # Bitcoin Core's order is that of its database's keys.
        ordered = sorted(group, key=lambda item: _packed(outpoint_index(item[0])))
        parts = [txid, compact_size(len(ordered))]
        for point, coin in ordered:
            parts += (compact_size(outpoint_index(point)), encode_packed(coin))
        yield b"".join(parts), ordered


def encode_packed(coin: Coin) -> bytes:
    """A coin as Bitcoin Core packs it."""
    head = _packed(coin.height << 1 | coin.coinbase) + _packed(_short_amount(coin.amount_sat))
    return head + _short_script(coin.script_pubkey)


def _packed(number: int) -> bytes:
    """A number in base 128, highest digit first; all bytes but the last have their top bit set."""
    digits = [number & 0x7F]
    while number > 0x7F:
        number = (number >> 7) - 1
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def _short_amount(amount_sat: int) -> int:
    if amount_sat == 0:
        return 0
    zeros = 0
    while amount_sat % 10 == 0 and zeros < _DIGITS:
        amount_sat //= 10
        zeros += 1
    if zeros < _DIGITS:
        rest, digit = divmod(amount_sat, 10)
        return 1 + (rest * 9 + digit - 1) * 10 + zeros
    return 1 + (amount_sat - 1) * 10 + _DIGITS


def _short_script(script: bytes) -> bytes:
    if _is_like(script, _P2PKH):
        return b"\x00" + script[3:23]
    if _is_like(script, _P2SH):
        return b"\x01" + script[2:22]
    if _is_like(script, _P2PK) and script[1] in (2, 3):
        return script[1:34]
    if _is_like(script, _P2PK_LONG) and script[1] == 4 and is_public_key(script[1:66]):
        return bytes((4 | script[65] & 1,)) + script[2:34]
    return _packed(len(script) + _SPECIAL_SCRIPTS) + script


def _is_like(script: bytes, form: tuple[bytes, bytes, int]) -> bool:
    begin, end, size = form
    return len(script) == size and script.startswith(begin) and script.endswith(end)


class CoinRollback:
    """What the coins of a block were, told as changes to those of a later one.

    Args:
        store: empty; keeps the changes meanwhile.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def undo(self, block: Block, spent: list[list[Coin]]) -> None:
        """Go back by one block.

        Args:
            block: the block, from the later one downwards.
            spent: the coins that its transactions spent.
        """
        changes: dict[bytes, bytes | None] = {}
        for transaction, coins in zip(reversed(block.transactions), reversed(spent), strict=True):
            prevouts, outputs = spends_and_makes(transaction)
            stem = _PREFIX + transaction.txid
            for index, (_, script) in enumerate(outputs):
                if not is_unspendable(script):
                    changes[stem + _U32.pack(index)] = b""
            for prevout, coin in zip(prevouts if coins else (), coins, strict=True):
                changes[_PREFIX + prevout] = encode_coin(coin)
        self._store.write(changes)

    def applied(self, coins: Iterator[tuple[OutPoint, Coin]]) -> Iterator[tuple[OutPoint, Coin]]:
        """The coins as they were, by outpoint in byte order.

        Args:
            coins: as they are at the later block, in the same order.
        """
        changes = ((OutPoint(key[1:]), value) for key, value in self._store.items(_PREFIX))
        changed = next(changes, None)
        for point, coin in coins:
            while changed is not None and changed[0] < point:
                if changed[1]:
                    yield changed[0], decode_coin(changed[1])
                changed = next(changes, None)
            if changed is not None and changed[0] == point:
                if changed[1]:
                    yield point, decode_coin(changed[1])
                changed = next(changes, None)
            else:
                yield point, coin
        while changed is not None:
            if changed[1]:
                yield changed[0], decode_coin(changed[1])
            changed = next(changes, None)
