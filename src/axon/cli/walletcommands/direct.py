"""`invoice`, `pay`, `payments`: wallets that pay each other without anybody between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
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
from axon.cli.walletcommands.packets import (
    DELIVERY_MS,
    MAX_NAME,
    add_handing_over,
    hand_over,
    refuse_existing,
)
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
from axon.cli.walletcommands.payjoining import pay_with_payjoin
from axon.cli.walletdelivery import EXIT_TEXT
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletreached import add_listen, add_payjoin, listen_choice, payjoin_choice
from axon.cli.walletsecrets import add_passphrase_options
from axon.cli.walletsync import sync_if_possible
from axon.cli.walletview import draft_lines, qr_lines, say, write, write_json, write_json_line
from axon.errors import ConfigError, StorageError
from axon.host.walletclient import WalletClient
from axon.payments.invoice import Invoice, invoice_from_uri
from axon.payments.terms import Terms
from axon.rpc.walletmethods.direct import NOBODY
from axon.wallet.paymenturi import MAX_URI_SIZE, is_payment_uri, parse_payment_uri

SHOWN: Final = 20
"""Payments that `payments` shows where nobody says how many."""

PAGE: Final = 100
"""So many payments are asked for at a time."""

STEP_MS: Final = 1_000
"""So long one look at a payment takes at most: then ctrl-C has its turn."""

PATIENCE_MS: Final = 65_000
"""For so long a payee is waited for; the payment is settled without him after a minute."""

NO_RECEIPT: Final = (
    "The payment is in force: nodes are handed it now, or when this wallet reaches one. axon wallet"
    " take keeps the receipt that the payee gives for it."
)


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
        "--no-listen",
        action="store_true",
        help="print the invoice and end: it is paid by a file (axon wallet take), or on chain",
    )
    add_payjoin(invoice)
    invoice.add_argument(
        "--expires", type=int, default=86_400, metavar="SECONDS", help="(default: a day)"
    )
    invoice.add_argument("--no-qr", action="store_true", help="show no QR code")
    add_passphrase_options(invoice)
    pay = add(
        "pay",
        _pay,
        "pay an invoice of another wallet directly",
        more="Pay an invoice, whose URI may also stand in a file: the wallet that wrote it is"
        " dialled, checks the payment and gives a receipt. If it is not reached the payment is sent"
        " by the network. With --to or --qr nobody is dialled: the payment and its proof go into a"
        " file, or are shown as QR codes, for a payee who is not met online and takes it by axon"
        " wallet take. This wallet hands the payment to nodes as well, now (not with --offline) or"
        " when it next reaches one. A URI of another program that names a payjoin endpoint (pj=) is"
        f" paid through that, and as it is where that does not work out. {EXIT_TEXT}",
    )
    add_payee(pay)
    add_handing_over(pay)
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
    if arguments.no_listen and arguments.listen:
        raise UsageError("--listen and --no-listen contradict each other")
    places = [NOBODY] if arguments.no_listen else listen_choice(arguments)
    joins = payjoin_choice(arguments)
    if arguments.no_listen and joins:
        raise UsageError(
            "with --no-listen nobody stays to join payments: leave the options about payjoin to"
            f" axon wallet serve {options.name}"
        )
    amount_sat = None if amount is None else amount.sat
    Terms(amount_sat, arguments.label, arguments.message, arguments.expires).check()
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync_if_possible(client, options)
        with_passphrase(
            arguments,
            lambda secret: open_payments(client, secret, places, joins),
            "to be paid by other wallets",
        )
        made = client.call(
            "createinvoice", amount, arguments.label, arguments.message, arguments.expires
        )
        _show_invoice(options, made)
        if arguments.no_listen:
            return 0
        deal = _wait_for(options, client, made["id"])
    if options.as_json:
        write_json_line(deal)
    elif deal["stage"] == "accepted":
        write(f"  {KEPT_BY_BOTH}")
    return 1 if deal["stage"] in ENDED_BADLY else 0


def open_payments(
    client: WalletClient, secret: str, places: Sequence[str], joins: Mapping[str, object]
) -> dict[str, Any]:
    """Open a wallet's words, and listen for other wallets; the first place comes first in invoices.

    Args:
        places: where; none for where it does already, else this machine alone.
        joins: from `payjoin_choice`.
    """
    told: dict[str, Any] = {}
    wanted: Sequence[str | None] = places or [None]
    for place in reversed(wanted):
        told = client.call("openpayments", secret, place, joins)
    return told


def _show_invoice(options: WalletOptions, made: Mapping[str, Any]) -> None:
    if options.as_json:
        write_json_line(made)
        return
    if sys.stdout.isatty() and not options.arguments.no_qr:
        for line in qr_lines(made["uri"]):
            write(line)
    write(made["uri"])
    if not options.arguments.no_listen:
        say("Waiting for the payment; ctrl-C stops, the address can be paid on chain all the same.")


def _wait_for(options: WalletOptions, client: WalletClient, invoice: str) -> dict[str, Any]:
    """Wait until an invoice is paid or has expired, and say how far it is."""
    stage, shown, searched = "issued", None, None
    while True:
        deal: dict[str, Any] = client.call("waitfordeal", invoice, "accepted", STEP_MS)
        if deal["searched"] not in (None, searched):
            say(f"Its coins are looked up: block {deal['searched']:,} of {deal['height']:,}.")
            searched = deal["searched"]
        if not options.as_json and deal["shown"] != shown:
            _show(deal_lines(deal))
        elif not options.as_json and deal["stage"] != stage:
            write(title_line(deal))
        stage, shown = deal["stage"], deal["shown"]
        if deal["stage"] in {"accepted", "settled"} | ENDED_BADLY:
            return deal


def _pay(options: WalletOptions) -> int:
    arguments = options.arguments
    arguments.address = typed_invoice(arguments.address)
    by_file = arguments.qr or arguments.to is not None
    asked = invoice_from_uri(arguments.address, options.light.network)
    if not isinstance(asked, Invoice) or not (asked.endpoints or by_file):
        if parse_payment_uri(arguments.address).payjoin and not by_file:
            return pay_with_payjoin(options)
        raise UsageError(
            "this is no invoice of a wallet that can be dialled, and names no payjoin endpoint:"
            f" axon wallet send {options.name} ... pays it on chain"
        )
    refuse_existing(arguments.to)
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync_if_possible(client, options)
        draft = drafted(client, options, asked.to_uri())
        if not options.as_json:
            for line in draft_lines(draft):
                write(line)
        confirm_fee(arguments, draft)
        pay = _pay_by_file if by_file else _hand_over
        deal = with_passphrase(
            arguments, lambda secret: pay(options, client, asked, draft["psbt"], secret)
        )
        kept: list[dict[str, Any]] = []
        if deal["stage"] not in ENDED_BADLY:
            kept = client.call("waitfordelivery", DELIVERY_MS)
    if options.as_json:
        write_json(deal)
    else:
        ending = [f"  {NO_RECEIPT}"] if by_file else outcome_lines(options.name, deal, kept)
        _show([*deal_lines(deal), *ending])
    return 1 if deal["stage"] in ENDED_BADLY else 0


def typed_invoice(text: str) -> str:
    """What was typed as an invoice: itself, or what stands in a file of this name.

    Raises:
        UsageError: the file holds no payment URI.
    """
    if is_payment_uri(text) or len(text) > MAX_NAME or not Path(text).is_file():
        return text
    try:
        with Path(text).open("rb") as file:
            found = file.read(MAX_URI_SIZE + 1).decode().strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if not is_payment_uri(found):
        raise UsageError(f"{text} holds no invoice: is it the right file?")
    return found


def _pay_by_file(
    options: WalletOptions, client: WalletClient, asked: Invoice, psbt: str, secret: str
) -> dict[str, Any]:
    """Sign a payment, and hand it to somebody who is not met online."""
    deal: dict[str, Any] = client.call(
        "payinvoice", asked.to_uri(), psbt, secret, False, {"dial": False}
    )
    if options.as_json and options.arguments.qr:
        return {**deal, "codes": client.call("getpacket", deal["id"], "codes")}
    try:
        hand_over(client, deal["id"], options.arguments)
    except (StorageError, ConfigError) as error:
        say(f"{error}. The payment is in force all the same: axon wallet packet writes it again.")
    return deal


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
