"""The receipt: what a payee signs when he was paid, as a text file that a person can keep.

A receipt is a message that is signed by the invoice's own address (BIP 322), so that it can be
checked by any program that knows signed messages: the text between the first two lines of dashes,
the address, and the signature. The text holds the whole invoice, which is signed as well. Behind
it, once the payment is in a block, stands the proof of that (`receiptproof`).

What a receipt proves without a network, and what it does not, is told in words by `verify`.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from axon.errors import AxonError, WalletError
from axon.payments.bip322 import sign_message, verify_message
from axon.payments.invoice import Invoice, invoice_from_uri
from axon.payments.receiptproof import BadProof, MinedProof
from axon.primitives.hashes import Txid, from_hex, to_hex
from axon.primitives.network import NETWORKS, Network
from axon.primitives.transaction import Transaction
from axon.wallet.amounts import format_amount, parse_amount
from axon.wallet.keys import Mnemonic
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet

MAX_RECEIPT_SIZE: Final = 2_000_000
"""Characters; the largest transaction that nodes relay takes 800,000 in hex."""

BEGIN: Final = "-----BEGIN BITCOIN SIGNED MESSAGE-----"
"""The first line of a receipt."""

_SIGNATURE: Final = "-----BEGIN SIGNATURE-----"
_END: Final = "-----END BITCOIN SIGNED MESSAGE-----"
_PROOF_BEGIN: Final = "-----BEGIN PROOF-----"
_PROOF_END: Final = "-----END PROOF-----"

_TITLE: Final = "Receipt for a payment in bitcoin"
_TIME: Final = re.compile(r"[0-9-]{10} [0-9:]{8} UTC \(([0-9]{1,10})\)", re.ASCII)
_WIDTH: Final = 76

_DAY_S: Final = 86_400
_FIRST_YEAR: Final = 1970
_MONTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class BadReceipt(WalletError):
    """A text that is no receipt, or one that was changed."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payee's word that he was paid.

    Args:
        invoice: what was paid; its signature holds.
        txid: of the transaction that paid it.
        amount_sat: how much of it was his.
        time_s: when he says so, in seconds since 1970.
        signature: by the invoice's address over `message` (BIP 322).
        proof: that the transaction is in a block; None until it is.
    """

    invoice: Invoice
    txid: Txid
    amount_sat: int
    time_s: int
    signature: str = field(repr=False)
    proof: MinedProof | None = field(default=None, repr=False)

    @property
    def message(self) -> str:
        """The text that is signed: lines with line feeds between them, none at the end."""
        invoice = self.invoice
        what = ": ".join(filter(None, (invoice.label, invoice.message)))
        lines = [
            _TITLE,
            f"Received: {format_amount(self.amount_sat)}",
            f"Address: {invoice.address}",
            f"Network: {invoice.network.name}",
            f"Transaction: {to_hex(self.txid)}",
            f"Time: {_time_text(self.time_s)}",
            *([f"For: {what}"] if what else []),
            f"Invoice: {invoice.to_uri()}",
        ]
        return "\n".join(lines)

    def encode(self) -> str:
        """The file."""
        parts = [
            BEGIN,
            self.message,
            _SIGNATURE,
            self.invoice.address,
            self.signature,
            _END,
        ]
        if self.proof is not None:
            parts += ["", _PROOF_BEGIN, *_proof_lines(self.proof), _PROOF_END]
        return "\n".join(parts) + "\n"

    @classmethod
    def decode(cls, text: str) -> Receipt:
        """A receipt from a file; what stands before and behind it does not matter.

        Raises:
            BadReceipt: it is none, or its lines do not fit together.
        """
        return _decode(text, _signed_invoice)

    @classmethod
    def recorded(cls, text: str, invoice: Invoice) -> Receipt:
        """A receipt from the wallet's own records.

        Args:
            text: what `encode` said.
            invoice: for which it is; its signature was checked before it was written down.

        Raises:
            BadReceipt: the record is damaged, or of another invoice.
        """
        return _decode(text, lambda _uri, _network: invoice)


@dataclass(frozen=True, slots=True)
class ReceiptVerdict:
    """What a receipt proves without a network.

    Args:
        reason: why it proves nothing; empty if it is valid.
        proved: what holds, in sentences, whoever gave us the file.
        unproved: what it does not show, and what would.
    """

    reason: str
    proved: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the payee signed it and nothing in it is wrong."""
        return not self.reason


def issue(
    wallet: Wallet,
    invoice: Invoice,
    txid: Txid,
    amount_sat: int,
    time_s: int,
    passphrase: str | Mnemonic,
) -> Receipt:
    """A receipt signed by the invoice's address.

    Args:
        wallet: of the payee.
        amount_sat: what the payer paid to that address; to which a payjoin returns what the payee
            added, too.
        time_s: now, in seconds since 1970.
        passphrase: what the wallet's words were sealed with; or those, where they are open.

    Raises:
        WalletError: the address is none of this wallet, or it cannot sign; see `sign_message`.
    """
    unsigned = Receipt(invoice, txid, amount_sat, time_s, "")
    signature = sign_message(wallet, invoice.script_pubkey, unsigned.message, passphrase)
    return replace(unsigned, signature=signature)


def verify(receipt: Receipt, check_scripts: ScriptCheck) -> ReceiptVerdict:
    """What a receipt proves, judged by nothing but itself.

    Args:
        check_scripts: runs scripts, as for `verify_message`.
    """
    invoice, proof = receipt.invoice, receipt.proof
    if not invoice.is_signed:
        return ReceiptVerdict("the invoice in it is not signed by its key")
    signed = verify_message(
        receipt.message, invoice.script_pubkey, receipt.signature, check_scripts
    )
    if not signed.is_valid:
        return ReceiptVerdict(f"the signature is {signed.validity}: {signed.reason}")
    amount = format_amount(receipt.amount_sat)
    proved = [
        f"Whoever can spend from {invoice.address} signed that they received {amount} in"
        f" transaction {to_hex(receipt.txid)}.",
        "The invoice in it is signed by its own key, and nothing of it was changed.",
    ]
    unproved = ["Who that is, as a person or a shop: the names in it are the payee's own words."]
    wanted_sat = invoice.amount_sat
    if wanted_sat is not None and receipt.amount_sat < wanted_sat:
        unproved.append(f"That all was paid: the invoice asks for {format_amount(wanted_sat)}.")
    if proof is None:
        unproved.append(
            "That the transaction is in a block, or was ever sent: this receipt was made before, or"
            " holds no proof. Ask a node for the transaction."
        )
        return ReceiptVerdict("", tuple(proved), tuple(unproved))
    try:
        proof.check(receipt.txid, invoice.network)
    except BadProof as fault:
        return ReceiptVerdict(f"the proof does not hold: {fault}")
    paid_sat = proof.paid_sat(invoice.script_pubkey)
    if paid_sat < receipt.amount_sat:
        return ReceiptVerdict(
            f"the transaction pays {format_amount(paid_sat)} to this address, not {amount}"
        )
    block = to_hex(proof.header.hash)
    proved += [
        f"The transaction pays {format_amount(paid_sat)} to this address.",
        f"It is in block {block}, whose header shows the work that it asks for.",
    ]
    unproved.append(
        f"That this block is in the chain with the most work, at height {proof.height}: a header"
        " shows work, not a chain. Ask a node for the block at this height and compare."
    )
    return ReceiptVerdict("", tuple(proved), tuple(unproved))


def _between(lines: list[str], first: str, last: str) -> list[str] | None:
    """The lines between two marks; None unless each stands there once, in this order."""
    if lines.count(first) != 1 or lines.count(last) != 1:
        return None
    begin, end = lines.index(first), lines.index(last)
    return lines[begin + 1 : end] if begin < end else None


_ReadInvoice = Callable[[str, Network], Invoice]
"""The invoice of a receipt, from its URI."""


def _decode(text: str, read_invoice: _ReadInvoice) -> Receipt:
    if len(text) > MAX_RECEIPT_SIZE:
        raise BadReceipt(f"expected a receipt of at most {MAX_RECEIPT_SIZE} characters")
    lines = [line.rstrip() for line in text.splitlines()]
    signed = _between(lines, BEGIN, _SIGNATURE)
    below = _between(lines, _SIGNATURE, _END)
    if signed is None or below is None or len(below) != 2:
        raise BadReceipt(f"expected a receipt: a text that begins with {BEGIN}")
    receipt = _read_message(signed, below[1], read_invoice)
    if receipt.message.split("\n") != signed or below[0] != receipt.invoice.address:
        raise BadReceipt("the lines of this receipt do not fit together: it was changed")
    proof = _between(lines, _PROOF_BEGIN, _PROOF_END)
    return receipt if proof is None else replace(receipt, proof=_read_proof(proof))


def _signed_invoice(uri: str, network: Network) -> Invoice:
    invoice = invoice_from_uri(uri, network)
    if not isinstance(invoice, Invoice):
        raise BadReceipt("it is without a signed invoice")
    return invoice


def _read_message(lines: list[str], signature: str, read_invoice: _ReadInvoice) -> Receipt:
    fields = dict(line.partition(": ")[::2] for line in lines)
    time = _TIME.fullmatch(fields.get("Time", ""))
    network = NETWORKS.get(fields.get("Network", ""))
    if network is None or time is None or not {"Received", "Transaction", "Invoice"} <= set(fields):
        raise BadReceipt("a line of this receipt is missing: it was changed or cut short")
    try:
        invoice = read_invoice(fields["Invoice"], network)
        txid = Txid(from_hex(fields["Transaction"]))
        amount_sat = parse_amount(fields["Received"])
    except AxonError as fault:
        raise BadReceipt(f"this receipt cannot be read: {fault}") from None
    if not amount_sat:
        raise BadReceipt("this receipt is for nothing")
    return Receipt(invoice, txid, amount_sat, int(time[1]), signature)


def _proof_lines(proof: MinedProof) -> list[str]:
    return [
        f"Height: {proof.height}",
        f"Block: {to_hex(proof.header.hash)}",
        "Transaction:",
        *_wrapped(proof.transaction.raw),
        "Merkle proof:",
        *_wrapped(proof.block),
    ]


def _wrapped(data: bytes) -> list[str]:
    text = data.hex()
    return [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]


def _read_proof(lines: list[str]) -> MinedProof:
    try:
        middle, below = lines.index("Transaction:"), lines.index("Merkle proof:")
        height = lines[0].removeprefix("Height: ")
        if not (height.isascii() and height.isdecimal() and len(height) < 10):
            raise ValueError
        proof = MinedProof(
            int(height),
            unhexlify("".join(lines[below + 1 :])),
            Transaction.decode(unhexlify("".join(lines[middle + 1 : below]))),
        )
        if _proof_lines(proof) != lines:
            raise ValueError
    except (ValueError, IndexError):  # A DecodeError is a ValueError.
        raise BadReceipt("the proof of this receipt is damaged or was changed") from None
    return proof


def _time_text(time_s: int) -> str:
    """A date and time of day, and behind them the seconds since 1970, which are what is read."""
    days, second = divmod(time_s, _DAY_S)
    year, month = _FIRST_YEAR, 1
    while days >= 365 + _is_leap(year):
        days -= 365 + _is_leap(year)
        year += 1
    while days >= _MONTHS[month - 1] + (month == 2 and _is_leap(year)):
        days -= _MONTHS[month - 1] + (month == 2 and _is_leap(year))
        month += 1
    clock = f"{second // 3_600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{year}-{month:02d}-{days + 1:02d} {clock} UTC ({time_s})"


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
