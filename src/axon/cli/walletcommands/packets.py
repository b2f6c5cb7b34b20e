"""`packet`, `check` and `take`: payments as files and QR codes, where wallets never meet online."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from axon.cli.arguments import UsageError
from axon.cli.dealview import deal_lines, search_line, shown_lines
from axon.cli.walletaccess import opened
from axon.cli.walletcommands.paying import refuse_watch_only, with_passphrase
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletsecrets import add_passphrase_options
from axon.cli.walletsync import sync_if_possible
from axon.cli.walletview import SyncProgress, aligned, btc, qr_lines, say, write, write_json
from axon.drivers.aio.privatefiles import write_atomically
from axon.errors import ConfigError, DecodeError, disk_refusal
from axon.host.walletclient import WalletClient
from axon.payments.beef import BEEF_VERSION
from axon.payments.byfile import PART, UNPROVED, is_beef
from axon.payments.packetfile import MAX_TEXT, PartCollector
from axon.payments.receipt import BEGIN as RECEIPT_BEGIN
from axon.payments.verdict import PaymentLevel
from axon.rpc.walletmethods.direct import NOBODY

STANDARD: Final = "-"
"""In place of a file: standard input or output."""

MAX_NAME: Final = 250
"""Characters of a file's name that is looked for; no system knows longer ones."""

CODE_S: Final = 0.4
"""Each code is shown for so long: a telephone reads three in a second."""

MAX_PART_TEXT: Final = 8_192
"""Bytes of a line with a code; the largest code holds half of it."""

DELIVERY_MS: Final = 30_000
"""So long it is waited for a node that fetches a payment."""

TAKE_MS: Final = 65_000
"""For so long it is waited until a payment's coins were looked up."""

_CLEAR: Final = "\x1b[H\x1b[2J"
_TAKEN: Final = frozenset({"accepted", "settled"})


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    packet = add(
        "packet",
        _packet,
        "write a payment with its proof into a file, or show it as QR codes",
        more="Print a payment of this wallet with what proves its coins, for a payee who is not"
        " met online: he checks it with axon wallet check. Nothing is paid by this.",
    )
    packet.add_argument(
        "payment",
        metavar="ID",
        help="of its invoice, the first 8 digits at least; or the payment's txid",
    )
    add_handing_over(packet)
    packet.add_argument(
        "--beef",
        action="store_true",
        help="as BEEF (BRC-62, with its BUMPs), in hex, for wallets that know no better: it does"
        " not prove that the coins exist",
    )
    check = add(
        "check",
        _check,
        "say what a payment proves that came as a file",
        more="Say what a payment proves that came as a file: how far, as of which block, by how"
        " many nodes, and what is not proved. Nothing is written down, and no passphrase is asked"
        " for; axon wallet take takes it.",
    )
    _add_file(check, "the payment")
    take = add(
        "take",
        _take,
        "take a payment that came as a file, and give a receipt; or keep a receipt that came",
        more="Take a payment that came as a file: it is checked and shown as axon wallet check"
        " does, then the passphrase is asked for; with it the payment is accepted, a receipt is"
        " signed, and nodes are handed the payment, now or when one is in reach. A file with a"
        " receipt is kept with the payment that it is for.",
    )
    _add_file(take, "the payment, or a receipt for one")
    take.add_argument(
        "--receipt", metavar="FILE", help="write the receipt into this file, for the payer"
    )
    add_passphrase_options(take)


def _add_file(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        help=f"{what}: the text of a packet, the texts of its QR codes (one a line, in any order,"
        " as a program that reads codes prints them), or BEEF, for which nodes give the blocks that"
        " prove its coins; - for what is piped in",
    )


def add_handing_over(parser: argparse.ArgumentParser) -> None:
    """Add the ways in which a packet leaves."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--to", metavar="FILE", help="write it into this new file (- for standard output)"
    )
    ways.add_argument(
        "--qr",
        action="store_true",
        help="show it as QR codes, one after the other until ctrl-C; their texts, one a line,"
        " where this is no terminal",
    )


def refuse_existing(name: str | None) -> None:
    """See that a file can be written before anything else is done.

    Raises:
        ConfigError: there is one of this name, or no folder for it.
    """
    if name is None or name == STANDARD:
        return
    if len(name) > MAX_NAME:
        raise ConfigError(f"{name[:40]}... is too long for the name of a file")
    path = Path(name)
    if path.exists():
        raise ConfigError(f"{name} exists already: name a new file")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent} for it")


def write_new(name: str, text: str) -> None:
    """Write a text into a new file, whole or not at all.

    Raises:
        ConfigError: there is one of this name.
        StorageError: the disk refuses.
    """
    refuse_existing(name)
    path = Path(name).absolute()
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise disk_refusal(f"cannot write {path}", error) from error


def write_text(name: str, text: str, what: str) -> None:
    """Write a result where it is wanted, and say so; raises as `write_new`."""
    if name == STANDARD:
        write(text.rstrip("\n"))
        return
    write_new(name, text)
    say(f"{what} is in {name}.")


def hand_over(client: WalletClient, payment: str, arguments: argparse.Namespace) -> None:
    """Write a packet into a file, or show it as codes, as the options say."""
    if arguments.qr:
        _show_codes(client.call("getpacket", payment, "codes"))
    else:
        text = client.call("getpacket", payment, "text")
        write_text(arguments.to or STANDARD, text, "The payment with its proof")


def _show_codes(codes: Sequence[str]) -> None:
    """All codes in a circle, until somebody has read them."""
    if not sys.stdout.isatty():
        for code in codes:
            write(code)
        return
    pictures = ["\n".join(qr_lines(code)) for code in codes]
    try:
        for number, picture in cycle(enumerate(pictures, start=1)):
            write(f"{_CLEAR}{picture}\n{number} of {len(codes)}; ctrl-C ends it")
            time.sleep(CODE_S)
    except KeyboardInterrupt:
        write()


def _packet(options: WalletOptions) -> int:
    arguments = options.arguments
    if arguments.beef and arguments.qr:
        raise UsageError("BEEF is not shown as codes: leave --qr or --beef out")
    refuse_existing(arguments.to)
    with opened(options, dials=False) as client:
        if options.as_json:
            form = "beef" if arguments.beef else "codes" if arguments.qr else "text"
            write_json({form: client.call("getpacket", arguments.payment, form)})
        elif arguments.beef:
            beef = client.call("getpacket", arguments.payment, "beef")
            write_text(arguments.to or STANDARD, f"{beef}\n", "The payment as BEEF")
        else:
            hand_over(client, arguments.payment, arguments)
    return 0


def read_file(name: str) -> str:
    """A payment or receipt as text; BEEF comes as bytes, too.

    Raises:
        ConfigError: it cannot be read, or is neither.
    """
    try:
        if name == STANDARD:
            data = _read_standard()
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_TEXT + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}") from error
    if data.startswith(BEEF_VERSION):
        return data.hex()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{name} holds no payment: is it the right file?") from None


def _read_standard() -> bytes:
    """Standard input to its end; of codes, until all are there: a camera's program never ends."""
    first = sys.stdin.buffer.readline(MAX_TEXT + 1)
    if not first.startswith(PART.encode()):
        return first + sys.stdin.buffer.read(MAX_TEXT + 1)
    collector, lines = PartCollector(), bytearray()
    line = first
    while line:
        try:
            packet = collector.take(line.decode("ascii", "replace"))
        except DecodeError as error:
            say(f"Not taken: expected {error}.")
        else:
            lines += line.strip() + b"\n"
            if packet is not None:
                break
            say(f"{collector.total - len(collector.missing)} of {collector.total} codes.")
        line = sys.stdin.buffer.readline(MAX_PART_TEXT)
    return bytes(lines)


def _check(options: WalletOptions) -> int:
    text = read_file(options.arguments.file)
    with opened(options) as client:
        sync_if_possible(client, options)
        found = _checked(client, text)
    if options.as_json:
        write_json(found)
    else:
        _show(found)
    return 0 if found["level"] else 1


def _checked(client: WalletClient, text: str) -> dict[str, Any]:
    """What a payment proves; how far the search for spends of its coins is shows meanwhile."""
    progress = SyncProgress(sys.stderr)
    try:
        while True:
            found: dict[str, Any] = client.call("checkpacket", text, int(progress.step_s * 1_000))
            if found["searched"] is None:
                return found
            progress.say(search_line(found))
    finally:
        progress.end()


def _show(found: Mapping[str, Any]) -> None:
    """What a payment proves, as of when and by whom."""
    asked = "any amount" if found["asked"] is None else f"{btc(found['asked'])} asked for"
    rows = [
        ("invoice", f"{found['id'][:16]}, {asked}, {found['stage']}"),
        ("pays", f"{btc(found['paid'])}, with a fee of {btc(found['fee'])}"),
        ("payment", found["txid"]),
        ("level", f"{found['level']} of 6, as of block {found['height']:,}, {_by(found['peers'])}"),
    ]
    for line in (*aligned(rows, indent=2), *shown_lines(found["shown"])):
        write(line)


def _by(peers: int) -> str:
    if not peers:
        return "by no node"
    return "by 1 node" if peers == 1 else f"by {peers} nodes"


def _take(options: WalletOptions) -> int:
    arguments = options.arguments
    refuse_existing(arguments.receipt)
    text = read_file(arguments.file)
    if RECEIPT_BEGIN in text:
        return _take_receipt(options, text)
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync_if_possible(client, options)
        found = _checked(client, text)
        if not options.as_json:
            _show(found)
        if not found["level"]:
            if options.as_json:
                write_json(found)
            return 1
        if is_beef(text) and found["level"] <= PaymentLevel.SIGNED:
            raise ConfigError(f"this payment came as BEEF, {UNPROVED}")
        with_passphrase(
            arguments,
            lambda secret: client.call("openpayments", secret, NOBODY),
            "to sign the receipt (empty: do not take it)",
        )
        deal = client.call("takepacket", text, TAKE_MS)
        if deal["stage"] in _TAKEN:
            client.call("waitfordelivery", DELIVERY_MS)
        if arguments.receipt is not None and deal["receipt"]:
            receipt = client.call("getreceipt", deal["id"])
            write_text(arguments.receipt, receipt, "The receipt")
    return _told(options, deal)


def _take_receipt(options: WalletOptions, text: str) -> int:
    """The payer's side: his payee gave a receipt by other ways."""
    with opened(options, dials=False) as client:
        deal = client.call("takereceipt", text)
    return _told(options, deal)


def _told(options: WalletOptions, deal: Mapping[str, Any]) -> int:
    if options.as_json:
        write_json(deal)
    else:
        for line in deal_lines(deal):
            write(line)
    return 0 if deal["stage"] in _TAKEN else 1
