"""All that is asked of a wallet of many descriptors, in one place, for callers that load no wallet.

A node gives this to commands that run in the wallet's lane: they know a wallet by what hangs here,
and need no import of this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import Descriptor
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint_txid
from axon.psbt.creator import Verify
from axon.psbt.keyring import Keyring
from axon.psbt.partial import PartialTransaction
from axon.psbt.signing import extract
from axon.wallet import descriptorsigning as signing
from axon.wallet.descriptorbook import AddressType, HeldDescriptor, address_type
from axon.wallet.descriptorseed import type_descriptors
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.importing import public_text
from axon.wallet.labels import LabelKind, labels_of
from axon.wallet.paymentterms import Built, PaidScript, PaymentTerms, PoolKin, PoolPlace
from axon.wallet.spending import PaymentBuilder


class DescriptorDesk:
    """One wallet and what can be done with it; called in its lane.

    Args:
        wallet: the wallet.
        ahead: scripts that are watched beyond the last used one of a new descriptor.
        verify: says whether an input's proof is good.
    """

    def __init__(self, wallet: DescriptorWallet, ahead: int, verify: Verify) -> None:
        self.wallet = wallet
        self.ahead = ahead
        self.verify = verify
        self.spending = PaymentBuilder(
            wallet.ledger,
            wallet.holdings,
            wallet.entropy,
            wallet.next_change,
            lambda kind: wallet.new_script(kind, internal=True),
        )

    # Addresses and descriptors.

    def kind(self, name: str) -> AddressType:
        """A type of address by its name. Raises ValueError of any other."""
        return AddressType(name)

    def kind_of(self, keychain: int) -> AddressType | None:
        """The type of the addresses of a keychain."""
        return address_type(self.wallet.ledger.book.parsed(keychain))

    def new_address(self, name: str, *, internal: bool = False) -> str:
        """See `DescriptorWallet.new_address`."""
        return self.wallet.new_address(AddressType(name), internal=internal)

    def held(self, **fields: Any) -> HeldDescriptor:
        """What is to be said of a descriptor that is to be held; see `HeldDescriptor`."""
        return HeldDescriptor("", "", **fields)

    def hold(
        self,
        descriptor: Descriptor,
        private_text: str | None,
        held: HeldDescriptor,
        rescan_from: int | None,
    ) -> None:
        """See `DescriptorWallet.hold`."""
        self.wallet.hold(descriptor, private_text, held, rescan_from)

    def range_of(self, descriptor: Descriptor) -> tuple[int, int] | None:
        """First index and one behind the last, where it is held already; raises DecodeError."""
        book = self.wallet.ledger.book
        keychain = book.keychain_of(public_text(descriptor))
        if keychain is None:
            return None
        return book.held(keychain).start, book.range_end(keychain)

    def keys_of(self, descriptor: Descriptor) -> Sequence[Any]:
        """Its single keys."""
        return signing.keys_of(descriptor)

    def key_path(self, keychain: int, index: int) -> str | None:
        """Where the key of a script comes from: its path from the master key; None of several."""
        keys = signing.keys_of(self.wallet.ledger.book.parsed(keychain))
        return signing.path_of(keys[0], index) if len(keys) == 1 else None

    def key_origin(self, keychain: int, index: int) -> bytes | None:
        """The fingerprint of the master key of that; None of several."""
        keys = signing.keys_of(self.wallet.ledger.book.parsed(keychain))
        return keys[0].origin_of(index).fingerprint if len(keys) == 1 else None

    def extended_keys(self, keychain: int, *, private: bool) -> list[tuple[str, str | None]]:
        """The extended keys that a descriptor was given with: public, and private where wanted.

        Raises:
            KeysLocked: the passphrase is needed.
        """
        held, network = self.wallet.ledger.book.held(keychain), self.wallet.network
        if private and held.private:
            keys = signing.extended_keys(signing.private_descriptor(self.wallet, keychain))
            return [
                (key.public().encode(network), key.encode(network) if key.is_private else None)
                for key in keys
            ]
        keys = signing.extended_keys(self.wallet.rooted(keychain))
        return [(key.encode(network), None) for key in keys]

    def roots(self) -> dict[str, ExtendedKey]:
        """The extended private keys of the active descriptors, by their public form.

        Raises:
            KeysLocked: the passphrase is needed.
        """
        book, network = self.wallet.ledger.book, self.wallet.network
        found: dict[str, ExtendedKey] = {}
        for keychain in book.keychains:
            if book.held(keychain).active and book.held(keychain).private:
                keys = signing.extended_keys(signing.private_descriptor(self.wallet, keychain))
                found |= {key.public().encode(network): key for key in keys if key.is_private}
        return found

    def add_type(
        self, root: ExtendedKey, name: str, internals: Sequence[bool], now_s: int
    ) -> list[str]:
        """Descriptors for a type of address of a seed that is here; the texts of the new ones."""
        book = self.wallet.ledger.book
        known = [book.text(each) for each in book.keychains]
        kinds = type_descriptors(root, AddressType(name), self.wallet.network, now_s, self.ahead)
        made = [
            (held, secret)
            for held, secret in kinds
            if held.internal in internals and held.text not in known
        ]
        self.wallet.add(made)
        return [held.text for held, _ in made]

    def address_labels(self) -> list[tuple[str, str]]:
        """Addresses that have a label, ours or not, and the labels."""
        return labels_of(self.wallet.ledger, LabelKind.ADDRESS)

    # Payments.

    def build(self, recipients: Sequence[tuple[bytes, int, bool]], **terms: Any) -> Built:
        """See `PaymentBuilder.build`.

        Args:
            recipients: script, amount and whether it pays the fee, of each.
            terms: the fields of see `terms`.
        """
        return self.spending.build([PaidScript(*each) for each in recipients], self.terms(**terms))

    def terms(self, **fields: Any) -> PaymentTerms:
        """See `PaymentTerms`; `pool` has the fields of each `PoolPlace`."""
        places = {
            txid: PoolPlace(
                ancestors, cluster, count, weight, tuple([PoolKin(*each) for each in kin])
            )
            for txid, (ancestors, cluster, count, weight, kin) in fields.pop("pool", {}).items()
        }
        return PaymentTerms(pool=places, **fields)

    def signed(
        self,
        transaction: Transaction,
        spent: Mapping[OutPoint, TxOut] | None = None,
        hash_type: int | None = None,
    ) -> tuple[Transaction, bool]:
        """See `descriptorsigning.signed`."""
        return signing.signed(self.wallet, transaction, self.verify, spent or {}, hash_type)

    def process(
        self,
        psbt: PartialTransaction,
        *,
        sign: bool,
        hash_type: int | None = None,
        derivations: bool = True,
        finalize: bool = True,
    ) -> bool:
        """See `descriptorsigning.process`."""
        return signing.process(
            self.wallet,
            psbt,
            self.verify,
            sign=sign,
            hash_type=hash_type,
            derivations=derivations,
            finalize=finalize,
        )

    def keyring_of(self, scripts: Sequence[bytes]) -> Keyring:
        """The scripts and keys behind some scripts of ours, private ones included.

        Raises:
            KeysLocked: the passphrase is needed.
        """
        return signing.keyring_of(self.wallet, scripts)

    def extracted(self, psbt: PartialTransaction) -> Transaction:
        """The transaction of a PSBT whose inputs are final."""
        return extract(psbt)

    def blank(self, transaction: Transaction) -> PartialTransaction:
        """A PSBT of a transaction of which nothing else is said."""
        return signing.blank_psbt(transaction)

    def sign_digest(self, script: bytes, digest: bytes) -> bytes | None:
        """See `descriptorsigning.sign_digest`."""
        return signing.sign_digest(self.wallet, script, digest)

    def txid_of(self, point: OutPoint) -> Txid:
        """The transaction that made a coin."""
        return outpoint_txid(point)
