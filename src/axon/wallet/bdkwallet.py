"""BDK's wallet over what the ledger holds.

BDK takes no blocks from Python, but it asks whoever persists for it what it knew last. So a wallet
of BDK is loaded from a change set made of our records: the blocks that confirmed something, the
transactions with their anchors and times, how many scripts are out, and the coins to leave alone.
It decides which of several transactions that exclude each other counts, and builds and signs new
ones. It is loaded anew when the records have changed, in milliseconds, and keeps nothing itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import bdkpython as bdk

from axon.errors import WalletError
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    outpoint,
    outpoint_index,
    outpoint_txid,
)
from axon.wallet.keys import bdk_network
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Keychain
from axon.wallet.scripts import LOOKAHEAD, Scripts


class _Records(bdk.Persistence):
    """What BDK knew last; what it wants kept is dropped, because all of it is ours already."""

    def __init__(self, change_set: bdk.ChangeSet) -> None:
        super().__init__()
        self._change_set = change_set

    def initialize(self) -> bdk.ChangeSet:
        return self._change_set

    def persist(self, changeset: bdk.ChangeSet) -> None:
        """Nothing: it comes from our records."""


def load_bdk_wallet(
    ledger: WalletLedger,
    locked: Iterable[OutPoint] = (),
    private: tuple[bdk.Descriptor, bdk.Descriptor] | None = None,
    without: Collection[Txid] = (),
) -> bdk.Wallet:
    """BDK's wallet as of now.

    Args:
        ledger: our records.
        locked: coins that it must not choose.
        private: descriptors with keys, to sign with.
        without: transactions that it is not told of.

    Raises:
        WalletError: BDK does not accept the records, with its error as the cause.
    """
    book = ledger.book
    persister = bdk.Persister.custom(_Records(_change_set(ledger, locked, without)))
    try:
        if private is not None:
            return bdk.Wallet.load(*private, persister, LOOKAHEAD)
        receive = book.descriptor(Keychain.RECEIVE)
        if Keychain.CHANGE not in book.keychains:
            return bdk.Wallet.load_single(receive, persister, LOOKAHEAD)
        return bdk.Wallet.load(receive, book.descriptor(Keychain.CHANGE), persister, LOOKAHEAD)
    except bdk.LoadWithPersistError as error:
        raise WalletError(f"the wallet's records do not fit together: {error}") from error


def _change_set(
    ledger: WalletLedger, locked: Iterable[OutPoint], without: Collection[Txid]
) -> bdk.ChangeSet:
    book = ledger.book
    two = Keychain.CHANGE in book.keychains
    return bdk.ChangeSet.from_aggregate_with_locked_outpoints(
        book.descriptor(Keychain.RECEIVE),
        book.descriptor(Keychain.CHANGE) if two else None,
        bdk_network(ledger.network),
        _chain(ledger),
        _graph(ledger, without),
        _indices(book),
        {bdk.HashableOutPoint(bdk_outpoint(point)): True for point in locked},
    )


def _chain(ledger: WalletLedger) -> bdk.LocalChainChangeSet:
    """The blocks that matter: the first, the last, and those that confirmed something."""
    hashes = {0: ledger.network.genesis.hash, ledger.tip.height: ledger.tip.hash}
    hashes |= {anchor.height: anchor.hash for anchor in ledger.confirmed.values()}
    return bdk.LocalChainChangeSet(
        changes=[
            bdk.ChainChange(height=height, hash=_block_hash(hashes[height]))
            for height in sorted(hashes)
        ]
    )


def _graph(ledger: WalletLedger, without: Collection[Txid]) -> bdk.TxGraphChangeSet:
    anchors = [
        bdk.Anchor(
            txid=bdk_txid(txid),
            confirmation_block_time=bdk.ConfirmationBlockTime(
                block_id=bdk.BlockId(height=anchor.height, hash=_block_hash(anchor.hash)),
                confirmation_time=anchor.time_s,
            ),
        )
        for txid, anchor in ledger.confirmed.items()
        if txid not in without
    ]
    seen = {  # A coinbase that left the chain never waits for another block.
        bdk_txid(txid): when
        for txid, when in ledger.seen.items()
        if txid not in without and not ledger.transactions[txid].is_coinbase
    }
    return bdk.TxGraphChangeSet(
        txs=[
            bdk.Transaction(item.raw)
            for txid, item in ledger.transactions.items()
            if txid not in without
        ],
        txouts={},
        anchors=anchors,
        last_seen={txid: when.last_s for txid, when in seen.items()},
        first_seen={txid: when.first_s for txid, when in seen.items()},
        last_evicted={},
    )


def _indices(book: Scripts) -> bdk.IndexerChangeSet:
    return bdk.IndexerChangeSet(
        last_revealed={
            book.descriptor(keychain).descriptor_id(): book.revealed(keychain) - 1
            for keychain in book.keychains
            if book.revealed(keychain)
        }
    )


def _block_hash(block_hash: BlockHash) -> bdk.BlockHash:
    return bdk.BlockHash.from_bytes(block_hash)


def bdk_txid(txid: Txid) -> bdk.Txid:
    """A txid as BDK takes it."""
    return bdk.Txid.from_bytes(txid)


def bdk_outpoint(point: OutPoint) -> bdk.OutPoint:
    """An outpoint as BDK takes it."""
    return bdk.OutPoint(txid=bdk_txid(outpoint_txid(point)), vout=outpoint_index(point))


def from_bdk_outpoint(point: bdk.OutPoint) -> OutPoint:
    """An outpoint that BDK gave."""
    return outpoint(Txid(bytes(point.txid.serialize())), point.vout)


def from_bdk_transaction(transaction: bdk.Transaction) -> Transaction:
    """A transaction that BDK gave."""
    return Transaction.decode(bytes(transaction.serialize()))
