"""`receive`: an address to be paid at."""

from __future__ import annotations

import sys

from axon.cli.walletaccess import opened
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletsync import NotInSync, sync, unsearched_line
from axon.cli.walletview import aligned, qr_lines, say, write, write_json
from axon.host.walletclient import WalletClient


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
        is_unread = _is_unread(client)
        if not is_unread:
            address = client.call("getnewaddress", arguments.label, arguments.beyond_gap)
            unsearched = unsearched_line(client.call("getwalletinfo"))
    if is_unread:
        with opened(options) as client:
            is_unread = not _has_read(client, options)
            address = client.call("getnewaddress", arguments.label, arguments.beyond_gap)
            unsearched = unsearched_line(client.call("getwalletinfo"))
    if unsearched is not None:
        say(unsearched)
    if is_unread:
        say(
            "This wallet has not looked at the chain yet, so the address may have been paid before:"
            f" axon wallet sync {options.name} looks, and axon wallet receive gives another one."
        )
    if options.as_json:
        told = {"address": address, "label": arguments.label, "chain_read": not is_unread}
        write_json(told)
        return 0
    if sys.stdout.isatty() and not arguments.no_qr:
        for line in qr_lines(f"bitcoin:{address}"):
            write(line)
    write(address)
    return 0


def _is_unread(client: WalletClient) -> bool:
    """Whether a wallet that existed before has never looked which of its addresses were paid."""
    has_past: bool = client.call("getwalletinfo")["has_past"]
    looked_up_to: int = client.call("getsyncinfo")["asof"]["height"]
    return has_past and looked_up_to < 0


def _has_read(client: WalletClient, options: WalletOptions) -> bool:
    try:
        info = sync(client, options)
        return bool(info["synced"] or info["asof"]["height"] >= 0)
    except NotInSync as error:
        say(f"{error}.")
        return False


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
