"""`words`, `passphrase`, `backup`, `rename` and `remove`: what keeps a wallet, and its end."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from axon.cli.walletaccess import opened
from axon.cli.walletcommands.newwords import write_words
from axon.cli.walletcommands.paying import with_passphrase
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletsecrets import add_passphrase_options, is_asked, read_secret, second_line
from axon.cli.walletview import agrees, btc, say, write, write_json
from axon.errors import ConfigError
from axon.host.walletfiles import delete_wallet, held_alone, rename_wallet
from axon.rpc.amounts import format_amount
from axon.wallet.wallet import Wallet


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    shown = add("words", _words, "show the words that restore it, to who has its passphrase")
    shown.add_argument(
        "--yes", action="store_true", help="do not ask whether nobody else sees the screen"
    )
    add_passphrase_options(shown)
    changed = add("passphrase", _passphrase, "change the passphrase that seals its file")
    add_passphrase_options(changed)
    changed.add_argument(
        "--new-passphrase-file",
        type=Path,
        metavar="FILE",
        help="read the new one from this file; with --passphrase-stdin it is the second line",
    )
    copied = add("backup", _backup, "copy its file, also while it is in use")
    copied.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="where to: a file that is not there yet, or a folder",
    )
    renamed = add("rename", _rename, "give it another name")
    renamed.add_argument("new", metavar="NEW", help="its name from now on")
    removed = add("remove", _remove, "remove its file from this machine, after a question")
    removed.add_argument(
        "--confirm", metavar="NAME", help="its name once more, instead of typing it when asked"
    )


def _words(options: WalletOptions) -> int:
    arguments = options.arguments
    if not arguments.yes:
        if options.as_json or not sys.stdin.isatty():
            raise ConfigError(
                "whoever reads the words can spend from this wallet: add --yes if they are meant to"
                " be printed"
            )
        say("Whoever reads the words of this wallet can spend from it: nobody who asks for them")
        say("means well. They stay on this screen, and in what records it.")
        if not agrees("Does nobody else see this screen?"):
            raise ConfigError("nothing was done")
    with opened(options, dials=False) as client:
        if not client.call("getwalletinfo")["private_keys_enabled"]:
            raise ConfigError(f"wallet {options.name} only watches: it has no words")
        found = with_passphrase(
            arguments,
            lambda secret: client.call("revealwords", secret),
            "to show its words (empty: do not)",
        )
    if options.as_json:
        write_json(found)
        return 0
    write_words(found["words"])
    write(f"Addresses: {found['kind']}.")
    if found["bip39_passphrase"]:
        write(f"BIP 39 passphrase, which restores it beside the words: {found['bip39_passphrase']}")
    return 0


def _passphrase(options: WalletOptions) -> int:
    arguments = options.arguments
    with opened(options, dials=False) as client:
        if not client.call("getwalletinfo")["private_keys_enabled"]:
            raise ConfigError(f"wallet {options.name} only watches: no passphrase seals anything")
        chosen: list[str] = []

        def change(old: str) -> dict[str, bool]:
            client.call("revealwords", old)  # Who mistypes it is asked for no new one.
            chosen[:] = chosen or [_new_passphrase(options)]
            client.call("walletpassphrasechange", old, chosen[0])
            return {"changed": True}

        told = with_passphrase(arguments, change, "the one it has now (empty: leave it as it is)")
    if options.as_json:
        write_json(told)
        return 0
    write(f"The passphrase of wallet {options.name} is changed.")
    write("Copies of its file that were made before still open with the old one.")
    return 0


def _new_passphrase(options: WalletOptions) -> str:
    arguments = options.arguments
    path: Path | None = arguments.new_passphrase_file
    if path is not None:
        found = read_secret(path)
    elif arguments.passphrase_stdin:
        found = second_line()
    elif not is_asked(arguments) or not sys.stdin.isatty():
        raise ConfigError("a new passphrase is needed: give --new-passphrase-file FILE")
    else:
        found = getpass.getpass("New passphrase: ")
        if found and getpass.getpass("The same once more: ") != found:
            raise ConfigError("the two passphrases are not the same, so nothing was done")
    if not found:
        raise ConfigError("the new passphrase is empty, so nothing was done: choose another")
    return found


def _backup(options: WalletOptions) -> int:
    with opened(options, dials=False) as client:
        path = client.call("backupwallet", str(options.arguments.file.absolute()))
        has_keys = client.call("getwalletinfo")["private_keys_enabled"]
    if options.as_json:
        write_json({"name": options.name, "file": path})
        return 0
    write(f"Wallet {options.name} as it is now is copied to {path}.")
    kept = (
        "Its keys are sealed with its passphrase; labels" if has_keys else "It has no keys; labels"
    )
    write(f"{kept}, addresses and payments are readable.")
    write(f"axon wallet restore NAME --backup {path} brings it back.")
    return 0


def _rename(options: WalletOptions) -> int:
    new: str = options.arguments.new
    folder = rename_wallet(options.light, options.name, new)
    if options.as_json:
        write_json({"name": new, "folder": str(folder)})
        return 0
    write(f"Wallet {options.name} is wallet {new} now. It is kept in {folder}.")
    return 0


def _remove(options: WalletOptions) -> int:
    name = options.name
    with held_alone(options.light, name) as wallet:
        lost = _losses(wallet)
    if options.arguments.confirm is None:
        if options.as_json or not sys.stdin.isatty():
            raise ConfigError(
                f"a wallet is removed for good: add --confirm {name} if that is meant"
            )
        for line in lost:
            say(line)
        sys.stderr.write("Type the name of the wallet to remove it: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    else:
        typed = options.arguments.confirm
    if typed != name:
        raise ConfigError(f"that is not {name!r}, so nothing was removed")
    left = delete_wallet(options.light, name)
    if options.as_json:
        write_json({"name": name, "removed": True, "left": list(left)})
        return 0
    write(f"Wallet {name} is removed.")
    if left:
        write(f"Other files are left in its folder: {', '.join(left)}.")
    return 0


def _losses(wallet: Wallet) -> list[str]:
    """What goes with a wallet's file, and what brings it back."""
    balance = wallet.balance()
    lines = []
    if balance.total_sat:
        lines.append(f"When it was last open, it held {btc(format_amount(balance.total_sat))}.")
    if wallet.is_watch_only:
        lines.append("It only watches: its descriptors bring its addresses back.")
    else:
        lines.append("Only its words, or a backup and its passphrase, bring its coins back.")
    lines.append("Its labels, what it is to keep frozen, invoices and receipts are lost for good.")
    return lines
