"""A wallet of descriptors as a node shows it its chain and its pool, and what it sends itself.

What the node's pool took in is believed: it was validated there. Blocks are looked through where
their filters match: our scripts, and those that waiting payments of others spend, for a block may
have something else that spends the same. Where such a payment does not tell what it spends, every
block is looked through for two weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.transaction import OutPoint, Transaction
from axon.wallet import records, scan
from axon.wallet.descriptorledger import DescriptorLedger
from axon.wallet.errors import UnknownTransaction
from axon.wallet.holdings import Holdings
from axon.wallet.labels import frozen
from axon.wallet.promises import MAX_SCRIPTS, promised_scripts, tells_its_script
from axon.wallet.records import Changes, Confirmation, Mark
from axon.wallet.unconfirmed import EXPIRY_S, parents_first

MAX_MARKS: Final = 64
"""Of earlier blocks that are kept to find the way back by: each is twice as far as the one before
it, so that they reach over any chain."""


class FollowedWallet:
    """Facts, and what changes them from outside.

    Args:
        ledger: the facts.
    """

    def __init__(self, ledger: DescriptorLedger) -> None:
        self.ledger = ledger
        self.holdings = Holdings(ledger)
        self.tell: Callable[[Txid], object] = lambda txid: None  # noqa: ARG005
        """Called for each transaction that is new, or was taken into the pool."""
        self._sought: tuple[int, list[bytes] | None] | None = None  # By the ledger's version.

    @property
    def scanned(self) -> Mark | None:
        """The block up to which all were looked through; None before the first."""
        return self.ledger.scanned

    # Blocks.

    def match_filters(
        self, filters: Sequence[tuple[BlockHash, bytes]], now_s: int
    ) -> tuple[bool, ...]:
        """For each block whether it is to be looked through; see `scan.worth_reading`."""
        if self._sought is None or self._sought[0] != self.ledger.version:
            self._sought = self.ledger.version, self._promised(now_s)
        promised = self._sought[1]
        if promised is None:
            return (True,) * len(filters)
        return scan.worth_reading(filters, self.ledger.book.scripts() + promised)

    def _promised(self, now_s: int) -> list[bytes] | None:
        """Scripts by which a block shows that it breaks a promise; None where any block may."""
        scripts = promised_scripts(self.ledger)
        untold = any(
            not tells_its_script(spent)
            for txid in self._awaited(now_s)
            for spent in self.ledger.transactions[txid].inputs
        )
        return None if untold or len(scripts) >= MAX_SCRIPTS else scripts

    def _awaited(self, now_s: int) -> Iterator[Txid]:
        """Payments of others of the last two weeks that a block may still exclude."""
        ledger = self.ledger
        for txid, note in ledger.notes.items():
            if txid in ledger.confirmed or note.received_s + EXPIRY_S < now_s:
                continue
            item = ledger.transactions[txid]
            if item.is_coinbase or ledger.spends_ours(item):
                continue
            if self.holdings.conflict_height(txid) is None:
                yield txid

    def take_block(
        self, block_hash: BlockHash, height: int, raw: bytes, now_s: int
    ) -> scan.BlockTaken:
        """Look through a block of the best chain; see `scan.take_block`."""
        ledger = self.ledger
        taken = scan.take_block(ledger, block_hash, height, raw)
        for txid in taken.found:
            item, time_s = ledger.transactions[txid], ledger.confirmed[txid].time_s
            ledger.commit({**ledger.noted(item, now_s, time_s), **self._freed(item)})
            self.holdings.pool_left(txid)
        return taken

    def follow_chain(
        self,
        fork_height: int | None,
        height: int,
        block_hash: BlockHash,
        marks: Sequence[tuple[int, BlockHash]] = (),
    ) -> None:
        """All up to a block was looked through; see `scan.follow_chain`.

        Args:
            marks: height and hash of blocks below it, the highest first: where the way back is
                looked for once this block is on no chain that is known.
        """
        kept = b"".join([Mark(*each).encode() for each in marks[:MAX_MARKS]])
        more: Changes = {records.MARKS_KEY: kept} if marks else {}
        scan.follow_chain(self.ledger, fork_height, Mark(height, block_hash), more)

    def marks(self) -> list[Mark]:
        """The block up to which all were looked through, and some below it, the highest first.

        Raises:
            DamageError: they cannot be read.
        """
        if self.scanned is None:
            return []
        return [self.scanned, *records.decode_marks(self.ledger.stored(records.MARKS_KEY) or b"")]

    def take_proved(
        self,
        transaction: Transaction,
        now_s: int,
        *,
        height: int,
        block_hash: BlockHash,
        time_s: int,
        position: int,
    ) -> bool:
        """A transaction of a block that need not be here; whether it pays us, else it is not kept.

        Args:
            height, block_hash, time_s, position: where it is; that was proved, and the block is in
                the chain.
        """
        ledger, txid = self.ledger, transaction.txid
        counts = ledger.revealed_counts()
        paid = [output for output in transaction.outputs if ledger.use(output.script_pubkey)]
        if not paid:
            return False
        place = Confirmation(height, block_hash, time_s, position)
        ledger.commit(
            {
                records.TRANSACTION + txid: transaction.raw,
                records.CONFIRMATION + txid: place.encode(),
                **ledger.noted(transaction, now_s, time_s),
                **ledger.revealed_since(counts),
                **self._freed(transaction),
            }
        )
        self.holdings.pool_left(txid)
        self.tell(txid)
        return True

    def forget(self, txid: Txid) -> bool:
        """Know nothing of a transaction any more; whether it was known."""
        if txid not in self.ledger.notes:
            return False
        self.holdings.pool_left(txid)
        kinds = (
            records.TRANSACTION,
            records.CONFIRMATION,
            records.PROOF,
            records.SEEN,
            records.NOTE,
        )
        self.ledger.commit({kind + txid: None for kind in kinds})
        return True

    # The pool.

    def pooled(self, transaction: Transaction, now_s: int) -> bool:
        """A transaction is in the node's pool; whether it is ours.

        Raises:
            StorageError: the disk refused.
        """
        ledger, txid = self.ledger, transaction.txid
        if txid not in ledger.notes:
            # One that is known without a note spends what a promise to us spends, no more.
            if not ledger.concerns(transaction):
                self.holdings.rival_came(transaction)
                return False
            self._keep(transaction, now_s)
        else:
            self.tell(txid)
        self.holdings.pool_entered(txid)
        if ledger.notes[txid].abandoned:
            ledger.commit(ledger.renoted(txid, abandoned=False))
        return True

    def unpooled(self, txid: Txid) -> bool:
        """A transaction has left the pool; whether it is ours."""
        return self.holdings.pool_left(txid)

    def _keep(self, transaction: Transaction, now_s: int, others: Changes | None = None) -> None:
        ledger, txid = self.ledger, transaction.txid
        counts = ledger.revealed_counts()
        for output in transaction.outputs:
            ledger.use(output.script_pubkey)
        ledger.commit(
            {
                records.TRANSACTION + txid: transaction.raw,
                records.SEEN + txid: ledger.seen_above_conflicts(transaction, now_s).encode(),
                **ledger.noted(transaction, now_s),
                **ledger.revealed_since(counts),
                **self._freed(transaction),
                **(others or {}),
            }
        )
        self.tell(txid)

    def _freed(self, transaction: Transaction) -> Changes:
        """Coins that it spends are set aside no more."""
        changes: Changes = {}
        for point in transaction.prevouts:
            if point in self.ledger.frozen:
                changes |= frozen(point, False)
        return changes

    # What is sent.

    def record_sent(self, transaction: Transaction, now_s: int, **noted: str) -> None:
        """Write a payment of our own down, before it goes out.

        Args:
            noted: `comment`, `to`, `replaces`, as `TransactionNote` has them.

        Raises:
            StorageError: the disk refused: do not send it.
        """
        ledger, txid = self.ledger, transaction.txid
        if txid not in ledger.notes:
            self._keep(transaction, now_s)
        changes = ledger.renoted(txid, **noted) if noted else {}
        replaced = noted.get("replaces")
        if replaced:
            old = Txid(bytes.fromhex(replaced)[::-1])
            if old in ledger.notes:
                changes |= ledger.renoted(old, replaced_by=txid[::-1].hex())
        ledger.commit(changes)

    def unsettled(self) -> list[Transaction]:
        """Payments of our own that are in no block and not given up, parents first."""
        ledger, holdings = self.ledger, self.holdings
        own = {
            txid: item
            for txid, item in ledger.transactions.items()
            if txid not in ledger.confirmed
            and not item.is_coinbase
            and ledger.spends_ours(item)
            and not ledger.notes[txid].abandoned
            and not holdings.conflict_height(txid)
        }
        return parents_first(own)

    def abandon(self, txid: Txid) -> bool:
        """Wait no more for a transaction and what builds on it; whether that can be.

        Raises:
            UnknownTransaction: it is none of this wallet.
        """
        ledger, holdings = self.ledger, self.holdings
        if txid not in ledger.notes:
            raise UnknownTransaction("Invalid or non-wallet transaction id")
        if holdings.depth(txid) != 0 or holdings.in_pool(txid):
            return False
        changes: Changes = {}
        for each in ledger.built_on([txid]):
            known = each in ledger.notes and each not in ledger.confirmed
            if known and not holdings.in_pool(each):
                changes |= ledger.renoted(each, abandoned=True)
        ledger.commit(changes)
        return True

    def lock_coins(self, points: Iterable[OutPoint], yes: bool) -> None:
        """Set coins aside, or let payments use them again."""
        changes = [frozen(point, yes) for point in points]
        self.ledger.commit({key: value for each in changes for key, value in each.items()})
