"""The newest blocks looked at once more, as deep as a caller wants (`verifychain`).

    0  a block can be read, and is the block of its hash
    1  its header proves its work, and its transactions are what the header commits to
    2  what it spent can be read: a coin for each input
    3  undone in memory, block by block, it agrees with the coins: what it made and nobody spent is
       there, what it spent is not
    4  done again: every script passes, no transaction makes more than it spends, and the coinbase
       takes no more than subsidy and fees

It runs in a thread beside the node. When the tip moves, level 3 begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from axon.chain.coins import Coin, Coins
from axon.chain.headerentry import HeaderEntry
from axon.consensus.scripts import verify_scripts
from axon.consensus.validator import ScriptFlags
from axon.errors import AxonError, DecodeError
from axon.node.jobs import ReadBlock, ReadSpent
from axon.primitives.block import Block
from axon.primitives.blockbody import check_body
from axon.primitives.hashes import to_hex
from axon.primitives.network import Network
from axon.primitives.script import is_unspendable
from axon.primitives.target import meets_target
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint
from axon.primitives.verdict import Rejected
from axon.rpc.daemon import Daemon
from axon.rpc.shapes.deployments import script_flags

MAX_UNDONE: Final = 1_000_000
"""Coins that undone blocks may touch, some 300 MB; deeper levels 3 and 4 do not go."""

SPENT_LEVEL: Final = 2
COINS_LEVEL: Final = 3
SCRIPTS_LEVEL: Final = 4


class ChainDoubt(AxonError):
    """A block does not pass; the text says which, and why."""


class TipMoved(AxonError):
    """The coins are those of another block by now."""


@dataclass(slots=True)
class Verification:
    """One look at the newest blocks.

    Args:
        daemon: reads blocks.
        level: how closely, 0 to 4.
        tip: the newest block.
        depth: how many blocks.
    """

    daemon: Daemon
    level: int
    tip: HeaderEntry
    depth: int

    def run(self) -> bool:
        """Whether all was looked at; False if there was too much for levels 3 and 4.

        Raises:
            ChainDoubt: something is wrong.
            TipMoved: it must begin anew, with the new tip.
        """
        undone: dict[OutPoint, Coin | None] = {}
        complete = True
        for entry in self._downwards():
            self.daemon.go_on()
            block = self._read(entry)
            if self.level >= 1:
                _check_alone(entry, block, self.daemon.node.network)
            if self.level < SPENT_LEVEL:
                continue
            spent = self._spent(entry, block)
            if self.level >= COINS_LEVEL and complete:
                self._undo(entry, block, spent, undone)
                complete = len(undone) <= MAX_UNDONE
            if self.level >= SCRIPTS_LEVEL and complete:
                _do_again(entry, block, spent, self.daemon.node.network)
        return complete

    def _downwards(self) -> Iterator[HeaderEntry]:
        entry: HeaderEntry | None = self.tip
        while entry is not None and entry.height > max(0, self.tip.height - self.depth):
            yield entry
            entry = entry.parent

    def _read(self, entry: HeaderEntry) -> Block:
        raw = self.daemon.perform(ReadBlock(entry.hash))
        if not isinstance(raw, bytes):
            raise _doubt(entry, "it cannot be read")
        try:
            block = Block.decode(raw)
        except DecodeError as error:
            raise _doubt(entry, str(error)) from error
        if block.hash != entry.hash:
            raise _doubt(entry, "another block lies there")
        return block

    def _spent(self, entry: HeaderEntry, block: Block) -> list[list[Coin]]:
        spent = self.daemon.perform(ReadSpent(entry.hash))
        if not isinstance(spent, list):
            raise _doubt(entry, "what it spent cannot be read")
        counts = [0 if item.is_coinbase else len(item.inputs) for item in block.transactions]
        if [len(coins) for coins in spent] != counts:
            raise _doubt(entry, "it did not spend what its inputs name")
        return spent

    def _undo(
        self,
        entry: HeaderEntry,
        block: Block,
        spent: Sequence[Sequence[Coin]],
        undone: dict[OutPoint, Coin | None],
    ) -> None:
        """Compare one block with the coins above it, and go below it."""
        coins = self._look_up(block, undone)
        for transaction, taken in zip(reversed(block.transactions), reversed(spent), strict=True):
            for index, output in enumerate(transaction.outputs):
                if is_unspendable(output.script_pubkey):
                    continue
                point = outpoint(transaction.txid, index)
                made = Coin(
                    entry.height, transaction.is_coinbase, output.amount_sat, output.script_pubkey
                )
                if coins.get(point) != made:
                    raise _doubt(entry, f"the coins lack what {to_hex(transaction.txid)} made")
                coins[point] = None
            if taken:
                for point, coin in zip(transaction.prevouts, taken, strict=True):
                    if coins.get(point) is not None:
                        raise _doubt(entry, f"what {to_hex(transaction.txid)} spent is a coin yet")
                    coins[point] = coin
        undone.update(coins)

    def _look_up(
        self, block: Block, undone: dict[OutPoint, Coin | None]
    ) -> dict[OutPoint, Coin | None]:
        """The coins that a block touches, as they were when it was the tip."""
        points: dict[OutPoint, None] = {}
        for transaction in block.transactions:
            points |= dict.fromkeys(_made_by(transaction))
            if not transaction.is_coinbase:
                points |= dict.fromkeys(transaction.prevouts)
        stored = [point for point in points if point not in undone]
        coins: Coins = self.daemon.node.coins
        found = coins.read(stored, self.tip.hash)
        if found is None:
            raise TipMoved
        return found | {point: undone[point] for point in points if point in undone}


def _check_alone(entry: HeaderEntry, block: Block, network: Network) -> None:
    if not meets_target(entry.hash, entry.bits):
        raise _doubt(entry, "its header does not prove its work")
    rejected = check_body(block, segwit=network.has_segwit(entry.height))
    if rejected is not None:
        raise _doubt(entry, str(rejected))


def _made_by(transaction: Transaction) -> Iterator[OutPoint]:
    for index in range(len(transaction.outputs)):
        yield outpoint(transaction.txid, index)


def _do_again(
    entry: HeaderEntry, block: Block, spent: Sequence[Sequence[Coin]], network: Network
) -> None:
    flags = ScriptFlags.NONE
    for name in script_flags(entry, network):
        flags |= ScriptFlags[name]
    fees_sat = 0
    for transaction, coins in zip(block.transactions[1:], spent[1:], strict=True):
        outputs = [TxOut(coin.amount_sat, coin.script_pubkey) for coin in coins]
        made_sat = sum(output.amount_sat for output in transaction.outputs)
        fee_sat = sum(output.amount_sat for output in outputs) - made_sat
        if fee_sat < 0:
            raise _doubt(entry, f"{to_hex(transaction.txid)} makes more than it spends")
        fees_sat += fee_sat
        verdict = verify_scripts(transaction, outputs, flags)
        if isinstance(verdict, Rejected):
            raise _doubt(entry, str(verdict))
    reward_sat = sum(output.amount_sat for output in block.transactions[0].outputs)
    if reward_sat > network.subsidy_sat(entry.height) + fees_sat:
        raise _doubt(entry, "bad-cb-amount")


def _doubt(entry: HeaderEntry, why: str) -> ChainDoubt:
    return ChainDoubt(f"block {to_hex(entry.hash)} at height {entry.height}: {why}")
