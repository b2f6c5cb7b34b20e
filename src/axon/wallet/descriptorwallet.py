"""A wallet of any number of descriptors, as programs made for Bitcoin Core expect one.

It has new keys for each type of address, takes descriptors that somebody brings along, is locked
and unlocked, and counts what is in the pool of a node that validates: what that took in needs no
second look. Everything that it knows is in its store before a call returns; it belongs to one
thread. What follows from the facts is worked out in `holdings`, payments are built in `spending`.
A little over 400 lines: the one thing that callers hold, each of its methods short.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from axon.chain.store import Store
from axon.errors import StorageError
from axon.primitives.address import encode_address
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import Descriptor, parse_descriptor
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import NETWORKS, Network
from axon.primitives.transaction import OutPoint, Transaction
from axon.wallet import records, scan
from axon.wallet.descriptorbook import (
    DEFAULT_AHEAD,
    MAX_KEYCHAINS,
    AddressType,
    HeldDescriptor,
    address_type,
)
from axon.wallet.descriptorledger import DescriptorLedger
from axon.wallet.descriptorseed import WalletFlags, seed_descriptors
from axon.wallet.errors import NoAddresses, NoWallet, UnknownTransaction
from axon.wallet.holdings import Holdings
from axon.wallet.importing import public_text
from axon.wallet.labels import LabelKind, frozen, label_of, labelled
from axon.wallet.records import Changes, Mark
from axon.wallet.sealedkeys import Entropy, SealedKeys
from axon.wallet.unconfirmed import parents_first

SEED_SIZE: Final = 32


class DescriptorWallet:
    """A wallet over its store; made by `create` or `load`.

    Args:
        ledger: its facts.
        flags: what it was made for.
        entropy: for new keys and for payments.
    """

    def __init__(self, ledger: DescriptorLedger, flags: WalletFlags, entropy: Entropy) -> None:
        self.ledger = ledger
        self.flags = flags
        self.entropy = entropy
        self.keyring = SealedKeys(ledger.stored, entropy)
        self.holdings = Holdings(ledger)

    # Made and opened.

    @classmethod
    def create(
        cls,
        store: Store,
        network: Network,
        entropy: Entropy,
        *,
        flags: WalletFlags,
        passphrase: str,
        now_s: int,
        ahead: int = DEFAULT_AHEAD,
    ) -> DescriptorWallet:
        """A new wallet in an empty store.

        Args:
            passphrase: seals its keys; empty for none.
            now_s: seconds since 1970; nothing was paid to it before.
            ahead: scripts of each descriptor to watch beyond the last used one.

        Raises:
            NoWallet: the store is not empty.
            StorageError: the disk refused.
        """
        if store.get(records.FORMAT_KEY) is not None:
            raise NoWallet("here is a wallet already: choose another name for the new one")
        keyring = SealedKeys(store.get, entropy)
        changes: Changes = {
            records.FORMAT_KEY: records.encode_u32(records.MANY_FORMAT),
            records.NETWORK_KEY: network.name.encode(),
            records.FLAGS_KEY: flags.encode(),
            records.BIRTHDAY_KEY: records.encode_u64(now_s),
        }
        if flags.private_keys:
            changes |= keyring.created(passphrase)
        store.write(changes)
        made = cls.load(store, entropy)
        if flags.private_keys and not flags.blank:
            if passphrase:
                made.keyring.unlock(passphrase)
            made.ledger.commit(made._new_seed(now_s, ahead))
            made.keyring.lock()
        return made

    @classmethod
    def load(cls, store: Store, entropy: Entropy) -> DescriptorWallet:
        """The wallet of a store.

        Raises:
            NoWallet: there is none, or one of another kind.
            StorageError: it is damaged, or the disk refuses.
        """
        version = store.get(records.FORMAT_KEY)
        if version is None:
            raise NoWallet("here is no wallet yet")
        form = records.decode_u32(version)
        if form == records.FORMAT:
            raise NoWallet("this wallet has words (axon wallet create): axon wallet serve opens it")
        if form > records.MANY_FORMAT:
            raise StorageError("this wallet was written by a newer axon: open it with that one")
        network = NETWORKS.get((store.get(records.NETWORK_KEY) or b"").decode(errors="replace"))
        if network is None:
            raise records.damaged()
        flags = WalletFlags.decode(store.get(records.FLAGS_KEY) or b"")
        ledger = DescriptorLedger(store, network)
        scan.resume(ledger)
        wallet = cls(ledger, flags, entropy)
        ledger.note_all()
        return wallet

    @property
    def network(self) -> Network:
        """The network whose coins it holds."""
        return self.ledger.network

    @property
    def scanned(self) -> Mark | None:
        """The block up to which all were looked through; None before the first."""
        return self.ledger.scanned

    # Keys and addresses.

    def _new_seed(self, now_s: int, ahead: int) -> Changes:
        """What to write for a new seed: eight descriptors, which are the active ones from now on.

        Raises:
            KeysLocked: the passphrase is needed.
        """
        changes = self._retired()
        root = ExtendedKey.from_seed(self.entropy.rng.randbytes(SEED_SIZE))
        made = seed_descriptors(root, self.network, now_s, ahead)
        for number, (held, secret) in enumerate(made, self._next_keychain()):
            changes[records.many_key(records.HELD, number)] = held.encode()
            changes |= self.keyring.kept(number, secret)
        return changes

    def _retired(self) -> Changes:
        book = self.ledger.book
        return {
            records.many_key(records.HELD, keychain): replace(
                book.held(keychain), active=False
            ).encode()
            for keychain in book.keychains
            if book.held(keychain).active
        }

    def _next_keychain(self) -> int:
        return max(self.ledger.book.keychains, default=-1) + 1

    def encrypt(self, passphrase: str, now_s: int, ahead: int) -> None:
        """Seal the keys from now on, and make new ones: the old ones stood open.

        Raises:
            StorageError: the disk refused; nothing has changed.
        """
        book, keyring = self.ledger.book, self.keyring
        private = tuple([each for each in book.keychains if book.held(each).private])
        self.ledger.commit(keyring.encrypted(passphrase, private))
        keyring.unlock(passphrase)
        if not self.flags.blank:
            self.ledger.commit(self._new_seed(now_s, ahead))
        keyring.lock()

    def change_passphrase(self, old: str, new: str) -> None:
        """Seal the keys with another passphrase; raises WrongPassphrase."""
        self.ledger.commit(self.keyring.sealed_anew(old, new))

    @property
    def gives_addresses(self) -> bool:
        """Whether any descriptor is active."""
        book = self.ledger.book
        return any(book.held(keychain).active for keychain in book.keychains)

    def new_address(self, kind: AddressType, *, internal: bool = False) -> str:
        """An address that was never given out.

        Args:
            internal: for change.

        Raises:
            NoAddresses: no descriptor gives out such ones.
            StorageError: the disk refused.
        """
        return self.address(self.new_script(kind, internal=internal))

    def new_script(self, kind: AddressType, *, internal: bool = False) -> bytes:
        """The script of such an address; raises likewise."""
        book = self.ledger.book
        keychain = book.active(kind, internal=internal)
        if keychain is None:
            raise NoAddresses(f"Error: No {kind} addresses available.")
        index = book.revealed(keychain)
        moved = book.moved(keychain, index + 1)
        self.ledger.commit({records.many_key(records.HELD, keychain): moved.encode()})
        return book.script(keychain, index)

    def address(self, script: bytes) -> str:
        """What people write for a script of ours; empty if there is nothing."""
        return encode_address(script, self.network) or ""

    def hold(self, descriptor: Descriptor, private_text: str | None, held: HeldDescriptor) -> None:
        """Watch a descriptor from now on, or take over what is said of one that is held already.

        Args:
            descriptor: as it was given.
            private_text: the same with private keys; None where it has none.
            held: what is said of it; its texts are put in here.

        Raises:
            DecodeError: its scripts cannot be derived from public keys.
            KeysLocked: the passphrase is needed.
            StorageError: the disk refused.
        """
        book, text = self.ledger.book, public_text(descriptor)
        known = book.keychain_of(text)
        number = self._next_keychain() if known is None else known
        if number >= MAX_KEYCHAINS:
            raise NoAddresses(f"a wallet holds at most {MAX_KEYCHAINS} descriptors")
        held = replace(held, text=text, root=str(descriptor), private=private_text is not None)
        changes: Changes = {}
        if held.active:
            changes |= self._replaced_by(descriptor, held, number)
        if private_text is not None:
            changes |= self.keyring.kept(number, private_text)
        changes[records.many_key(records.HELD, number)] = book.kept(number, held).encode()
        if self.flags.blank:
            self.flags = replace(self.flags, blank=False)
            changes[records.FLAGS_KEY] = self.flags.encode()
        self.ledger.commit(changes)

    def add(self, held: HeldDescriptor, private_text: str) -> None:
        """Hold one more descriptor, of a seed that is here; raises KeysLocked."""
        number = self._next_keychain()
        key = records.many_key(records.HELD, number)
        self.ledger.commit({key: held.encode(), **self.keyring.kept(number, private_text)})

    def rooted(self, keychain: int) -> Descriptor:
        """A descriptor from the keys that it was given with, without private ones."""
        return parse_descriptor(self.ledger.book.held(keychain).root, self.network)[0]

    def _replaced_by(self, descriptor: Descriptor, held: HeldDescriptor, number: int) -> Changes:
        """The descriptor that gave out such addresses until now does so no more."""
        kind = address_type(descriptor)
        book = self.ledger.book
        old = None if kind is None else book.active(kind, internal=held.internal)
        if old is None or old == number:
            return {}
        retired = replace(book.held(old), active=False)
        return {records.many_key(records.HELD, old): retired.encode()}

    # What a node tells.

    def match_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> tuple[bool, ...]:
        """For each block whether it is to be looked through; see `scan.worth_reading`."""
        return scan.worth_reading(filters, self.ledger.book.scripts())

    def take_block(
        self, block_hash: BlockHash, height: int, raw: bytes, now_s: int
    ) -> scan.BlockTaken:
        """Look through a block of the best chain; see `scan.take_block`."""
        ledger = self.ledger
        taken = scan.take_block(ledger, block_hash, height, raw)
        for txid in taken.found:
            time_s = ledger.confirmed[txid].time_s
            ledger.commit(ledger.noted(ledger.transactions[txid], now_s, time_s))
            self.holdings.pool_left(txid)
        return taken

    def follow_chain(self, fork_height: int | None, height: int, block_hash: BlockHash) -> None:
        """All up to a block was looked through; see `scan.follow_chain`."""
        scan.follow_chain(self.ledger, fork_height, Mark(height, block_hash))

    def pooled(self, transaction: Transaction, now_s: int) -> bool:
        """A transaction is in the node's pool; whether it is ours.

        Raises:
            StorageError: the disk refused.
        """
        ledger, txid = self.ledger, transaction.txid
        if txid not in ledger.transactions:
            if not ledger.concerns(transaction):
                self.holdings.rival_came(transaction)
                return False
            self._keep(transaction, now_s)
        self.holdings.pool_entered(txid)
        note = ledger.notes[txid]
        if note.abandoned:
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
                **(others or {}),
            }
        )

    def record_sent(self, transaction: Transaction, now_s: int, **noted: str) -> None:
        """Write a payment of our own down, before it goes out.

        Args:
            noted: `comment`, `to`, `replaces`, as `TransactionNote` has them.

        Raises:
            StorageError: the disk refused: do not send it.
        """
        ledger, txid = self.ledger, transaction.txid
        if txid not in ledger.transactions:
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
        if txid not in ledger.transactions:
            raise UnknownTransaction("Invalid or non-wallet transaction id")
        if holdings.depth(txid) != 0 or holdings.in_pool(txid):
            return False
        changes: Changes = {}
        for each in ledger.built_on([txid]):
            if each not in ledger.confirmed and not holdings.in_pool(each):
                changes |= ledger.renoted(each, abandoned=True)
        ledger.commit(changes)
        return True

    # Labels and locks.

    def label(self, address: str) -> str:
        """The label of an address; empty if it has none."""
        return label_of(self.ledger, LabelKind.ADDRESS, address)

    def set_label(self, address: str, text: str) -> None:
        """Put a label on an address; an empty one takes it off.

        Raises:
            BadLabel: it is too long.
        """
        self.ledger.commit(labelled(self.ledger, LabelKind.ADDRESS, address, text))

    def lock_coins(self, points: Iterable[OutPoint], yes: bool) -> None:
        """Set coins aside, or let payments use them again."""
        changes = [frozen(point, yes) for point in points]
        self.ledger.commit({key: value for each in changes for key, value in each.items()})
