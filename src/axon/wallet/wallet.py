"""A wallet: what is owned, in blocks and not yet confirmed, and what people ask of it.

Everything it knows is in its store; every change is written there before the call returns. It
belongs to one thread. Its public side is always open; the mnemonic stays sealed until a payment is
signed (`wallet/signing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import bdkpython as bdk

from axon.chain.store import Store
from axon.errors import StorageError
from axon.primitives.address import encode_address
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import NETWORKS, Network
from axon.primitives.transaction import OutPoint, Transaction
from axon.wallet import records, scan
from axon.wallet.coins import Balance, WalletCoin, coins_of
from axon.wallet.errors import AddressGap, CoinUnavailable, NoWallet, UnknownTransaction
from axon.wallet.history import HistoryEntry, history_of
from axon.wallet.keys import AccountKind, Descriptors, Source
from axon.wallet.labels import (
    Imported,
    LabelKind,
    export_labels,
    frozen,
    imported_labels,
    label_of,
    labelled,
    outpoint_ref,
)
from axon.wallet.ledger import WalletLedger
from axon.wallet.lookahead import checked_gap, unsearched_now
from axon.wallet.promises import PromiseWatch
from axon.wallet.reckoning import Reckoning, reckoning_of
from axon.wallet.records import Changes, Keychain, Mark
from axon.wallet.scripts import LOOKAHEAD, ScriptBook
from axon.wallet.unconfirmed import (
    ScriptCheck,
    expire_unconfirmed,
    note_delivery,
    parents_first,
    record_sent,
    take_unconfirmed,
)

MAX_UNUSED_ADDRESSES: Final = 20
"""So many given out in a row and never paid: other wallets stop looking behind them (BIP 44)."""


@dataclass(frozen=True, slots=True)
class AddressInfo:
    """One of our addresses.

    Args:
        address: as it is given to others.
        index: in its keychain.
        change: whether it is for what comes back from our own payments.
        used: whether it was ever paid.
        label: empty if it has none.
    """

    address: str
    index: int
    change: bool
    used: bool
    label: str


class Wallet:
    """A wallet over its store; made by `create` or `load`."""

    def __init__(self, ledger: WalletLedger, source: Source) -> None:
        self.ledger = ledger
        self.source = source
        """Its public descriptors, and the sealed mnemonic if it has one."""
        self._reckoning: tuple[int, Reckoning] | None = None
        self._promises = PromiseWatch(ledger)
        self.check_scripts: ScriptCheck | None = None
        """Of payments that were signed elsewhere; None to believe only blocks."""

    @classmethod
    def create(
        cls,
        store: Store,
        network: Network,
        source: Source,
        *,
        birthday_s: int,
        gap: int = LOOKAHEAD,
        has_past: bool = False,
    ) -> Wallet:
        """A new wallet in an empty store.

        Args:
            source: of its scripts, from `keys.from_words` or `keys.watch`.
            birthday_s: nothing was paid to it before; seconds since 1970.
            gap: scripts to look for beyond the last one given out or paid, 1 to `MAX_GAP`.
            has_past: its addresses may have been used elsewhere before.

        Raises:
            NoWallet: the store is not empty.
            BadGap: so many scripts cannot be looked for.
            StorageError: the disk refused.
        """
        if store.get(records.FORMAT_KEY) is not None:
            raise NoWallet("here is a wallet already: choose another name for the new one")
        changes: Changes = {
            records.FORMAT_KEY: records.encode_u32(records.FORMAT),
            records.NETWORK_KEY: network.name.encode(),
            records.BIRTHDAY_KEY: records.encode_u64(birthday_s),
            records.KIND_KEY: source.kind.encode() if source.kind else None,
            records.SEALED_KEY: source.sealed,
            records.GAP_KEY: records.encode_u32(checked_gap(gap)),
            records.PAST_KEY: b"" if has_past else None,
        }
        texts = (source.descriptors.receive, source.descriptors.change)
        for keychain, text in zip(Keychain, texts, strict=True):
            changes[records.DESCRIPTOR + bytes((keychain,))] = text.encode() if text else None
        store.write(changes)
        return cls.load(store)

    @classmethod
    def load(cls, store: Store) -> Wallet:
        """The wallet of a store.

        Raises:
            NoWallet: there is none.
            StorageError: it is of a newer axon, damaged, or the disk refuses.
        """
        version = store.get(records.FORMAT_KEY)
        if version is None:
            raise NoWallet("here is no wallet yet: create one, or restore one from its words")
        if records.decode_u32(version) == records.MANY_FORMAT:
            raise NoWallet("this is a wallet of a node (createwallet): loadwallet opens it")
        if records.decode_u32(version) > records.FORMAT:
            raise StorageError("this wallet was written by a newer axon: open it with that one")
        network = NETWORKS.get(_text(store, records.NETWORK_KEY) or "")
        receive, change = (
            _text(store, records.DESCRIPTOR + bytes((keychain,))) for keychain in Keychain
        )
        kind = _text(store, records.KIND_KEY)
        if network is None or receive is None or kind not in {None, *AccountKind}:
            raise records.damaged()
        sealed = store.get(records.SEALED_KEY)
        source = Source(Descriptors(receive, change), AccountKind(kind) if kind else None, sealed)
        try:
            book = ScriptBook(network, source.descriptors)
        except bdk.DescriptorError:
            raise records.damaged() from None
        ledger = WalletLedger(store, book, network)
        scan.resume(ledger)
        return cls(ledger, source)

    @property
    def network(self) -> Network:
        """The network whose coins it holds."""
        return self.ledger.network

    @property
    def is_watch_only(self) -> bool:
        """Whether it has no keys, so that it cannot sign."""
        return self.source.sealed is None

    @property
    def birthday_s(self) -> int:
        """Nothing was paid to it before; seconds since 1970."""
        value = self.ledger.stored(records.BIRTHDAY_KEY)
        return 0 if value is None else records.decode_u64(value)

    def set_birthday(self, birthday_s: int, *, rescan: bool = False) -> None:
        """Say from when on blocks may concern it.

        Args:
            rescan: look through all of them again; what is known stays as unconfirmed until its
                block is met.

        Raises:
            StorageError: the disk refused.
        """
        if rescan:
            scan.start_over(self.ledger, birthday_s)
        else:
            self.ledger.commit({records.BIRTHDAY_KEY: records.encode_u64(birthday_s)})

    # What a light client tells.

    @property
    def scanned(self) -> Mark | None:
        """The block up to which all were looked through; None before the first."""
        return self.ledger.scanned

    def watched_scripts(self) -> list[bytes]:
        """The scripts to look for in filters and blocks."""
        return self.ledger.book.scripts()

    def match_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> tuple[bool, ...]:
        """For each block whether it may concern the wallet (BIP 158).

        Args:
            filters: block hash and basic filter of each.
        """
        return self._promises.match(filters, self.watched_scripts())

    def take_block(self, block_hash: BlockHash, height: int, raw: bytes) -> scan.BlockTaken:
        """Look through a block of the best chain; see `scan.take_block`."""
        return scan.take_block(self.ledger, block_hash, height, raw)

    def follow_chain(self, fork_height: int | None, height: int, block_hash: BlockHash) -> None:
        """All up to a block was looked through; see `scan.follow_chain`.

        When blocks have left the chain, this comes before the first block that took their place.
        """
        scan.follow_chain(self.ledger, fork_height, Mark(height, block_hash))

    def take_unconfirmed(self, transaction: Transaction, now_s: int, source: str = "") -> bool:
        """An unconfirmed transaction from a peer; see `unconfirmed.take_unconfirmed`."""
        return take_unconfirmed(self.ledger, transaction, now_s, source, self.check_scripts)

    def expire_unconfirmed(self, now_s: int) -> None:
        """Drop what was promised two weeks ago and not since."""
        expire_unconfirmed(self.ledger, now_s)

    def record_sent(self, transaction: Transaction, now_s: int) -> None:
        """A payment of our own, before it goes out; see `unconfirmed.record_sent`."""
        record_sent(self.ledger, transaction, now_s)

    def note_delivery(self, txid: Txid, *, shown: bool) -> None:
        """A node has fetched a payment of ours; see `unconfirmed.note_delivery`."""
        note_delivery(self.ledger, txid, shown=shown)

    def unconfirmed_own(self) -> list[Transaction]:
        """Payments of our own that are in no block yet, parents first, to be sent again."""
        ledger = self.ledger
        counted = self.counted()
        own = {
            txid: ledger.transactions[txid]
            for txid in counted
            if txid not in ledger.confirmed and ledger.spends_ours(ledger.transactions[txid])
        }
        return parents_first(own)

    # What people ask.

    def balance(self) -> Balance:
        """What it holds, confirmed or not, as BDK counts it."""
        return self.reckoning().balance()

    def coins(self) -> list[WalletCoin]:
        """Its unspent coins, the oldest first."""
        return coins_of(self.ledger, self.reckoning().unspent())

    def history(self) -> list[HistoryEntry]:
        """Its transactions, the latest first."""
        return history_of(self.ledger, self.counted())

    def proof(self, txid: Txid) -> bytes:
        """That a transaction is in its block, as `gettxoutproof` says it, with the coinbase's.

        Raises:
            UnknownTransaction: it is not ours, or in no block.
        """
        self.transaction(txid)
        found = self.ledger.stored(records.PROOF + txid)
        if found is None:
            raise UnknownTransaction(
                f"transaction {to_hex(txid)} is in no block yet: there is no proof"
            )
        return found

    def transaction(self, txid: Txid) -> Transaction:
        """A transaction of ours.

        Raises:
            UnknownTransaction: it is not.
        """
        found = self.ledger.transactions.get(txid)
        if found is None or not self.ledger.concerns(found):
            raise UnknownTransaction(f"transaction {to_hex(txid)} is none of this wallet")
        return found

    def new_address(self, *, beyond_gap: bool = False) -> str:
        """An address that was never given out.

        Args:
            beyond_gap: also when too many before it are unused.

        Raises:
            AddressGap: the last 20 were never paid.
            StorageError: the disk refused.
        """
        book = self.ledger.book
        if not book.is_range(Keychain.RECEIVE):
            return self._address(Keychain.RECEIVE, 0)
        index = book.revealed(Keychain.RECEIVE)
        last_used = max((info.index for info in self.addresses() if info.used), default=-1)
        if index - last_used > MAX_UNUSED_ADDRESSES and not beyond_gap:
            raise AddressGap(
                f"the last {MAX_UNUSED_ADDRESSES} addresses were never paid, and a wallet restored"
                " from its words may not look further: use one of them"
            )
        self.ledger.commit(
            {
                records.REVEALED + bytes((Keychain.RECEIVE,)): records.encode_u32(index + 1),
                **unsearched_now(self.ledger, Keychain.RECEIVE),
            }
        )
        return self._address(Keychain.RECEIVE, index)

    def addresses(self, *, change: bool = False) -> list[AddressInfo]:
        """The addresses that were given out, or those for change, by index."""
        keychain = Keychain.CHANGE if change else Keychain.RECEIVE
        ledger = self.ledger
        if keychain not in ledger.book.keychains:
            return []
        paid = {
            owned.place.index for owned in ledger.owned.values() if owned.place.keychain is keychain
        }
        found: list[AddressInfo] = []
        for index in range(ledger.book.revealed(keychain)):
            address = self._address(keychain, index)
            label = label_of(ledger, LabelKind.ADDRESS, address)
            found.append(AddressInfo(address, index, change, index in paid, label))
        return found

    def label(self, kind: LabelKind, ref: str) -> str:
        """The label of a transaction, address or coin; empty if it has none."""
        return label_of(self.ledger, kind, ref)

    def set_label(self, kind: LabelKind, ref: str, text: str) -> None:
        """Put a label on a transaction, address or coin; an empty one takes it off.

        Raises:
            BadLabel: too long, or what it stands on has no valid form.
            StorageError: the disk refused.
        """
        self.ledger.commit(labelled(self.ledger, kind, ref, text))

    def export_labels(self) -> str:
        """All labels and frozen coins as lines of JSON (BIP 329)."""
        return export_labels(self.ledger)

    def import_labels(self, text: str) -> Imported:
        """Take labels that a wallet exported, but for lines that are not ours or malformed.

        Raises:
            BadLabel: it is too large for a file of labels.
            StorageError: the disk refused.
        """
        changes, imported = imported_labels(self.ledger, text)
        self.ledger.commit(changes)
        return imported

    def freeze(self, point: OutPoint) -> None:
        """Set a coin aside, so that no payment uses it.

        Raises:
            CoinUnavailable: it is no unspent coin of ours.
            StorageError: the disk refused.
        """
        if all(coin.outpoint != point for coin in self.coins()):
            raise CoinUnavailable(f"{outpoint_ref(point)} is no unspent coin of this wallet")
        self.ledger.commit(frozen(point, True))

    def unfreeze(self, point: OutPoint) -> None:
        """Let payments use a coin again."""
        self.ledger.commit(frozen(point, False))

    def counted(self) -> dict[Txid, None]:
        """The transactions that count: in a block, or unconfirmed and not outdone by another."""
        known = self.ledger.transactions
        return {txid: None for txid in self.reckoning().counted() if txid in known}

    def reckoning(self) -> Reckoning:
        """What follows from the records as of now."""
        if self._reckoning is None or self._reckoning[0] != self.ledger.version:
            self._reckoning = self.ledger.version, reckoning_of(self.ledger)
        return self._reckoning[1]

    def _address(self, keychain: Keychain, index: int) -> str:
        address = encode_address(self.ledger.book.script(keychain, index), self.network)
        assert address is not None, "only scripts that have an address are watched"
        return address


def _text(store: Store, key: bytes) -> str | None:
    value = store.get(key)
    return None if value is None else records.decode_text(value)
