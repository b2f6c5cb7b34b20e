"""`receive`: an address to be paid at."""

from __future__ import annotations

import sys

from axon.cli.walletaccess import opened
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletview import aligned, qr_lines, say, write, write_json


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    receive = add("receive", _receive, "a new address; on a terminal with its QR code")
    receive.add_argument("--label", default="", metavar="TEXT", help="what the payment is for")
    receive.add_argument(
        "--beyond-gap",
        action="store_true",
        help="also when the last 20 addresses were never paid",
    )
    receive.add_argument("--no-qr", action="store_true", help="show no QR code")
    addresses = add("addresses", _addresses, "the addresses that were given out")
    addresses.add_argument("--change", action="store_true", help="those for change")


def _receive(options: WalletOptions) -> int:
    arguments = options.arguments
    with opened(options, dials=False) as client:
        address = client.call("getnewaddress", arguments.label, arguments.beyond_gap)
    if options.as_json:
        write_json({"address": address, "label": arguments.label})
        return 0
    if sys.stdout.isatty() and not arguments.no_qr:
        for line in qr_lines(f"bitcoin:{address}"):
            write(line)
    write(address)
    return 0


def _addresses(options: WalletOptions) -> int:
    with opened(options, dials=False) as client:
        found = client.call("listaddresses", options.arguments.change)
    if options.as_json:
        write_json(found)
        return 0
    if not found:
        say("No address was given out yet.")
    rows = [
        (str(each["index"]), each["address"], "used" if each["used"] else "", each["label"])
        for each in found
    ]
    for line in aligned(rows, right=(0,)):
        write(line)
    return 0
