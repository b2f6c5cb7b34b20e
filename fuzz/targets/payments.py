"""What wallets hand each other as text: invoices, receipts, signed messages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from axon.errors import WalletError
from axon.host.lightwallet import check_scripts
from axon.payments.bip322 import verify_message
from axon.payments.invoice import Invoice, invoice_from_uri
from axon.payments.receipt import Receipt, verify
from axon.primitives.network import NETWORKS


def invoice(data: bytes) -> None:
    """A payment URI: an invoice in it is written as it was read, and on one network alone."""
    text = data.decode(errors="replace")
    for network in NETWORKS.values():
        with suppress(WalletError):
            found = invoice_from_uri(text, network)
            if isinstance(found, Invoice):
                assert found.is_signed
                assert invoice_from_uri(found.to_uri(), network) == found


def receipt(data: bytes) -> None:
    """A receipt: what was read is written, and read again, with the same verdict."""
    with suppress(WalletError):
        found = Receipt.decode(data.decode(errors="replace"))
        assert Receipt.decode(found.encode()) == found
        assert verify(found, check_scripts).is_valid or verify(found, check_scripts).reason


def signed_message(data: bytes) -> None:
    """A signature behind the script of an address, and this behind its length in one byte."""
    end = 1 + (data[0] if data else 0)
    verdict = verify_message("", data[1:end], data[end:].decode("latin-1"), check_scripts)
    assert verdict.is_valid != bool(verdict.reason)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "invoice": invoice,
    "receipt": receipt,
    "signed-message": signed_message,
}
