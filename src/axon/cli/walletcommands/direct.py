"""`invoice`, `pay`, `payments`: wallets that pay each other without anybody between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from axon.cli.arguments import UsageError
from axon.cli.dealview import (
    ENDED_BADLY,
    KEPT_BY_BOTH,
    deal_lines,
    outcome_lines,
    receipt_line,
    title_line,
)
from axon.cli.walletaccess import opened
from axon.cli.walletcommands.paying import (
    add_fee_options,
    add_payee,
    add_yes,
    confirm_fee,
    drafted,
    read_amount,
    refuse_watch_only,
    with_passphrase,
)
from axon.cli.walletoptions import AddCommand, WalletOptions, add_listen
from axon.cli.walletsecrets import add_passphrase_options
from axon.cli.walletsync import NotInSync, sync
from axon.cli.walletview import draft_lines, qr_lines, say, write, write_json, write_json_line
from axon.host.walletclient import WalletClient
from axon.payments.invoice import Invoice, invoice_from_uri

SHOWN: Final = 20
"""Payments that `payments` shows where nobody says how many."""

PAGE: Final = 100
"""So many payments are asked for at a time."""

STEP_MS: Final = 1_000
"""So long one look at a payment takes at most: then ctrl-C has its turn."""

DELIVERY_MS: Final = 30_000
"""So long it is waited for a node that fetches the payment."""

PATIENCE_MS: Final = 65_000
"""For so long a payee is waited for; the payment is settled without him after a minute."""


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    invoice = add(
        "invoice",
        _invoice,
        "ask another wallet for a payment, and wait for it",
        more="Ask for a payment. Any wallet can pay the URI on chain; one that knows how pays"
        " this wallet directly while this command runs, and this wallet checks the payment before"
        " any block has it. With --json the first line is the invoice, and the last one what became"
        " of it, each of them one JSON value.",
    )
    invoice.add_argument(
        "amount",
        nargs="*",
        metavar="AMOUNT",
        help="such as '0.5 BTC' or '50000 sat'; left out: the payer decides",
    )
    invoice.add_argument("--label", default="", metavar="TEXT", help="who is paid")
    invoice.add_argument("--message", default="", metavar="TEXT", help="what for")
    add_listen(invoice, "this machine alone")
    invoice.add_argument(
        "--expires", type=int, default=86_400, metavar="SECONDS", help="(default: a day)"
    )
    invoice.add_argument("--no-qr", action="store_true", help="show no QR code")
    add_passphrase_options(invoice)
    pay = add(
        "pay",
        _pay,
        "pay an invoice of another wallet directly",
        more="Pay an invoice: the wallet that wrote it is dialled, checks the payment and gives a"
        " receipt. If it is not reached the payment is sent by the network.",
    )
    add_payee(pay)
    add_fee_options(pay)
    add_yes(pay)
    pay.add_argument("--no-payjoin", action="store_true", help="let the payee join no coin of his")
    add_passphrase_options(pay)
    payments = add("payments", _payments, "invoices and direct payments, and what became of them")
    payments.add_argument(
        "id", nargs="?", metavar="ID", help="of one invoice, its first 8 digits at least"
    )
    payments.add_argument(
        "-n", "--count", type=int, default=SHOWN, metavar="N", help=f"how many (default {SHOWN})"
    )
    payments.add_argument("--skip", type=int, default=0, metavar="N", help="leave the first N out")
    receipts = add("receipts", _receipts, "the receipts of direct payments")
    receipts.add_argument(
        "id", nargs="?", metavar="ID", help="of one invoice: its receipt as a text"
    )


def _invoice(options: WalletOptions) -> int:
    arguments = options.arguments
    text = " ".join(arguments.amount)
    amount = read_amount(text) if text else None
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        _sync(client, options)
        with_passphrase(
            arguments,
            lambda secret: open_payments(client, secret, arguments.listen),
            "to be paid by other wallets",
        )
        made = client.call(
            "createinvoice", amount, arguments.label, arguments.message, arguments.expires
        )
        _show_invoice(options, made)
        deal = _wait_for(options, client, made["id"])
    if options.as_json:
        write_json_line(deal)
    elif deal["stage"] == "accepted":
        write(f"  {KEPT_BY_BOTH}")
    return 1 if deal["stage"] in ENDED_BADLY else 0


def open_payments(client: WalletClient, secret: str, places: Sequence[str]) -> dict[str, Any]:
    """Open a wallet's words, and listen for other wallets; the first place comes first in invoices.

    Args:
        places: where; none for where it does already, else this machine alone.
    """
    told: dict[str, Any] = {}
    wanted: Sequence[str | None] = places or [None]
    for place in reversed(wanted):
        told = client.call("openpayments", secret, place)
    return told


def _show_invoice(options: WalletOptions, made: Mapping[str, Any]) -> None:
    if options.as_json:
        write_json_line(made)
        return
    if sys.stdout.isatty() and not options.arguments.no_qr:
        for line in qr_lines(made["uri"]):
            write(line)
    write(made["uri"])
    say("Waiting for the payment; ctrl-C stops, the address can be paid on chain all the same.")


def _wait_for(options: WalletOptions, client: WalletClient, invoice: str) -> dict[str, Any]:
    """Wait until an invoice is paid or has expired, and say how far it is."""
    stage, shown = "issued", None
    while True:
        deal: dict[str, Any] = client.call("waitfordeal", invoice, "accepted", STEP_MS)
        if not options.as_json and deal["shown"] != shown:
            _show(deal_lines(deal))
        elif not options.as_json and deal["stage"] != stage:
            write(title_line(deal))
        stage, shown = deal["stage"], deal["shown"]
        if deal["stage"] in {"accepted", "settled"} | ENDED_BADLY:
            return deal


def _sync(client: WalletClient, options: WalletOptions) -> None:
    """Catch up as far as nodes are in reach: a payment is checked by what is known."""
    try:
        sync(client, options)
    except NotInSync as error:
        say(f"{error}. A payment is checked up to the last block that is known.")


def _pay(options: WalletOptions) -> int:
    arguments = options.arguments
    asked = invoice_from_uri(arguments.address, options.light.network)
    if not isinstance(asked, Invoice) or not asked.endpoints:
        raise UsageError(
            "this is no invoice of a wallet that can be dialled: axon wallet send"
            f" {options.name} ... pays it on chain"
        )
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        _sync(client, options)
        draft = drafted(client, options)
        if not options.as_json:
            for line in draft_lines(draft):
                write(line)
        confirm_fee(arguments, draft)
        deal = with_passphrase(
            arguments, lambda secret: _hand_over(options, client, asked, draft["psbt"], secret)
        )
        kept: list[dict[str, Any]] = []
        if deal["stage"] not in ENDED_BADLY:
            kept = client.call("waitfordelivery", DELIVERY_MS)
    if options.as_json:
        write_json(deal)
    else:
        _show([*deal_lines(deal), *outcome_lines(options.name, deal, kept)])
    return 1 if deal["stage"] in ENDED_BADLY else 0


def _hand_over(
    options: WalletOptions, client: WalletClient, asked: Invoice, psbt: str, secret: str
) -> dict[str, Any]:
    """Sign a payment, and wait for the payee; who stops that is told what it means."""
    joins = not options.arguments.no_payjoin
    where = " and ".join(map(str, asked.endpoints))
    say(f"Dialling {where}; after a minute without an answer the payment is sent by the network.")
    try:
        deal: dict[str, Any] = client.call(
            "payinvoice", asked.to_uri(), psbt, secret, joins, {"wait": PATIENCE_MS}
        )
    except KeyboardInterrupt:
        say(
            "If it was signed by now it stays in force, and goes on whenever this wallet runs: axon"
            f" wallet payments {options.name} shows what becomes of it."
        )
        raise
    return deal


def _payments(options: WalletOptions) -> int:
    with opened(options, dials=False) as client:
        arguments = options.arguments
        found = client.call("listdeals", arguments.id, arguments.count, arguments.skip)
    if options.as_json:
        write_json(found)
        return 0
    for deal in found:
        _show(deal_lines(deal))
    if not found:
        of = "" if options.arguments.id is None else f" of {options.arguments.id}"
        write(f"No invoices and no direct payments{of}.")
    return 0 if found or options.arguments.id is None else 1


def _receipts(options: WalletOptions) -> int:
    with opened(options, dials=False) as client:
        if options.arguments.id is not None:
            receipt = client.call("getreceipt", options.arguments.id)
            if options.as_json:
                write_json({"receipt": receipt})
            else:
                write(receipt)
            return 0
        found = [deal for deal in _all_deals(client) if deal["receipt"]]
    if options.as_json:
        write_json(found)
        return 0
    for deal in found:
        write(receipt_line(deal))
    if not found:
        write("No receipts.")
    return 0


def _all_deals(client: WalletClient) -> Iterator[dict[str, Any]]:
    for skip in count(0, PAGE):
        found = client.call("listdeals", None, PAGE, skip)
        yield from found
        if len(found) < PAGE:
            return


def _show(lines: Sequence[str]) -> None:
    for line in lines:
        write(line)
