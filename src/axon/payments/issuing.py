"""Invoices of a wallet: made, written down, and proved to whoever comes for one.

Each has an address and a key of its own; the key follows from the wallet's words and is kept
nowhere.
"""

from __future__ import annotations

from random import Random

from axon.payments.book import Book
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.invoice import Invoice, prove_link
from axon.payments.invoice import sign as sign_invoice
from axon.payments.invoicekeys import invoice_secret
from axon.payments.linkevents import Proof
from axon.payments.linkkeys import invoice_hint
from axon.payments.terms import Terms
from axon.wallet.keys import Mnemonic
from axon.wallet.payment import address_script
from axon.wallet.wallet import Wallet


class Issuer:
    """Makes and proves the invoices of a wallet.

    Args:
        wallet: whose.
        book: its deals.
        words: the open mnemonic.
        rng: nonces of signatures.
    """

    def __init__(self, wallet: Wallet, book: Book, words: Mnemonic, rng: Random) -> None:
        self._wallet = wallet
        self._book = book
        self._words = words
        self._rng = rng

    def issue(self, terms: Terms, now_s: int) -> Invoice:
        """A new invoice, written down.

        Raises:
            BadInvoice: its terms cannot be an invoice's, or too many are open.
            AddressGap: too many addresses in a row were never paid.
        """
        self._book.check_room(now_s)
        index = self._book.next_index()
        address = self._wallet.new_address()
        unsigned = Invoice(
            self._wallet.network,
            address,
            address_script(address, self._wallet.network),
            terms.amount_sat,
            terms.label,
            terms.message,
            now_s,
            now_s + terms.lifetime_s,
            terms.endpoints,
            b"",
            b"",
        )
        entropy = self._rng.randbytes(32)
        invoice = sign_invoice(unsigned, self._secret(index), entropy)
        self._book.issue(Deal(Role.PAYEE, invoice, DealStage.ISSUED, now_s, key_index=index))
        return invoice

    def prove(self, hint: bytes, session_id: bytes, now_s: int) -> Proof | None:
        """Which invoice somebody comes for, and that it is ours; None if there is none such."""
        for invoice_id, deal in self._book.named(Role.PAYEE):
            if invoice_hint(session_id, invoice_id) != hint:
                continue
            if deal.packet is None and deal.invoice.is_expired(now_s):
                return None
            secret, entropy = self._secret(deal.key_index), self._rng.randbytes(32)
            return Proof(invoice_id, prove_link(secret, session_id, invoice_id, entropy))
        return None

    def _secret(self, index: int) -> bytes:
        return invoice_secret(self._words, self._wallet.network, index)
