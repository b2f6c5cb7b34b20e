"""How other wallets reach this one: the options of `axon wallet invoice` and `serve`.

What cannot be a place is refused before a passphrase is asked for.
"""

from __future__ import annotations

import argparse
from typing import Any

from axon.cli.arguments import UsageError
from axon.rpc.errors import RpcError
from axon.rpc.listenplace import read_listen_place
from axon.rpc.walletmethods.payjoinplace import read_payjoin_place


def add_listen(parser: argparse.ArgumentParser, usual: str) -> None:
    """Add where other wallets reach this one.

    Args:
        usual: where, if nobody says anything.
    """
    parser.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="where other wallets reach this one, or 'onion' for an onion service that Tor makes;"
        f" may be given several times (default: {usual})",
    )


def listen_choice(arguments: argparse.Namespace) -> list[str]:
    """What `add_listen` was told.

    Raises:
        UsageError: one of them is no place to listen at.
    """
    places: list[str] = arguments.listen
    for place in places:
        try:
            read_listen_place(place)
        except RpcError as error:
            raise UsageError(f"--listen: {error.message}") from None
    return places


def add_payjoin(parser: argparse.ArgumentParser) -> None:
    """Add how payments to this wallet are joined."""
    parser.add_argument(
        "--no-payjoin", action="store_true", help="join no payments with coins of this wallet"
    )
    parser.add_argument(
        "--payjoin-http",
        metavar="ADDR:PORT",
        help="take payjoins over HTTP (BIP 78) at this port, behind TLS or an onion service",
    )
    parser.add_argument(
        "--payjoin-url",
        metavar="URL",
        help="how they reach it, for the invoice: https://, or http:// of an onion; /pj/ and"
        " the invoice's id are put behind it (default: this machine alone)",
    )


def payjoin_choice(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `add_payjoin` was told, as named arguments of `openpayments`; empty for nothing.

    Raises:
        UsageError: the options contradict each other.
        RpcError: payjoins cannot be offered there.
    """
    if arguments.payjoin_http is None:
        if arguments.payjoin_url is not None:
            raise UsageError("--payjoin-url needs --payjoin-http ADDR:PORT")
        return {"payjoin": False} if arguments.no_payjoin else {}
    if arguments.no_payjoin:
        raise UsageError("--no-payjoin and --payjoin-http contradict each other")
    read_payjoin_place(arguments.payjoin_http, arguments.payjoin_url)
    return {"payjoin_http": arguments.payjoin_http, "payjoin_url": arguments.payjoin_url}
