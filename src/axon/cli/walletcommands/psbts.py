"""`psbt`: payments that several sign, or that are signed on another machine (BIP 174)."""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

from axon.cli.arguments import Parser
from axon.cli.walletaccess import opened
from axon.cli.walletcommands.paying import (
    add_fee_options,
    add_payee,
    add_yes,
    confirm_fee,
    drafted,
    read_payment,
    refuse_watch_only,
    send_out,
    with_passphrase,
)
from axon.cli.walletdelivery import EXIT_CODES, tell_sent
from axon.cli.walletoptions import MORE_OPTIONS, AddCommand, WalletOptions, common_options
from axon.cli.walletsecrets import add_passphrase_options
from axon.cli.walletsync import sync
from axon.cli.walletview import draft_lines, say, write, write_json
from axon.errors import ConfigError
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction
from axon.wallet.psbt import MAX_PSBT_BYTES, is_psbt_text

MAGIC: Final = b"psbt\xff"
"""What every PSBT begins with."""

_MAX_TEXT_BYTES: Final = 2 * MAX_PSBT_BYTES
"""Of a file: hex takes two characters for a byte."""

_UNSIGNED: Final = (
    "with no signature in at least one input, and no PSBT: ask whoever made it for a PSBT, as"
    " converttopsbt of Bitcoin Core makes one"
)
_TRANSACTION: Final = re.compile(r"[0-9a-fA-F]{120,}")


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    psbt = add("psbt", _show, "payments that are signed elsewhere, or by several")
    actions = psbt.add_subparsers(required=True, metavar="ACTION", parser_class=Parser)

    def add_action(name: str, command: Any, about: str) -> Parser:
        added: Parser = actions.add_parser(
            name,
            help=about,
            description=f"{about[:1].upper()}{about[1:]}.",
            epilog=MORE_OPTIONS,
            parents=[common_options()],
            add_help=False,
            allow_abbrev=False,
        )
        added.set_defaults(command=command)
        return added

    create = add_action("create", _create, "draft a payment, and print it")
    add_payee(create)
    add_fee_options(create)
    for name, command, about in (
        ("show", _show, "say what a payment would do, also one that is finished"),
        (
            "sign",
            _sign,
            "sign what is this wallet's to sign, and print it: as a PSBT while others must still "
            "sign, else as the transaction",
        ),
        ("finalize", _finalize, "print the transaction of a payment that all have signed"),
        ("send", _send, "send a payment that all have signed, or its transaction"),
    ):
        one = add_action(name, command, about)
        one.add_argument("psbt", metavar="PSBT", help="a file, - for standard input, or the text")
        if name == "sign":
            add_passphrase_options(one)
            add_yes(one)
        if name in ("sign", "send"):
            one.add_argument("--allow-high-fee", action="store_true", help="an absurd fee is meant")
    several = add_action("combine", _combine, "put the signatures of several copies together")
    several.add_argument("psbts", nargs="+", metavar="PSBT", help="files, base64 or hex")


def _create(options: WalletOptions) -> int:
    read_payment(options)
    with opened(options) as client:
        sync(client, options)
        draft = drafted(client, options)
    if options.as_json:
        write_json(draft)
        return 0
    for line in draft_lines(draft):
        say(line)
    if "fee_question" in draft:
        say(f"{draft['fee_question']}: it is asked about when the payment is signed.")
    write(draft["psbt"])
    return 0


def _show(options: WalletOptions) -> int:
    text = read_psbt_text(options.arguments.psbt)
    with opened(options, dials=False) as client:
        shown = client.call("importpsbt", text)
    if options.as_json:
        write_json(shown)
        return 0
    for line in draft_lines(shown):
        write(line)
    if shown["complete"]:
        state = "signed by all who must"
        if "fee" not in shown:
            state = "signed, but whether the signatures hold cannot be told here"
        write(f"  {state}: {shown['txid']}")
    return 0


def _sign(options: WalletOptions) -> int:
    arguments = options.arguments
    text = _unfinished(options, read_psbt_text(arguments.psbt))
    with opened(options, dials=False) as client:
        refuse_watch_only(client, options.name)
        draft = client.call("importpsbt", text)
        if not any(each["ours"] or each["named"] for each in draft["inputs"]):
            raise ConfigError("this PSBT spends no coin of this wallet: there is nothing to sign")
        for line in draft_lines(draft):
            say(line)
        confirm_fee(arguments, draft)
        chosen = {"allow_high_fee": arguments.allow_high_fee}
        signed = with_passphrase(
            arguments, lambda secret: client.call("signpsbt", text, secret, chosen)
        )
    if signed["complete"]:
        say("All have signed. This is the transaction; psbt send sends it:")
    return _tell(options, signed)


def _combine(options: WalletOptions) -> int:
    texts = [_unfinished(options, read_psbt_text(each)) for each in options.arguments.psbts]
    with opened(options, dials=False) as client:
        combined = client.call("combinepsbt", texts)
    return _tell(options, {"complete": False, "psbt": combined})


def _finalize(options: WalletOptions) -> int:
    text = read_psbt_text(options.arguments.psbt)
    finished = _transaction(text)
    if finished is not None and not _is_signed(finished):
        raise ConfigError(f"this is the transaction {to_hex(finished.txid)}, {_UNSIGNED}")
    if finished is not None:  # As `sign` prints it where nobody else must sign.
        made = {"complete": True, "txid": to_hex(finished.txid), "hex": finished.raw.hex()}
        return _tell(options, made)
    with opened(options, dials=False) as client:
        return _tell(options, client.call("finalizepsbt", text))


def _tell(options: WalletOptions, made: dict[str, Any]) -> int:
    if options.as_json:
        write_json(made)
    else:
        write(made["hex"] if made["complete"] else made["psbt"])
    return 0


def _send(options: WalletOptions) -> int:
    arguments = options.arguments
    text = read_psbt_text(arguments.psbt)
    with opened(options) as client:
        sync(client, options)
        if is_psbt_text(text) and not options.as_json:
            for line in draft_lines(client.call("importpsbt", text)):
                write(line)
        sent = send_out(client, text, None, arguments.allow_high_fee)
    if options.as_json:
        write_json(sent)
        return EXIT_CODES.get(sent["delivery"], 0)
    return tell_sent(sent)


def _transaction(text: str) -> Transaction | None:
    """A transaction in hex; None for everything else."""
    if is_psbt_text(text) or not _TRANSACTION.fullmatch(text):
        return None
    try:
        return Transaction.decode(bytes.fromhex(text))
    except ValueError:  # An odd number of digits, or no transaction.
        return None


def _is_signed(transaction: Transaction) -> bool:
    return all(each.witness or each.script_sig for each in transaction.inputs)


def _unfinished(options: WalletOptions, text: str) -> str:
    """What was given, if there is something left to sign.

    Raises:
        ConfigError: it is a transaction.
    """
    finished = _transaction(text)
    if finished is not None and not _is_signed(finished):
        raise ConfigError(f"this is the transaction {to_hex(finished.txid)}, {_UNSIGNED}")
    if finished is not None:
        raise ConfigError(
            f"this is the finished transaction {to_hex(finished.txid)} and no PSBT any more:"
            f" axon wallet psbt {options.name} send sends it"
        )
    return text


def read_psbt_text(named: str) -> str:
    """A PSBT in base64 or hex, from a file of any form, from standard input, or as it stands; or a
    transaction in hex.

    Raises:
        ConfigError: the file cannot be read, or is too large.
    """
    if named == "-":
        data = sys.stdin.buffer.read(_MAX_TEXT_BYTES + 1)
    elif is_psbt_text(named) or _TRANSACTION.fullmatch(named):
        return named
    else:
        try:
            with Path(named).open("rb") as file:
                data = file.read(_MAX_TEXT_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"cannot read {named[:200]}: {error.strerror}") from error
    if len(data) > _MAX_TEXT_BYTES:
        raise ConfigError(f"{named[:200]} is larger than {_MAX_TEXT_BYTES} bytes: is it a PSBT?")
    if data.startswith(MAGIC):
        return b64encode(data).decode()
    return data.decode("ascii", "replace").strip()
