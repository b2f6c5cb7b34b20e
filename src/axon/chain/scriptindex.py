"""Which transactions touched each script, and what it can still spend: the index of script hashes.

Light wallets of the Electrum kind name a script by its SHA-256 and ask what happened to it. For
that the index keeps, in one store:

    h script place           a transaction that spends from the script or pays to it
    u script outpoint        an output that can be spent: its place, and its amount
    t place                  a transaction's txid, and where its bytes begin in its block
    i txid                   a transaction's place
    S                        up to which block all this goes

A *place* is a height (4 bytes) and a position in the block (2 bytes), big-endian, so that a
script's history comes in the order of the chain. Of a script hash and a txid 16 bytes are keys: who
wants two of his own to collide has to hash 2**64 times, and then confuses nobody but himself.

Moving forward or back by a block needs the block and the coins it spends, and one atomic write. As
in the protocol's reference, outputs that nobody can spend leave no trace, nor does the genesis
block's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from struct import Struct
from typing import Final, NamedTuple

from axon.chain.coins import Coin
from axon.chain.follower import ChainFollower
from axon.chain.parts import spends_and_makes
from axon.chain.store import Store
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.header import HEADER_SIZE
from axon.primitives.script import is_unspendable
from axon.primitives.transaction import OutPoint, Transaction

HOLD_BYTES: Final = 32 * 1024 * 1024
"""What changes may take up in memory before they are written: some ten full blocks' worth."""

_ENTRY_BYTES = 150  # What key, value and dict take up for one change.

_HISTORY = b"h"
_UNSPENT = b"u"
_PLACED = b"t"
_NAMED = b"i"
_MARK_KEY = b"S"
_NAME_SIZE = 16

_PLACE = Struct(">IH")
_PLACE_SIZE = _PLACE.size
_U32 = Struct("<I")
_U64 = Struct("<Q")


class ScriptPlace(NamedTuple):
    """Where a confirmed transaction is: its block's height, and its position there from 0."""

    height: int
    position: int


@dataclass(frozen=True, slots=True)
class ScriptCoin:
    """An output that is not spent in a block.

    Args:
        outpoint: its name.
        height: of the block that made it.
        amount_sat: from 0 to 21,000,000 bitcoin.
    """

    outpoint: OutPoint
    height: int
    amount_sat: int


@dataclass(frozen=True, slots=True)
class BlockTouches:
    """What one block did to scripts.

    Args:
        height: of the block.
        txids: of its transactions, in order.
        touched: for each script hash the positions of the transactions that spend from it or pay
            to it, ascending.
    """

    height: int
    txids: tuple[Txid, ...]
    touched: dict[bytes, list[int]]


class ScriptIndex(ChainFollower):
    """The index of script hashes of the active chain up to `best`.

    One thread moves it; others may read meanwhile, and are told when they have to read again.

    Args:
        store: what an earlier run wrote, or nothing yet; nobody else's.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store, _MARK_KEY, HOLD_BYTES)
        self._held: dict[bytes, bytes | None] = {}
        self._moves = 0  # Counts up when a block begins to move it, and when it has done so.

    def connect(
        self, block: Block, block_hash: BlockHash, height: int, spent: Sequence[Sequence[Coin]]
    ) -> BlockTouches:
        """Move forward by one block.

        Args:
            block: the block after `best`.
            block_hash: its hash.
            height: its height.
            spent: the coins that each of its transactions spends, none for the coinbase.

        Raises:
            StorageError: the disk failed.
        """
        self._expect_next(block.header, height)
        touched: dict[bytes, list[int]] = {}
        changes: dict[bytes, bytes | None] = {}
        offset = HEADER_SIZE + len(compact_size(len(block.transactions)))
        pairs = zip(block.transactions, spent, strict=True)
        for position, (transaction, coins) in enumerate(pairs):
            place = _PLACE.pack(height, position)
            changes[_PLACED + place] = transaction.txid + _U32.pack(offset)
            offset += len(transaction.raw)
            if height:
                changes[_NAMED + transaction.txid[:_NAME_SIZE]] = place
                for script in self._apply(changes, transaction, coins, place):
                    positions = touched.setdefault(script, [])
                    if not positions or positions[-1] != position:
                        positions.append(position)
                        changes[_HISTORY + script[:_NAME_SIZE] + place] = b""
        self._move(block_hash, height, changes)
        txids = tuple([transaction.txid for transaction in block.transactions])
        return BlockTouches(height, txids, touched)

    def _apply(
        self,
        changes: dict[bytes, bytes | None],
        transaction: Transaction,
        coins: Iterable[Coin],
        place: bytes,
    ) -> list[bytes]:
        """Note what a transaction spends and makes; the hashes of the scripts it touches."""
        prevouts, outputs = spends_and_makes(transaction)
        scripts: list[bytes] = []
        for prevout, coin in zip(prevouts, coins, strict=False):  # A coinbase spends nothing.
            script = sha256(coin.script_pubkey).digest()
            changes[_UNSPENT + script[:_NAME_SIZE] + prevout] = None
            scripts.append(script)
        txid = transaction.txid
        for index, (amount, script_pubkey) in enumerate(outputs):
            if not is_unspendable(script_pubkey):
                script = sha256(script_pubkey).digest()
                key = _UNSPENT + script[:_NAME_SIZE] + txid + _U32.pack(index)
                changes[key] = place + amount
                scripts.append(script)
        return scripts

    def disconnect(
        self,
        block: Block,
        block_hash: BlockHash,
        prev_hash: BlockHash,
        spent: Sequence[Sequence[Coin]],
    ) -> BlockTouches:
        """Move back by one block; written at once, after what was held.

        Args:
            block: the block at `best`.
            block_hash: its hash.
            prev_hash: the block before, which becomes the best.
            spent: as for `connect`.

        Raises:
            DamageError: the place of a transaction whose output is unspent again is missing.
            StorageError: the disk failed. Nothing has changed where it could not be read.
        """
        self._expect_best(block_hash)
        self.flush()
        height, touched = self.height, dict[bytes, list[int]]()
        changes: dict[bytes, bytes | None] = {}
        # Last transaction first: what was made and spent in this block is put back, then removed.
        pairs = list(zip(block.transactions, spent, strict=True))
        for position in range(len(pairs) - 1, -1, -1):
            transaction, coins = pairs[position]
            place = _PLACE.pack(height, position)
            changes[_PLACED + place] = None
            changes[_NAMED + transaction.txid[:_NAME_SIZE]] = None
            for script in self._take_back(changes, transaction, coins):
                changes[_HISTORY + script[:_NAME_SIZE] + place] = None
                touched.setdefault(script, []).append(position)
        self._move(prev_hash, height - 1, changes)
        self.flush()
        txids = tuple([transaction.txid for transaction in block.transactions])
        return BlockTouches(height, txids, touched)

    def _take_back(
        self,
        changes: dict[bytes, bytes | None],
        transaction: Transaction,
        coins: Sequence[Coin],
    ) -> list[bytes]:
        """The reverse of `_apply`."""
        prevouts, outputs = spends_and_makes(transaction)
        scripts: list[bytes] = []
        txid = transaction.txid
        for index, (_, script_pubkey) in enumerate(outputs):
            if not is_unspendable(script_pubkey):
                script = sha256(script_pubkey).digest()
                changes[_UNSPENT + script[:_NAME_SIZE] + txid + _U32.pack(index)] = None
                scripts.append(script)
        if coins:
            names = [_NAMED + prevout[:_NAME_SIZE] for prevout in prevouts]
            places = self._store.multi_get(names)
            for prevout, coin, place in zip(prevouts, coins, places, strict=True):
                if place is None:
                    raise self.damage(f"the place of {to_hex(prevout[:32])} is missing: damaged")
                script = sha256(coin.script_pubkey).digest()
                key = _UNSPENT + script[:_NAME_SIZE] + prevout
                changes[key] = place + _U64.pack(coin.amount_sat)
                scripts.append(script)
        return scripts

    def flush(self) -> None:
        """Write what was held; nothing happens if nothing was.

        Raises:
            StorageError: the disk failed.
        """
        if self._held:
            self._store.write(self._held)
            self._held = {}

    def _move(self, block_hash: BlockHash, height: int, changes: dict[bytes, bytes | None]) -> None:
        """Take in all that a block changes: what failed before that has changed nothing."""
        self._moves += 1
        self.best, self.height = block_hash, height
        self._held.update(changes)
        self._held[_MARK_KEY] = self._mark()
        if len(self._held) * _ENTRY_BYTES >= self._limit_bytes:
            self.flush()
        self._moves += 1

    # Reading, from any thread; what is held is not seen.

    @property
    def moves(self) -> int:
        """Odd while a block moves it; what was read is of one block if this is even and the same
        before and after."""
        return self._moves

    def history(self, script: bytes, limit: int) -> list[tuple[int, Txid]] | None:
        """Heights and txids of what touched a script, in the order of the chain.

        Args:
            script: its SHA-256.
            limit: more are too many.

        Returns:
            None if there are more.

        Raises:
            DamageError: a place has no transaction; also where blocks moved meanwhile.
        """
        stem = _HISTORY + script[:_NAME_SIZE]
        found = [key[-_PLACE_SIZE:] for key, _ in islice(self._store.items(stem), limit + 1)]
        if len(found) > limit:
            return None
        entries = self._store.multi_get([_PLACED + place for place in found])
        history: list[tuple[int, Txid]] = []
        for place, entry in zip(found, entries, strict=True):
            if entry is None:
                raise self.damage("a place in the index of scripts has no transaction: damaged")
            history.append((_PLACE.unpack(place)[0], Txid(entry[:32])))
        return history

    def unspent(self, script: bytes, limit: int) -> list[ScriptCoin] | None:
        """What a script can spend by blocks alone, in the order of the chain; None for too much.

        Args:
            script: its SHA-256.
            limit: more outputs are too many.
        """
        stem = _UNSPENT + script[:_NAME_SIZE]
        found = [
            (value[:_PLACE_SIZE], key[-4:][::-1], key, value)
            for key, value in islice(self._store.items(stem), limit + 1)
        ]
        if len(found) > limit:
            return None
        found.sort()
        return [
            ScriptCoin(
                OutPoint(key[len(stem) :]),
                _PLACE.unpack(place)[0],
                _U64.unpack_from(value, _PLACE_SIZE)[0],
            )
            for place, _, key, value in found
        ]

    def place_of(self, txid: Txid) -> tuple[ScriptPlace, int] | None:
        """Where a confirmed transaction is, and where its bytes begin in its block; else None."""
        packed = self._store.get(_NAMED + txid[:_NAME_SIZE])
        entry = None if packed is None else self._store.get(_PLACED + packed)
        if packed is None or entry is None or entry[:32] != txid:
            return None
        return ScriptPlace(*_PLACE.unpack(packed)), _U32.unpack_from(entry, 32)[0]

    def txids_at(self, height: int) -> list[Txid]:
        """The txids of the block at a height, in order; none above `height`."""
        stem = _PLACED + _PLACE.pack(height, 0)[:4]
        return [Txid(entry[:32]) for _, entry in self._store.items(stem)]
