"""`bump`: a higher fee for what waits, out of the payment itself only where somebody agrees."""

from __future__ import annotations

import sys
from typing import Any

from axon.cli.walletaccess import opened
from axon.cli.walletcommands.paying import (
    add_high_fee,
    add_yes,
    feerate,
    refuse_watch_only,
    signed_and_sent,
    tell,
)
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletsecrets import add_passphrase_options
from axon.cli.walletsync import sync
from axon.cli.walletview import agrees, btc
from axon.errors import ConfigError
from axon.host.walletclient import WalletClient
from axon.rpc.errors import Code, RpcError


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    bump = add("bump", _bump, "raise the fee of a payment that waits, sent or coming in")
    bump.add_argument("txid", metavar="TXID", help="of the payment")
    bump.add_argument(
        "--fee-rate",
        type=feerate,
        required=True,
        metavar="N",
        help="the new fee in sat/vB; of one that comes in, for it and the child that spends it",
    )
    bump.add_argument(
        "--reduce-payment",
        action="store_true",
        help="if nothing else can pay more, the recipient gets less (asked for on a terminal)",
    )
    add_high_fee(bump)
    add_yes(bump)
    add_passphrase_options(bump)


def _bump(options: WalletOptions) -> int:
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync(client, options)
        draft = _drafted(client, options)
        sent = signed_and_sent(options, client, draft)
    return tell(options, draft, sent)


def _drafted(client: WalletClient, options: WalletOptions) -> dict[str, Any]:
    """Raises RpcError where the wallet refuses, ConfigError where the recipient is to get less and
    nobody agrees."""
    arguments = options.arguments

    def draft(reduce: bool) -> dict[str, Any]:
        chosen = {"allow_high_fee": arguments.allow_high_fee, "reduce_payment": reduce}
        made: dict[str, Any] = client.call("draftbump", arguments.txid, arguments.fee_rate, chosen)
        return made

    try:
        return draft(arguments.reduce_payment)
    except RpcError as error:
        if error.code != Code.INSUFFICIENT_FUNDS or arguments.reduce_payment:
            raise
    smaller = draft(True)
    _agree(f"Nothing else can pay more: the recipient would get {btc(smaller['reduced'])} less")
    return smaller


def _agree(question: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(f"{question}; --reduce-payment agrees to that")
    if not agrees(f"{question}."):
        raise ConfigError("nothing was signed or sent")
