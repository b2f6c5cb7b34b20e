"""`serve`: keeps a wallet open and connected, for commands, screens and programs that ask it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from axon.cli.walletaccess import logged
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletreached import add_listen, add_payjoin, listen_choice, payjoin_choice
from axon.cli.walletsecrets import add_passphrase_options, is_asked, passphrase
from axon.cli.walletview import say, write
from axon.drivers.aio.loop import run_forgetful_loop
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import ConfigError
from axon.host.datadir import locked
from axon.host.lightwallet import RunningWallet, find_wallet
from axon.host.secretmemory import lock_memory
from axon.host.walletclient import find_served, when_free
from axon.host.walletprogram import run_wallet
from axon.rpc.walletmethods.direct import NOBODY
from axon.wallet.wallet import Wallet


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    serve = add(
        "serve",
        _serve,
        "keep it running until ctrl-C, and let other commands ask it",
        more="Keep the wallet open and connected until ctrl-C. Meanwhile all other commands go to "
        "it. It takes JSON-RPC calls on a port of this machine; rpc.json in the wallet's folder "
        "says on which, and .cookie holds the password. With --listen other wallets reach it: it"
        " prints KEY@HOST:PORT, which they take with --partner to learn headers from it, and"
        " filters if it keeps them (--keep-filters). With its passphrase its words stay open as"
        " well, so that they can pay it directly.",
    )
    serve.add_argument(
        "-rpcport", "--rpcport", type=int, default=0, metavar="PORT", help="default: any free one"
    )
    add_listen(serve, "other wallets do not")
    add_payjoin(serve)
    add_passphrase_options(serve)


def _serve(options: WalletOptions) -> int:
    path, arguments = find_wallet(options.light, options.name), options.arguments
    folder = path.parent
    secrets: list[str] = []  # Emptied where it is used: the program runs for days.
    joins, listens = payjoin_choice(arguments), listen_choice(arguments)
    needs_words = bool(joins) or not is_asked(arguments)
    places = listens or ([NOBODY] if needs_words else [])
    partners: list[str] = []

    def started(wallet: RunningWallet) -> None:
        assert wallet.rpc is not None, "it is served"
        for partner in partners:
            write(partner)
        reached = "".join(f", other wallets at {each}" for each in wallet.daemon.listening)
        if wallet.daemon.payjoin_http is not None:
            reached += f", payjoins at http://{wallet.daemon.payjoin_http}"
        say(
            f"axon wallet {options.name} on {options.light.network.name}, RPC at"
            f" {wallet.rpc.endpoints[0]}{reached}; ctrl-C stops it"
        )

    async def listen(wallet: RunningWallet) -> None:
        secret = secrets.pop() if secrets else ""
        for place in reversed(places):
            if secret:
                await wallet.call("openpayments", secret, place, joins)
            if place != NOBODY:
                told = await wallet.call("servewallets", place)
                partners.insert(0, str(told["partner"]))

    def run() -> None:
        with locked(folder), logged(options):
            run_forgetful_loop(
                run_wallet(
                    options.light, options.name, arguments.rpcport, prepare=listen, on_start=started
                )
            )

    lock_memory()
    served = find_served(folder)
    if served is not None:
        served.close()
        raise ConfigError(
            f"wallet {options.name} is open already, by axon wallet serve or open: other commands"
            " go there"
        )
    if places and _signs(path, options.name, needs_words):
        secrets += _passphrase(arguments, needs_words)
    when_free(run)
    return 0


def _signs(path: Path, name: str, needs_words: bool) -> bool:
    """Whether a wallet has words that a passphrase opens.

    Raises:
        ConfigError: it has none, and an option is of no use without them.
    """

    def has_words() -> bool:
        with SqliteStore(path) as store:
            return Wallet.load(store).source.sealed is not None

    signs = when_free(has_words)
    if needs_words and not signs:
        raise ConfigError(
            f"wallet {name} only watches, so other wallets cannot pay it directly: leave the"
            " options about payjoin and the passphrase out"
        )
    return signs


def _passphrase(arguments: argparse.Namespace, is_needed: bool) -> list[str]:
    """The passphrase, if there is somebody to ask, or it was said where it is; else none.

    Raises:
        ConfigError: there is none, and an option is of no use without it.
    """
    if is_asked(arguments) and not sys.stdin.isatty() and not is_needed:
        say(
            "Without a passphrase (--passphrase-file) this wallet gives others headers and filters,"
            " and is not paid by them until axon wallet invoice opens it."
        )
        return []
    return [
        passphrase(arguments, "Passphrase of this wallet's file, to be paid by other wallets: ")
    ]
