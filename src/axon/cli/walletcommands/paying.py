"""`send` and `bump`: a payment is shown in full before the passphrase is asked for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, Final

from axon.cli.arguments import UsageError
from axon.cli.walletaccess import opened
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletsecrets import add_passphrase_options, is_asked, passphrase
from axon.cli.walletsync import sync
from axon.cli.walletview import draft_lines, say, spread_line, write, write_json
from axon.errors import ConfigError
from axon.host.walletclient import WalletClient
from axon.rpc.amounts import Amount
from axon.rpc.errors import Code, RpcError
from axon.wallet.amounts import parse_amount
from axon.wallet.errors import BadAmount
from axon.wallet.payment import ALL

SPREAD_S: Final = 30.0
"""For so long a payment that is brought out is watched: nodes announce every few seconds, and the
way back may lead over several."""

TRIES: Final = 3
"""A wrong passphrase is asked for again."""


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    send = add("send", _send, "pay somebody")
    add_payee(send)
    add_fee_options(send)
    add_passphrase_options(send)
    send.add_argument("--label", default="", metavar="TEXT", help="what the payment is for")
    bump = add("bump", _bump, "raise the fee of a payment that waits")
    bump.add_argument("txid", metavar="TXID", help="of the payment")
    bump.add_argument(
        "--fee-rate", type=feerate, required=True, metavar="N", help="the new fee in sat/vB"
    )
    _add_high_fee(bump)
    add_passphrase_options(bump)


def add_payee(parser: argparse.ArgumentParser) -> None:
    """Add who is paid, and how much."""
    parser.add_argument("address", metavar="ADDRESS", help="who is paid")
    parser.add_argument(
        "amount",
        nargs="+",
        metavar="AMOUNT",
        help="such as '0.5 BTC' or '50000 sat', as one word or two; or all",
    )


def add_fee_options(parser: argparse.ArgumentParser) -> None:
    """Add what decides about the fee and the coins."""
    fee = parser.add_mutually_exclusive_group()
    fee.add_argument(
        "--fee-rate",
        type=feerate,
        metavar="N",
        help="the fee in sat/vB",
    )
    fee.add_argument("--fee", metavar="AMOUNT", help="the whole fee, such as '500 sat'")
    fee.add_argument(
        "--target",
        type=int,
        metavar="BLOCKS",
        help="pay what gets it into one of so many blocks, by what the last ones charged "
        "(default: 6)",
    )
    parser.add_argument(
        "--coin",
        action="append",
        metavar="TXID:N",
        help="spend this coin; given several times, all of them and no other",
    )
    _add_high_fee(parser)


def _add_high_fee(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow-high-fee", action="store_true", help="an absurd fee is meant")


def feerate(text: str) -> float:
    """A feerate in sat/vB, for argparse."""
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 < rate < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no feerate in sat/vB")
    return rate


def read_amount(text: str) -> Amount:
    """An amount with its unit.

    Raises:
        UsageError: it is none, or has none.
    """
    try:
        return Amount(parse_amount(text))
    except BadAmount as error:
        raise UsageError(str(error)) from None


def read_amounts(arguments: argparse.Namespace) -> None:
    """Refuse what is no amount before anything else is done.

    Raises:
        UsageError: one of them is none.
    """
    text = " ".join(arguments.amount)
    if text.lower() != ALL.value:
        read_amount(text)
    if arguments.fee is not None:
        read_amount(arguments.fee)


def drafted(client: WalletClient, arguments: argparse.Namespace) -> dict[str, Any]:
    """The payment that a command line asks for, drafted.

    Raises:
        UsageError: an amount is none.
        RpcError: the wallet refuses it.
    """
    text = " ".join(arguments.amount)
    amount = ALL.value if text.lower() == ALL.value else read_amount(text)
    chosen: dict[str, object] = {"allow_high_fee": arguments.allow_high_fee}
    if arguments.fee_rate is not None:
        chosen["fee_rate"] = arguments.fee_rate
    if arguments.fee is not None:
        chosen["fee"] = read_amount(arguments.fee)
    if arguments.target is not None:
        chosen["conf_target"] = arguments.target
    if arguments.coin is not None:
        chosen["coins"] = arguments.coin
    made: dict[str, Any] = client.call("draftpayment", {arguments.address: amount}, chosen)
    return made


def refuse_watch_only(client: WalletClient, name: str) -> None:
    """Say early that a wallet cannot sign.

    Raises:
        ConfigError: it only watches.
    """
    if not client.call("getwalletinfo")["private_keys_enabled"]:
        raise ConfigError(
            f"wallet {name} only watches: axon wallet psbt {name} create ... makes a payment that"
            " is signed where the keys are"
        )


def _send(options: WalletOptions) -> int:
    arguments = options.arguments
    read_amounts(arguments)
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync(client, options)
        draft = drafted(client, arguments)
        sent = _signed_and_sent(options, client, draft)
        if arguments.label:
            client.call("setlabel", sent["txid"], arguments.label)
    return _tell(options, draft, sent)


def _bump(options: WalletOptions) -> int:
    arguments = options.arguments
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync(client, options)
        draft = client.call(
            "draftbump",
            arguments.txid,
            arguments.fee_rate,
            {"allow_high_fee": arguments.allow_high_fee},
        )
        sent = _signed_and_sent(options, client, draft)
    return _tell(options, draft, sent)


def _signed_and_sent(
    options: WalletOptions, client: WalletClient, draft: Mapping[str, Any]
) -> dict[str, Any]:
    """Show a payment, ask for the passphrase, send it, and see it spread."""
    if not options.as_json:
        for line in draft_lines(draft):
            write(line)
    high_fee: bool = options.arguments.allow_high_fee
    return with_passphrase(
        options.arguments, lambda secret: send_out(client, draft["psbt"], secret, high_fee)
    )


def send_out(client: WalletClient, psbt: str, secret: str | None, high_fee: bool) -> dict[str, Any]:
    """Bring a payment out and see it spread.

    Args:
        secret: the passphrase; None if all have signed.
        high_fee: an absurd fee is meant.
    """
    chosen = {"wait": int(SPREAD_S * 1_000), "allow_high_fee": high_fee}
    sent: dict[str, Any] = client.call("sendpayment", psbt, secret, chosen)
    return sent


def with_passphrase(
    arguments: argparse.Namespace, use: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """Do something with the passphrase; a person may mistype it now and then.

    Raises:
        RpcError: what is done with it is refused.
        ConfigError: none was given.
    """
    for left in reversed(range(TRIES if is_asked(arguments) else 1)):
        secret = passphrase(arguments, "Passphrase to sign (empty: do not send): ")
        try:
            return use(secret)
        except RpcError as error:
            if error.code != Code.PASSPHRASE_INCORRECT or not left:
                raise
            say(f"{error}.")
    raise AssertionError("the last try raises or returns")


def _tell(options: WalletOptions, draft: Mapping[str, Any], sent: Mapping[str, Any]) -> int:
    if options.as_json:
        write_json({**sent, **{name: draft[name] for name in draft if name != "psbt"}})
        return 0
    write(f"sent: {sent['txid']}")
    write(spread_line(sent))
    return 0
