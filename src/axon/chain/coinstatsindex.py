"""What the coins were in sum at each block (`-coinstatsindex`): count, worth, MuHash, what is lost.

The figures of a block stay when it leaves the active chain; those of the block before are there
already, only the set of coins itself goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final

from axon.chain.backgroundindex import BackgroundIndex, IndexedBlock
from axon.chain.coins import Coin
from axon.chain.coinstats import bogosize, hashed_coin
from axon.chain.muhash import CoinSetHash, MuHash
from axon.chain.parts import spends_and_makes
from axon.chain.store import Store
from axon.primitives.hashes import BlockHash, from_hex, to_hex
from axon.primitives.network import Network
from axon.primitives.script import is_unspendable

_STATS_PREFIX: Final = b"s"  # Then the block hash; the value is an encoded `IndexedStats`.
_SET_KEY: Final = b"m"  # The product of the coins at `best`.

_U32 = Struct("<I")
_U64 = Struct("<Q")
_HASH_SIZE: Final = 32
_NUMBER_SIZE: Final = 16
"""Of each figure: what was ever spent outgrows 64 bits."""

_OVERWRITTEN: Final = {
    (91_722, from_hex("00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e")),
    (91_812, from_hex("00000000000af0aed4792b1acee3d966af36cf5def14935db8de83d6f9306f2f")),
}
"""Blocks of mainnet whose coinbase came again later, and so cannot be spent any more (BIP 30)."""


@dataclass(frozen=True, slots=True)
class IndexedStats:
    """The coins in sum as a block left them, and sums over all blocks up to it.

    Args:
        muhash: of the coins, 32 bytes, internal order.
        txouts: how many coins there are.
        bogosize: Bitcoin Core's measure of their size in bytes, which depends on no database.
        total_amount_sat: what they are worth together.
        subsidy_sat: all that blocks might have made.
        prevout_spent_sat: all that was ever spent.
        new_outputs_sat: all outputs that can be spent, but those of coinbases.
        coinbase_sat: likewise, of coinbases.
        genesis_sat: what the genesis block made, which cannot be spent.
        bip30_sat: what was overwritten by coinbases that came again.
        scripts_sat: outputs that their scripts make impossible to spend.
        unclaimed_sat: what coinbases left to nobody.
    """

    muhash: bytes
    txouts: int = 0
    bogosize: int = 0
    total_amount_sat: int = 0
    subsidy_sat: int = 0
    prevout_spent_sat: int = 0
    new_outputs_sat: int = 0
    coinbase_sat: int = 0
    genesis_sat: int = 0
    bip30_sat: int = 0
    scripts_sat: int = 0
    unclaimed_sat: int = 0

    @property
    def unspendable_sat(self) -> int:
        """All that was made and cannot be spent."""
        return self.genesis_sat + self.bip30_sat + self.scripts_sat + self.unclaimed_sat

    def encode(self) -> bytes:
        """The hash, then 16 bytes for each figure, little-endian."""
        return self.muhash + b"".join(
            [number.to_bytes(_NUMBER_SIZE, "little") for number in self._figures()]
        )

    @classmethod
    def decode(cls, data: bytes) -> IndexedStats:
        """From what `encode` gave."""
        places = range(_HASH_SIZE, len(data), _NUMBER_SIZE)
        figures = [int.from_bytes(data[at : at + _NUMBER_SIZE], "little") for at in places]
        return cls(data[:_HASH_SIZE], *figures)

    def _figures(self) -> tuple[int, ...]:
        return (
            self.txouts,
            self.bogosize,
            self.total_amount_sat,
            self.subsidy_sat,
            self.prevout_spent_sat,
            self.new_outputs_sat,
            self.coinbase_sat,
            self.genesis_sat,
            self.bip30_sat,
            self.scripts_sat,
            self.unclaimed_sat,
        )


class CoinStatsIndex(BackgroundIndex):
    """The coins in sum at each block.

    Args:
        store: what an earlier run wrote, or nothing yet.
        network: says what a block might make.
        muhash: makes the hash of a set from its product.

    Raises:
        DamageError: what it knew of its newest block is missing, or does not fit.
    """

    name: ClassVar[str] = "coinstatsindex"
    needs_spent: ClassVar[bool] = True

    def __init__(
        self,
        store: Store,
        network: Network,
        muhash: Callable[[bytes | None], CoinSetHash] = MuHash,
    ) -> None:
        super().__init__(store)
        self._network = network
        self._set = muhash(store.get(_SET_KEY))
        self._stats = IndexedStats(self._set.digest())
        if self.best is not None:
            self._stats = self._stored(self.best)
            if self._stats.muhash != self._set.digest():
                raise self.damage("The coins of the coinstatsindex are not those of its block")

    def stats(self, block_hash: BlockHash) -> IndexedStats | None:
        """The figures at a block, also at one that left the active chain; None if not known.

        Raises:
            StorageError: the disk failed.
        """
        found = self._store.get(_STATS_PREFIX + block_hash)
        return None if found is None else IndexedStats.decode(found)

    def _stored(self, block_hash: BlockHash) -> IndexedStats:
        found = self.stats(block_hash)
        if found is None:
            raise self.damage(f"The coinstatsindex has lost block {to_hex(block_hash)}")
        return found

    def _connected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:
        moves = _Moves(indexed)
        self._set.change(moves.made, moves.spent)
        subsidy_sat = self._network.subsidy_sat(indexed.height)
        self._stats = _after(self._stats, moves, indexed, subsidy_sat, self._set.digest())
        return {
            _SET_KEY: self._set.encode(),
            _STATS_PREFIX + indexed.hash: self._stats.encode(),
        }

    def _disconnected(self, indexed: IndexedBlock) -> Mapping[bytes, bytes | None]:
        moves = _Moves(indexed)
        self._stats = self._stored(indexed.block.header.prev)
        self._set.change(moves.spent, moves.made)
        if self._set.digest() != self._stats.muhash:
            raise self.damage(f"The coinstatsindex cannot undo block {to_hex(indexed.hash)}")
        return {_SET_KEY: self._set.encode()}


class _Moves:
    """What a block makes and spends.

    Attributes:
        made, spent: coins as they are hashed, but those that the block makes and spends itself.
    """

    def __init__(self, indexed: IndexedBlock) -> None:
        self.txouts = self.bogosize = 0  # By how many, and how much, there are more.
        self.coinbase_sat = self.outputs_sat = self.spent_sat = self.scripts_sat = 0
        self._made: dict[bytes, bytes] = {}
        self._spent: dict[bytes, bytes] = {}
        if indexed.height == 0:
            return  # The genesis block's output is no coin.
        is_first = True
        spent_by = indexed.spent
        for transaction, coins in zip(indexed.block.transactions, spent_by, strict=True):
            prevouts, outputs = spends_and_makes(transaction)
            if not is_first:
                self._spend(prevouts, coins)
            if not is_first or (indexed.height, indexed.hash) not in _OVERWRITTEN:
                made_sat = self._make(transaction.txid, outputs, indexed.height, is_first)
                if is_first:
                    self.coinbase_sat += made_sat
                else:
                    self.outputs_sat += made_sat
            is_first = False

    @property
    def made(self) -> list[bytes]:
        """Coins that were not there before."""
        return list(self._made.values())

    @property
    def spent(self) -> list[bytes]:
        """Coins that are there no more."""
        return list(self._spent.values())

    def _make(
        self, txid: bytes, outputs: Sequence[tuple[bytes, bytes]], height: int, is_coinbase: bool
    ) -> int:
        """Outputs of a transaction; what those are worth that can be spent."""
        made_sat, made, size = 0, self._made, 0
        pack, unpack = _U32.pack, _U64.unpack
        for index, (amount, script) in enumerate(outputs):
            (amount_sat,) = unpack(amount)
            if is_unspendable(script):
                self.scripts_sat += amount_sat
                continue
            point = txid + pack(index)
            made[point] = hashed_coin(point, height, is_coinbase, amount_sat, script)
            made_sat += amount_sat
            size += bogosize(script)
            self.txouts += 1
        self.bogosize += size
        return made_sat

    def _spend(self, prevouts: Sequence[bytes], coins: Sequence[Coin]) -> None:
        made, spent = self._made, self._spent
        for point, coin in zip(prevouts, coins, strict=True):
            height, coinbase, amount_sat, script = coin
            self.spent_sat += amount_sat
            self.bogosize -= bogosize(script)
            if made.pop(point, None) is None:
                spent[point] = hashed_coin(point, height, coinbase, amount_sat, script)
        self.txouts -= len(prevouts)


def _after(
    before: IndexedStats, moves: _Moves, indexed: IndexedBlock, subsidy_sat: int, muhash: bytes
) -> IndexedStats:
    """The figures behind a block."""
    genesis_sat, bip30_sat = before.genesis_sat, before.bip30_sat
    if indexed.height == 0:
        genesis_sat += subsidy_sat
    if (indexed.height, indexed.hash) in _OVERWRITTEN:
        bip30_sat += subsidy_sat
    scripts_sat = before.scripts_sat + moves.scripts_sat
    prevout_spent_sat = before.prevout_spent_sat + moves.spent_sat
    new_outputs_sat = before.new_outputs_sat + moves.outputs_sat
    coinbase_sat = before.coinbase_sat + moves.coinbase_sat
    subsidies_sat = before.subsidy_sat + subsidy_sat
    # What went in and did not come out is what miners did not claim, of this block and of others.
    lost_sat = genesis_sat + bip30_sat + scripts_sat
    came_out_sat = new_outputs_sat + coinbase_sat + lost_sat
    return IndexedStats(
        muhash=muhash,
        txouts=before.txouts + moves.txouts,
        bogosize=before.bogosize + moves.bogosize,
        total_amount_sat=before.total_amount_sat
        + moves.coinbase_sat
        + moves.outputs_sat
        - moves.spent_sat,
        subsidy_sat=subsidies_sat,
        prevout_spent_sat=prevout_spent_sat,
        new_outputs_sat=new_outputs_sat,
        coinbase_sat=coinbase_sat,
        genesis_sat=genesis_sat,
        bip30_sat=bip30_sat,
        scripts_sat=scripts_sat,
        unclaimed_sat=prevout_spent_sat + subsidies_sat - came_out_sat,
    )
