"""A wallet of any number of descriptors, as programs made for Bitcoin Core expect one.

It has new keys for each type of address, takes descriptors that somebody brings along, is locked
and unlocked, and counts what is in the pool of a node that validates: what that took in needs no
second look (`followedwallet`). Everything that it knows is in its store before a call returns; it
belongs to one thread. What follows from the facts is worked out in `holdings`, payments are built
in `spending`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from axon.chain.store import Store
from axon.errors import StorageError
from axon.primitives.address import encode_address
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import Descriptor, parse_descriptor
from axon.primitives.network import NETWORKS, Network
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
from axon.wallet.errors import NoAddresses, NoWallet
from axon.wallet.followedwallet import FollowedWallet
from axon.wallet.importing import public_text
from axon.wallet.labels import LabelKind, label_of, labelled
from axon.wallet.records import Changes, Mark
from axon.wallet.sealedkeys import Entropy, SealedKeys

SEED_SIZE: Final = 32


class DescriptorWallet(FollowedWallet):
    """A wallet over its store; made by `create` or `load`.

    Args:
        ledger: its facts.
        flags: what it was made for.
        entropy: for new keys and for payments.
    """

    def __init__(self, ledger: DescriptorLedger, flags: WalletFlags, entropy: Entropy) -> None:
        super().__init__(ledger)
        self.flags = flags
        self.entropy = entropy
        self.keyring = SealedKeys(ledger.stored, entropy)

    # Made and opened.

    @classmethod
    def create(
        cls, store: Store, network: Network, entropy: Entropy, **wanted: Any
    ) -> DescriptorWallet:
        """A new wallet in an empty store; see `write_new`."""
        cls.write_new(store, network, entropy, **wanted)
        return cls.load(store, entropy)

    @staticmethod
    def write_new(
        store: Store,
        network: Network,
        entropy: Entropy,
        *,
        flags: WalletFlags,
        passphrase: str,
        now_s: int,
        ahead: int = DEFAULT_AHEAD,
        seen: Mark | None = None,
    ) -> None:
        """Fill an empty store with a new wallet, in one write.

        Args:
            passphrase: seals its keys; empty for none.
            now_s: seconds since 1970; nothing was paid to it before.
            ahead: scripts of each descriptor to watch beyond the last used one.
            seen: the block up to which nothing can be its; None to begin with the first.

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
        if seen is not None:
            changes[records.SCANNED_KEY] = seen.encode()
        if flags.private_keys:
            changes |= keyring.created(passphrase)
            if not flags.blank:
                changes |= _new_seed(network, entropy, keyring, 0, now_s, ahead)
        store.write(changes)

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

    # Keys and addresses.

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
        """Seal the keys from now on, and make new ones: the old ones stood open. In one write, with
        a mark that the file is to be written anew, for what is deleted is still in it.

        Raises:
            StorageError: the disk refused; nothing has changed.
        """
        book, keyring = self.ledger.book, self.keyring
        private = tuple([each for each in book.keychains if book.held(each).private])
        try:
            changes = keyring.encrypted(passphrase, private)
            if not self.flags.blank:
                first = self._next_keychain()
                changes |= self._retired()
                changes |= _new_seed(self.network, self.entropy, keyring, first, now_s, ahead)
            self.ledger.commit({**changes, records.REWRITE_KEY: b""})
        finally:
            keyring.lock()

    @property
    def rewrite_due(self) -> bool:
        """Whether its file is to be written anew."""
        return self.ledger.stored(records.REWRITE_KEY) is not None

    def rewritten(self) -> None:
        """That was done."""
        self.ledger.commit({records.REWRITE_KEY: None})

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

    def next_change(self, kind: AddressType) -> bytes:
        """The script that `new_script` gives out next for change; raises NoAddresses likewise."""
        book, keychain = self.ledger.book, self._giving(kind, internal=True)
        return book.script(keychain, book.revealed(keychain))

    def _giving(self, kind: AddressType, *, internal: bool) -> int:
        keychain = self.ledger.book.active(kind, internal=internal)
        if keychain is None:
            raise NoAddresses(f"Error: No {kind} addresses available.")
        return keychain

    def new_script(self, kind: AddressType, *, internal: bool = False) -> bytes:
        """The script of such an address; raises likewise."""
        book, keychain = self.ledger.book, self._giving(kind, internal=internal)
        index = book.revealed(keychain)
        moved = book.moved(keychain, index + 1)
        self.ledger.commit({records.many_key(records.HELD, keychain): moved.encode()})
        return book.script(keychain, index)

    def address(self, script: bytes) -> str:
        """What people write for a script of ours; empty if there is nothing."""
        return encode_address(script, self.network) or ""

    def hold(
        self,
        descriptor: Descriptor,
        private_text: str | None,
        held: HeldDescriptor,
        rescan_from: int | None = None,
    ) -> None:
        """Watch a descriptor from now on, or take over what is said of one that is held already.

        Args:
            descriptor: as it was given.
            private_text: the same with private keys; None where it has none.
            held: what is said of it; its texts are put in here.
            rescan_from: blocks from this height on may have paid it: until they were looked through
                once more, that is due.

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
        due = self.rescan_due
        if rescan_from is not None and (due is None or rescan_from < due):
            changes[records.RESCAN_KEY] = records.encode_u32(rescan_from)
        self.ledger.commit(changes)

    @property
    def rescan_due(self) -> int | None:
        """From which height on blocks are to be looked through once more; None for none."""
        kept = self.ledger.stored(records.RESCAN_KEY)
        return None if kept is None else records.decode_u32(kept)

    def rescanned(self) -> None:
        """That was done, or is not wanted any more."""
        if self.rescan_due is not None:
            self.ledger.commit({records.RESCAN_KEY: None})

    def add(self, made: Sequence[tuple[HeldDescriptor, str]]) -> None:
        """Hold more descriptors of a seed that is here, with their private forms, all or none.

        They give out addresses of their type from now on, and no others do.

        Raises:
            KeysLocked: the passphrase is needed.
        """
        changes: Changes = {}
        for number, (held, private_text) in enumerate(made, self._next_keychain()):
            parsed = parse_descriptor(held.text, self.network)[0]
            changes |= self._replaced_by(parsed, held, number)
            changes[records.many_key(records.HELD, number)] = held.encode()
            changes |= self.keyring.kept(number, private_text)
        if made and self.flags.blank:
            self.flags = replace(self.flags, blank=False)
            changes[records.FLAGS_KEY] = self.flags.encode()
        self.ledger.commit(changes)

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

    # Labels.

    def label(self, address: str) -> str:
        """The label of an address; empty if it has none."""
        return label_of(self.ledger, LabelKind.ADDRESS, address)

    def set_label(self, address: str, text: str) -> None:
        """Put a label on an address; an empty one takes it off.

        Raises:
            BadLabel: it is too long.
        """
        self.ledger.commit(labelled(self.ledger, LabelKind.ADDRESS, address, text))


def _new_seed(
    network: Network, entropy: Entropy, keyring: SealedKeys, first: int, now_s: int, ahead: int
) -> Changes:
    """What to write for a new seed: eight descriptors, which are active, from a keychain on.

    Raises:
        KeysLocked: the passphrase is needed.
    """
    changes: Changes = {}
    root = ExtendedKey.from_seed(entropy.rng.randbytes(SEED_SIZE))
    for number, (held, secret) in enumerate(seed_descriptors(root, network, now_s, ahead), first):
        changes[records.many_key(records.HELD, number)] = held.encode()
        changes |= keyring.kept(number, secret)
    return changes
