"""All that is asked of a wallet of many descriptors, in one place, for callers that load no wallet.

A node gives this to commands that run in the wallet's lane: they know a wallet by what hangs here,
and need no import of this room.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from axon.primitives.descriptor import Descriptor
from axon.primitives.hashes import Txid, from_hex
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.wallet import descriptorsigning as signing
from axon.wallet.descriptorbook import AddressType, HeldDescriptor, address_type
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.errors import BadPsbt
from axon.wallet.paymentterms import Built, PaidScript, PaymentTerms
from axon.wallet.psbt import read_psbt
from axon.wallet.psbtmaps import PsbtMaps
from axon.wallet.spending import PaymentBuilder


class DescriptorDesk:
    """One wallet and what can be done with it; called in its lane.

    Args:
        wallet: the wallet.
        ahead: scripts that are watched beyond the last used one of a new descriptor.
    """

    def __init__(self, wallet: DescriptorWallet, ahead: int) -> None:
        self.wallet = wallet
        self.ahead = ahead
        self.spending = PaymentBuilder(
            wallet.ledger,
            wallet.holdings,
            wallet.entropy,
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

    def hold(self, descriptor: Descriptor, private_text: str | None, held: HeldDescriptor) -> None:
        """See `DescriptorWallet.hold`."""
        self.wallet.hold(descriptor, private_text, held)

    def key_path(self, keychain: int, index: int) -> str | None:
        """Where the key of a script comes from: its path from the master key; None of several."""
        keys = self._keys(keychain)
        return signing.path_of(keys[0], index) if len(keys) == 1 else None

    def key_origin(self, keychain: int, index: int) -> bytes | None:
        """The fingerprint of the master key of that; None of several."""
        keys = self._keys(keychain)
        if len(keys) != 1:
            return None
        origin = keys[0].fixed(index).origin
        return None if origin is None else origin.fingerprint

    def _keys(self, keychain: int) -> Sequence[Any]:
        return signing.keys_of(self.wallet.ledger.book.parsed(keychain))

    # Payments.

    def build(self, recipients: Sequence[tuple[bytes, int, bool]], **terms: Any) -> Built:
        """See `PaymentBuilder.build`.

        Args:
            recipients: script, amount and whether it pays the fee, of each.
            terms: the fields of `PaymentTerms`.
        """
        return self.spending.build(
            [PaidScript(*each) for each in recipients], PaymentTerms(**terms)
        )

    def terms(self, **fields: Any) -> PaymentTerms:
        """See `PaymentTerms`."""
        return PaymentTerms(**fields)

    def signed(
        self,
        transaction: Transaction,
        spent: Mapping[int, TxOut] | None = None,
        sighash: int | None = None,
    ) -> tuple[Transaction, bool]:
        """A transaction with what the wallet signs of it, and whether all is signed.

        Args:
            spent: what inputs that are not ours spend, by their place.
        """
        maps = self.filled(transaction, spent)
        maps, complete = signing.sign(self.wallet, maps, sighash)
        return signing.extracted(maps, transaction), complete

    def filled(
        self,
        transaction: Transaction,
        spent: Mapping[int, TxOut] | None = None,
        *,
        derivations: bool = True,
    ) -> PsbtMaps:
        """A PSBT of a transaction with all that the wallet knows of it."""
        maps = signing.with_spent(signing.blank_psbt(transaction), spent or {})
        return signing.fill(self.wallet, maps, derivations=derivations)

    def process(
        self, maps: PsbtMaps, *, sign: bool, sighash: str, derivations: bool, finalize: bool
    ) -> tuple[PsbtMaps, bool]:
        """Fill a PSBT, and sign it; and whether it is complete then.

        Raises:
            KeysLocked: the passphrase is needed.
            BadPsbt: it cannot be signed as it is.
        """
        maps = signing.fill(self.wallet, maps, derivations=derivations)
        if not sign:
            return maps, signing.finalized(maps)[1]
        return signing.sign(self.wallet, maps, signing.SIGHASH_NAMES[sighash], finalizes=finalize)

    def sighash(self, name: str) -> int | None:
        """What a signature covers, by its name; None for the usual. Raises KeyError of no name."""
        return signing.SIGHASH_NAMES[name]

    def read_psbt(self, text: str) -> PsbtMaps:
        """A PSBT from base64.

        Raises:
            BadPsbt: it is none.
        """
        if not text.startswith("cHNidP"):
            raise BadPsbt("expected a PSBT in base64")
        return PsbtMaps.decode(read_psbt(text).raw)

    def psbt_text(self, maps: PsbtMaps) -> str:
        """A PSBT as base64."""
        return b64encode(maps.encode()).decode()

    def extracted(self, maps: PsbtMaps) -> Transaction:
        """The transaction of a PSBT whose inputs are final."""
        return signing.extracted(maps)

    def private_key(self, script: bytes) -> bytes | None:
        """The secret of one of our scripts of a single key; None of others.

        Raises:
            KeysLocked: the passphrase is needed.
        """
        return signing.secret_of(self.wallet, script)

    def output(self, point: OutPoint) -> TxOut | None:
        """An output of a transaction that is known here."""
        return self.wallet.ledger.output(point)

    def txid(self, text: str) -> Txid:
        """A txid from hex."""
        return Txid(from_hex(text))
