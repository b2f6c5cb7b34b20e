"""`receipt verify`: what a payee's receipt proves, without any network."""

from __future__ import annotations

import sys
from pathlib import Path

from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletview import aligned, time_text, write, write_json
from axon.errors import ConfigError
from axon.host.lightwallet import check_scripts
from axon.payments.receipt import MAX_RECEIPT_SIZE, BadReceipt, Receipt, ReceiptVerdict, verify
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Amount
from axon.wallet.amounts import format_amount

INVALID = 1
"""Exit code of a receipt that proves nothing."""


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    receipt = add(
        "receipt",
        _receipt,
        "check a receipt that a payee signed; no network and no wallet is needed",
        named=False,
    )
    receipt.add_argument("action", choices=("verify",))
    receipt.add_argument("file", metavar="FILE", help="the receipt; - for what is piped in")


def _receipt(options: WalletOptions) -> int:
    try:
        receipt = Receipt.decode(_read(options.arguments.file))
    except BadReceipt as fault:
        if not options.as_json:
            raise
        write_json({"valid": False, "reason": str(fault)})
        return INVALID
    verdict = verify(receipt, check_scripts)
    if options.as_json:
        write_json(_as_json(receipt, verdict))
    else:
        _show(receipt, verdict)
    return 0 if verdict.is_valid else INVALID


def _read(name: str) -> str:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_RECEIPT_SIZE + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_RECEIPT_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}") from error
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadReceipt("expected a receipt, which is a text in UTF-8") from None


def _show(receipt: Receipt, verdict: ReceiptVerdict) -> None:
    if not verdict.is_valid:
        write(f"NOT VALID: {verdict.reason}.")
        return
    invoice = receipt.invoice
    what = ": ".join(filter(None, (invoice.label, invoice.message)))
    write("VALID")
    rows = [
        ("amount", format_amount(receipt.amount_sat)),
        ("address", f"{invoice.address} ({invoice.network.name})"),
        ("transaction", to_hex(receipt.txid)),
        ("signed", time_text(receipt.time_s)),
        *[("for", what)] * bool(what),
    ]
    for line in aligned(rows, indent=2):
        write(line)
    for title, sentences in (("Proved:", verdict.proved), ("Not proved:", verdict.unproved)):
        write(title)
        for sentence in sentences:
            write(f"- {sentence}")


def _as_json(receipt: Receipt, verdict: ReceiptVerdict) -> dict[str, object]:
    invoice, proof = receipt.invoice, receipt.proof
    return {
        "valid": verdict.is_valid,
        "reason": verdict.reason,
        "network": invoice.network.name,
        "address": invoice.address,
        "txid": to_hex(receipt.txid),
        "amount": Amount(receipt.amount_sat),
        "time": receipt.time_s,
        "invoice": invoice.id.hex(),
        "label": invoice.label,
        "message": invoice.message,
        "height": None if proof is None else proof.height,
        "blockhash": None if proof is None else to_hex(proof.header.hash),
        "proved": list(verdict.proved),
        "not_proved": list(verdict.unproved),
    }
