"""`coins`, `labels` and `export-descriptor`: what a careful owner keeps in order."""

from __future__ import annotations

import json
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Any, Final

from axon.cli.arguments import UsageError
from axon.cli.walletaccess import opened
from axon.cli.walletcommands.paying import with_passphrase
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletsecrets import add_passphrase_options
from axon.cli.walletsync import sync
from axon.cli.walletview import aligned, btc, say, write, write_json
from axon.drivers.aio.privatefiles import write_file
from axon.errors import ConfigError, disk_refusal
from axon.host.walletclient import WalletClient
from axon.wallet.labels import MAX_IMPORT_BYTES

NAMED_LINES: Final = 20
"""Lines of a file of labels that are named when they are left out; all are counted."""

_FLAGS: Final = ("frozen", "immature", "change")


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    coins = add("coins", _coins, "its coins; freeze some, so that no payment uses them")
    coins.add_argument("action", nargs="?", choices=("freeze", "unfreeze"))
    coins.add_argument("coins", nargs="*", metavar="TXID:N", help="to be frozen or unfrozen")
    labels = add("labels", _labels, "its labels; set one, or exchange them (BIP 329)")
    labels.add_argument(
        "action",
        nargs="?",
        choices=("set", "export", "import"),
        help="set TARGET TEXT, export [FILE], import FILE; a target is a txid, an address, or a "
        "coin as TXID:N; no text takes the label off",
    )
    labels.add_argument("words", nargs="*", metavar="...", help="what the action needs")
    export = add("export-descriptor", _export, "the descriptors of all its addresses")
    export.add_argument(
        "--private", action="store_true", help="with the keys: whoever reads them can spend"
    )
    add_passphrase_options(export)
    export.usage = "axon wallet export-descriptor [--private] [OPTIONS] NAME"  # In 80 columns.


def _coins(options: WalletOptions) -> int:
    arguments = options.arguments
    if arguments.action is not None and not arguments.coins:
        raise UsageError(f"{arguments.action} which coins? Name them as TXID:N")
    with opened(options, dials=arguments.action is None) as client:
        if arguments.action is not None:
            client.call("lockunspent", arguments.action == "unfreeze", arguments.coins)
        else:
            sync(client, options)
        coins = client.call("listunspent")
    if options.as_json:
        write_json(coins)
        return 0
    if not coins:
        say("No coins.")
    rows = [
        (
            btc(coin["amount"]),
            f"{coin['confirmations']:,} conf",
            ", ".join(_remarks(coin)),
            coin["label"],
            f"{coin['txid']}:{coin['vout']}",
        )
        for coin in coins
    ]
    for line in aligned(rows, right=(0, 1)):
        write(line)
    return 0


def _remarks(coin: dict[str, Any]) -> list[str]:
    remarks = [name for name in _FLAGS if coin[name]]
    return remarks if coin["safe"] else ["not to be trusted yet", *remarks]


def _labels(options: WalletOptions) -> int:
    arguments = options.arguments
    count = len(arguments.words)
    wanted = {"set": count >= 1, "export": count <= 1, "import": count == 1, None: not count}
    if not wanted[arguments.action]:
        raise UsageError("labels NAME, or with: set TARGET TEXT, export [FILE], import FILE")
    with opened(options, dials=False) as client:
        if arguments.action == "set":
            target, *text = arguments.words
            client.call("setlabel", target, " ".join(text))
        elif arguments.action == "import":
            return _import(options, client, Path(arguments.words[0]))
        exported = client.call("exportlabels")
    if arguments.action == "export":
        return _write_file(exported, arguments.words)
    lines = [json.loads(line) for line in exported.splitlines()]
    if options.as_json:
        write_json(lines)
        return 0
    if not lines:
        say("No labels.")
    rows = [(each["type"], each.get("label", ""), _frozen(each), each["ref"]) for each in lines]
    for line in aligned(rows):
        write(line)
    return 0


def _frozen(line: dict[str, Any]) -> str:
    return "" if line.get("spendable", True) else "frozen"


def _import(options: WalletOptions, client: WalletClient, path: Path) -> int:
    try:
        with path.open("rb") as file:  # Its size is not asked for: a device has none.
            data = file.read(MAX_IMPORT_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MAX_IMPORT_BYTES:
        raise ConfigError(
            f"{path} is larger than {MAX_IMPORT_BYTES} bytes: is it a file of labels?"
        )
    imported = client.call("importlabels", _label_text(data))
    if options.as_json:
        write_json(imported)
        return 0
    write(f"taken: {imported['taken']}")
    if imported["skipped"]:
        write(f"left out: {imported['skipped']}")
    named = imported["left_out"][:NAMED_LINES]
    for each in named:
        write(f"  line {each['line']}: {each['reason']}")
    if imported["skipped"] > len(named):
        write(f"  and {imported['skipped'] - len(named)} more")
    return 0


def _label_text(data: bytes) -> str:
    """Lines of labels as some program wrote them; what is no text spoils its own line only."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "replace")


def _write_file(text: str, names: list[str]) -> int:
    if not names or names == ["-"]:
        sys.stdout.write(text)
        return 0
    try:
        write_file(Path(names[0]), text.encode())
    except OSError as error:
        raise disk_refusal(f"cannot write {names[0]}", error, ConfigError) from error
    return 0


def _export(options: WalletOptions) -> int:
    arguments = options.arguments
    with opened(options, dials=False) as client:
        if arguments.private:
            if not client.call("getwalletinfo")["private_keys_enabled"]:
                raise ConfigError(f"wallet {options.name} only watches: it has no keys to show")
            listed = with_passphrase(
                arguments,
                lambda secret: client.call("listdescriptors", True, secret),
                "to show its keys (empty: do not)",
            )
        else:
            listed = client.call("listdescriptors")
    if options.as_json:
        write_json(listed)
        return 0
    for each in listed["descriptors"]:
        write(each["desc"])
    return 0
