"""What a wallet keeps for serving wallets: a key of its own, and the partners that it knows.

The key is made by chance when the wallet first serves, and lies in the wallet's file as it is: it
proves who answers on a link, moves no coin, and is needed whenever the wallet runs, when nobody is
there to type a passphrase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.errors import DamageError, DecodeError
from axon.payments.invoice import prove_link
from axon.payments.linkevents import Proof
from axon.payments.linkkeys import invoice_hint
from axon.payments.partneraddress import partner_id
from axon.payments.partnertable import KnownPartner, read_table
from axon.primitives.keys import x_only_key
from axon.wallet.ledger import WalletLedger

SEATS: Final = 16
"""Links of those who come to be served; others are about an invoice, of which each has one."""

_KEY: Final = b"wk"
_TABLE: Final = b"wt"


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was kept.

    Args:
        public_key: 32 bytes, of the wallet as one that serves; empty if it never did.
        partners: that it knows.
    """

    public_key: bytes
    partners: tuple[KnownPartner, ...]


class PartnerBook:
    """The records of one wallet.

    Args:
        ledger: of the wallet.
    """

    def __init__(self, ledger: WalletLedger) -> None:
        self._ledger = ledger
        self._secret = ledger.stored(_KEY) or b""

    def recall(self) -> Recalled:
        """What was kept.

        Raises:
            DamageError: the table cannot be read.
        """
        try:
            partners = read_table(self._ledger.stored(_TABLE) or b"\0")
        except DecodeError as error:
            raise DamageError(f"the record of partner wallets is damaged ({error})") from None
        return Recalled(x_only_key(self._secret) if self._secret else b"", partners)

    def keep(self, table: bytes) -> None:
        """Write the table down.

        Raises:
            StorageError: the disk refused.
        """
        self._ledger.commit({_TABLE: table})

    def open_key(self, entropy: bytes) -> bytes:
        """The public key, 32 bytes; it is made the first time.

        Args:
            entropy: 32 random bytes.

        Raises:
            StorageError: the disk refused.
        """
        if not self._secret:
            x_only_key(entropy)  # Almost all 32 bytes are a secret.
            self._ledger.commit({_KEY: entropy})
            self._secret = entropy
        return x_only_key(self._secret)

    def prove(self, hint: bytes, session_id: bytes) -> Proof | None:
        """Prove that we are the one whom a wallet came for; None if it came for another."""
        if not self._secret:
            return None
        name = partner_id(x_only_key(self._secret))
        if invoice_hint(session_id, name) != hint:
            return None
        return Proof(name, prove_link(self._secret, session_id, name), SEATS)
