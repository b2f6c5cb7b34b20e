"""The coins: every output of the active chain that is not spent yet.

Our own view beside the kernel's, because the kernel answers no question about a single coin. It
moves with the active chain, block by block. All changes of a block and the mark that says up to
which block they go reach the store in one atomic write; so a process that is killed at any instant
finds coins and mark that belong together, and goes on from the mark.

While catching up, `hold` lets many blocks share one write: a coin made and spent in between never
touches the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final, NamedTuple, Never

from axon.chain.cachesizes import DEFAULT_CACHES
from axon.chain.follower import ChainFollower
from axon.chain.parts import BlockParts, spends_and_makes
from axon.chain.store import MemoryStore
from axon.chain.store import Store as CoinStore
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.script import is_unspendable
from axon.primitives.transaction import OutPoint

__all__ = [
    "Coin",
    "CoinStore",
    "Coins",
    "MemoryStore",
    "decode_coin",
    "encode_coin",
]

_ENTRY_BYTES = 500
"""What a change takes up beside its value until it is written: key, value object, dict, and the
store's batch and table."""

_COIN_PREFIX = b"c"  # Then the outpoint; the value is an encoded coin.
_MARK_KEY = b"C"  # Hash and height of the best block.

_ABSENT: Final = b"not a coin"  # Told apart by identity.

_U32 = Struct("<I")
_HEAD = Struct("<IQ")  # Of an encoded coin: height and coinbase flag, amount. The script follows.
_HEAD_SIZE = _HEAD.size
_pack_index = _U32.pack


class Coin(NamedTuple):
    """An output that can be spent.

    A tuple, because a block makes and spends thousands of them.
    """

    height: int
    """Of the block that made it."""
    coinbase: bool
    """Whether a coinbase transaction made it: then it must be 100 blocks deep to be spent."""
    amount_sat: int
    """From 0 to 21,000,000 bitcoin."""
    script_pubkey: bytes
    """What guards it; at most 10,000 bytes."""


class Coins(ChainFollower):
    """The coins of the active chain up to `best`.

    Args:
        store: what an earlier run wrote, or nothing yet. Its keys that begin with `c` or `C` are
            ours.
        hold_bytes: what changes may take up in memory, roughly, before they are written.
    """

    def __init__(self, store: CoinStore, hold_bytes: int = DEFAULT_CACHES.held_bytes) -> None:
        super().__init__(store, _MARK_KEY, hold_bytes)
        self._written = self.best  # The store's own mark.
        # What the store does not know yet. `_fresh` has coins that the store would not have once
        # `_changes` were written, so that spending one leaves no trace; it goes before `_changes`.
        self._fresh: dict[bytes, bytes] = {}
        self._changes: dict[bytes, bytes | None] = {}
        self._value_bytes = 0
        self._moves = 0  # Counts up when a block begins to move the coins, and when it has done so.

    def read(
        self, outpoints: Sequence[OutPoint], at: BlockHash
    ) -> dict[OutPoint, Coin | None] | None:
        """The coins at several outpoints, all as one block left them.

        May be called while another thread moves the coins: what was read then is thrown away.

        Args:
            outpoints: which; one may be named twice.
            at: the block, 32 bytes: what the caller takes for the tip.

        Returns:
            For each outpoint its coin, or None where there is none. None instead of all if the
            coins are those of another block, or moved meanwhile: ask again once they have settled.

        Raises:
            StorageError: the disk failed.
        """
        moves = self._moves
        if moves & 1 or self.best != at:
            return None
        found = self._find(outpoints)
        return found if self._moves == moves else None

    def _find(self, outpoints: Sequence[OutPoint]) -> dict[OutPoint, Coin | None]:
        fresh, changes = self._fresh, self._changes  # Replaced, never emptied, once written.
        found: dict[OutPoint, Coin | None] = {}
        stored: list[OutPoint] = []
        for outpoint in outpoints:
            key = _COIN_PREFIX + outpoint
            value: bytes | None = fresh.get(key, _ABSENT)
            if value is _ABSENT:
                value = changes.get(key, _ABSENT)
            if value is _ABSENT:
                stored.append(outpoint)
            else:
                found[outpoint] = None if value is None else decode_coin(value)
        if stored:
            values = self._store.multi_get([_COIN_PREFIX + outpoint for outpoint in stored])
            for outpoint, value in zip(stored, values, strict=True):
                found[outpoint] = None if value is None else decode_coin(value)
        return found

    def connect(self, block: Block, block_hash: BlockHash, height: int) -> list[list[Coin]]:
        """Move forward by one block, which is valid and builds on `best`.

        Args:
            block: the block.
            block_hash: its hash.
            height: its height.

        Returns:
            The coins that each transaction spends, in order; none for the coinbase.

        Raises:
            DamageError: a coin that the block spends is missing, so the store is damaged. Nothing
                has changed.
        """
        spent = self.connect_parts(BlockParts.of(block), block_hash, height)
        return [list(map(decode_coin, values)) for values in spent]

    def connect_parts(
        self, parts: BlockParts, block_hash: BlockHash, height: int
    ) -> list[list[bytes]]:
        """The same with what a block spends and makes; coins are told of as they are stored.

        Raises:
            DamageError: as `connect`.
        """
        self._expect_next(parts.header, height)
        spent: list[list[bytes]] = [[]]
        if height == 0:  # The genesis block's output can never be spent.
            self.best, self.height = block_hash, height
        else:
            minted, made, spends = _take_apart(parts, height)
            values, gone = self._look_up(made, spends)
            self._moves += 1
            self.best, self.height = block_hash, height
            self._spend(gone)
            self._keep(minted, made)
            self._moves += 1
            spent = [[values[key] for key in keys] for keys in spends]
        waiting = len(self._fresh) + len(self._changes)
        if waiting * _ENTRY_BYTES + self._value_bytes >= self._limit_bytes:
            self.flush()
        return spent

    def disconnect(
        self,
        block: Block,
        block_hash: BlockHash,
        prev_hash: BlockHash,
        spent: Sequence[Sequence[Coin]],
    ) -> None:
        """Move back by one block; written at once, together with what was held.

        Args:
            block: the block at `best`.
            block_hash: its hash.
            prev_hash: the block before, which becomes the best.
            spent: what `connect` returned for this block.
        """
        self._expect_best(block_hash)
        self._moves += 1
        self.best, self.height = prev_hash, self.height - 1
        changes = self._changes
        changes.update(self._fresh)
        self._fresh = {}
        # Last transaction first: a coin made and spent in this block is put back, then taken away.
        for transaction, coins in zip(reversed(block.transactions), reversed(spent), strict=True):
            prevouts, outputs = spends_and_makes(transaction)
            stem = _COIN_PREFIX + transaction.txid
            for index, (_, script) in enumerate(outputs):
                if not is_unspendable(script):
                    changes[stem + _pack_index(index)] = None
            if coins:
                for prevout, coin in zip(prevouts, coins, strict=True):
                    changes[_COIN_PREFIX + prevout] = encode_coin(coin)
        self._moves += 1
        self.flush()

    def flush(self) -> None:
        """Write what was held; nothing happens if nothing was.

        Raises:
            StorageError: the disk failed.
        """
        if self.best is None or self.best == self._written:
            return
        changes = self._changes
        changes.update(self._fresh)
        changes[_MARK_KEY] = self._mark()
        self._store.write(changes)
        self._written = self.best
        self._changes, self._fresh, self._value_bytes = {}, {}, 0

    def items(self) -> Iterator[tuple[OutPoint, Coin]]:
        """All coins, by txid in byte order; of one transaction in no particular order.

        The coins must not move while this iterates.
        """
        self.flush()
        for key, value in self._store.items(_COIN_PREFIX):
            yield OutPoint(key[1:]), decode_coin(value)

    def _look_up(
        self, made: dict[bytes, bytes], spends: list[list[bytes]]
    ) -> tuple[dict[bytes, bytes], list[bytes]]:
        """The coins at these keys, and which of them were there before this block.

        What the block itself made leaves `made`; nothing else changes.
        """
        fresh, changes = self._fresh, self._changes
        values: dict[bytes, bytes] = {}
        gone: list[bytes] = []
        from_store: list[bytes] = []
        for keys in spends:
            for key in keys:
                value: bytes | None = made.pop(key, None)
                if value is None:
                    gone.append(key)
                    value = fresh.get(key)
                if value is None:
                    value = changes.get(key, _ABSENT)
                    if value is _ABSENT:
                        from_store.append(key)
                        continue
                values[key] = value or self._missing(key)
        if from_store:
            for key, value in zip(from_store, self._store.multi_get(from_store), strict=True):
                values[key] = value or self._missing(key)
        return values, gone

    def _missing(self, key: bytes) -> Never:
        raise self.damage(f"the coin {_name(key)} is missing: the coins are damaged")

    def _spend(self, gone: list[bytes]) -> None:
        """Take away coins that were there before."""
        fresh, changes = self._fresh, self._changes
        freed_bytes = 0
        for key in gone:
            value = fresh.pop(key, None)
            if value is None:
                changes[key] = None
            else:
                freed_bytes += len(value)
        self._value_bytes -= freed_bytes

    def _keep(self, minted: dict[bytes, bytes], made: dict[bytes, bytes]) -> None:
        # Two early coinbases came twice (BIP 30): their coins may be in the store already.
        self._changes.update(minted)
        # Others come again only after all their coins were spent. If that still waits to be
        # written, it stays in `_changes`, and takes effect when the new coin is spent in turn.
        self._fresh.update(made)
        self._value_bytes += sum(map(len, minted.values())) + sum(map(len, made.values()))


def _take_apart(
    parts: BlockParts, height: int
) -> tuple[dict[bytes, bytes], dict[bytes, bytes], list[list[bytes]]]:
    """A block's new coins by key, the coinbase's apart; the keys that each transaction spends."""
    minted: dict[bytes, bytes] = {}
    made: dict[bytes, bytes] = {}
    spends: list[list[bytes]] = []
    coins, head = minted, _U32.pack(height << 1 | 1)
    for txid, prevouts, outputs in parts.transactions:
        stem = _COIN_PREFIX + txid
        for index, (amount, script) in enumerate(outputs):
            if not is_unspendable(script):
                coins[stem + _pack_index(index)] = head + amount + script
        if coins is minted:  # The first transaction, which spends nothing.
            spends.append([])
            coins, head = made, _U32.pack(height << 1)
        else:
            spends.append([_COIN_PREFIX + prevout for prevout in prevouts])
    return minted, made, spends


def encode_coin(coin: Coin) -> bytes:
    """A coin as it is stored."""
    return _HEAD.pack(coin.height << 1 | coin.coinbase, coin.amount_sat) + coin.script_pubkey


def decode_coin(value: bytes) -> Coin:
    """What `encode_coin` made."""
    code, amount_sat = _HEAD.unpack_from(value)
    return Coin(code >> 1, code & 1 == 1, amount_sat, value[_HEAD_SIZE:])


def script_of(value: bytes) -> bytes:
    """The script of a coin as it is stored."""
    return value[_HEAD_SIZE:]


def _name(key: bytes) -> str:
    return f"{to_hex(key[1:33])}:{_U32.unpack_from(key, 33)[0]}"
