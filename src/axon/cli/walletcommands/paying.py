"""`send`: a payment is shown in full before the passphrase is asked for."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from axon.cli.arguments import UsageError
from axon.cli.walletaccess import opened
from axon.cli.walletdelivery import EXIT_CODES, EXIT_TEXT, tell_sent
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletsecrets import add_passphrase_options, is_asked, passphrase
from axon.cli.walletsync import sync
from axon.cli.walletview import agrees, draft_lines, say, write, write_json
from axon.errors import ConfigError
from axon.host.walletclient import WalletClient
from axon.payments.invoice import Invoice, invoice_from_uri
from axon.payments.invoice import verify as verify_invoice
from axon.rpc.amounts import Amount
from axon.rpc.errors import Code, RpcError
from axon.wallet.amounts import parse_amount
from axon.wallet.draft import ASK_FEE_PERCENT, ASK_FEE_SAT
from axon.wallet.errors import BadAmount
from axon.wallet.payment import ALL, address_script
from axon.wallet.paymenturi import PaymentUri, check_amount, parse_payment_uri

SPREAD_S: Final = 30.0
"""For so long a payment that is brought out is watched: nodes announce every few seconds, and the
way back may lead over several."""

TRIES: Final = 3
"""A wrong passphrase is asked for again."""


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    send = add("send", _send, "pay somebody", more=f"Pay somebody. {EXIT_TEXT}")
    add_payee(send)
    add_fee_options(send)
    add_yes(send)
    add_passphrase_options(send)
    send.add_argument(
        "--label", metavar="TEXT", help="what the payment is for (default: what its URI says)"
    )


def add_payee(parser: argparse.ArgumentParser) -> None:
    """Add who is paid, and how much."""
    parser.add_argument(
        "address", metavar="ADDRESS", help="who is paid, or a payment URI: 'bitcoin:...' (BIP 21)"
    )
    parser.add_argument(
        "amount",
        nargs="*",
        metavar="AMOUNT",
        help="such as '0.5 BTC' or '50000 sat', as one word or two; or all; not needed where the "
        "URI names it",
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
    add_high_fee(parser)


def add_high_fee(parser: argparse.ArgumentParser) -> None:
    """Add the option that allows absurd fees."""
    parser.add_argument("--allow-high-fee", action="store_true", help="an absurd fee is meant")


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add the option that answers the question about a fee."""
    parser.add_argument(
        "--yes",
        action="store_true",
        help=f"do not ask about a fee above {ASK_FEE_PERCENT} %% of the payment, or above "
        f"{ASK_FEE_SAT} sat",
    )


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


def read_payment(options: WalletOptions) -> tuple[PaymentUri, Amount | str]:
    """Who is paid, and how much or `all`; refuses what is none before anything else is done.

    Raises:
        UsageError: an amount is none, is missing, or is another one than the URI asks for.
        WalletError: the address or payment URI cannot be paid on this network.
    """
    arguments = options.arguments
    asked = invoice_from_uri(arguments.address, options.light.network)
    if isinstance(asked, Invoice):
        verify_invoice(asked, int(time.time()))
    uri = parse_payment_uri(arguments.address, options.light.network)
    address_script(uri.address, options.light.network)
    if arguments.fee is not None:
        read_amount(arguments.fee)
    text = " ".join(arguments.amount)
    if not text:
        if uri.amount_sat is None:
            raise UsageError(
                "how much? Write the amount behind the address, such as '0.5 BTC' or '50000 sat';"
                " or all"
            )
        return uri, Amount(uri.amount_sat)
    amount = None if text.lower() == ALL.value else read_amount(text)
    try:
        check_amount(uri, None if amount is None else amount.sat)
    except BadAmount as error:
        raise UsageError(str(error)) from None
    return uri, ALL.value if amount is None else amount


def drafted(
    client: WalletClient, options: WalletOptions, invoice: str | None = None
) -> dict[str, Any]:
    """The payment that a command line asks for, drafted.

    Args:
        invoice: the URI of the one that it is to pay directly.

    Raises:
        UsageError, WalletError: as `read_payment`.
        RpcError: the wallet refuses it.
    """
    arguments = options.arguments
    uri, amount = read_payment(options)
    chosen: dict[str, object] = {"allow_high_fee": arguments.allow_high_fee}
    if arguments.fee_rate is not None:
        chosen["fee_rate"] = arguments.fee_rate
    if arguments.fee is not None:
        chosen["fee"] = read_amount(arguments.fee)
    if arguments.target is not None:
        chosen["conf_target"] = arguments.target
    if arguments.coin is not None:
        chosen["coins"] = arguments.coin
    if invoice is not None:
        chosen["invoice"] = invoice
    made: dict[str, Any] = client.call("draftpayment", {uri.address: amount}, chosen)
    return made


def confirm_fee(arguments: argparse.Namespace, draft: Mapping[str, Any]) -> None:
    """Ask once more about an unusually high fee.

    Raises:
        ConfigError: there is nobody to ask, or the answer is no.
    """
    question: str | None = draft.get("fee_question")
    if question is None or arguments.yes or arguments.allow_high_fee:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{question}: --yes pays it, --fee-rate names a lower one")
    if not agrees(f"{question}. Is it meant?"):
        raise ConfigError("nothing was signed or sent: --fee-rate names a lower fee")


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
    uri, _ = read_payment(options)
    label = uri.note if arguments.label is None else arguments.label
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync(client, options)
        draft = drafted(client, options)
        if uri.note and not options.as_json:
            write(f"  the payment URI says: {uri.note}")
        sent = signed_and_sent(options, client, draft)
        if label:
            client.call("setlabel", sent["txid"], label)
    return tell(options, draft, sent)


def signed_and_sent(
    options: WalletOptions, client: WalletClient, draft: Mapping[str, Any]
) -> dict[str, Any]:
    """Show a payment, ask for the passphrase, send it, and see it spread.

    Raises:
        RpcError: the wallet refuses it.
        ConfigError: nobody agrees to its fee, or no passphrase was given.
    """
    if not options.as_json:
        for line in draft_lines(draft):
            write(line)
    confirm_fee(options.arguments, draft)
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
    arguments: argparse.Namespace,
    use: Callable[[str], dict[str, Any]],
    purpose: str = "to sign (empty: do not send)",
) -> dict[str, Any]:
    """Do something with the passphrase; a person may mistype it now and then.

    Args:
        use: what is done with it.
        purpose: what it is for, and what nothing typed means.

    Raises:
        RpcError: what is done with it is refused.
        ConfigError: none was given.
    """
    for left in reversed(range(TRIES if is_asked(arguments) else 1)):
        secret = passphrase(arguments, f"Passphrase of this wallet's file, {purpose}: ")
        try:
            return use(secret)
        except RpcError as error:
            if error.code != Code.PASSPHRASE_INCORRECT or not left:
                raise
            say(f"{error}.")
    raise AssertionError("the last try raises or returns")


def tell(options: WalletOptions, draft: Mapping[str, Any], sent: Mapping[str, Any]) -> int:
    """Say what became of a payment; the exit code."""
    if options.as_json:
        write_json({**sent, **{name: draft[name] for name in draft if name != "psbt"}})
        return EXIT_CODES.get(sent["delivery"], 0)
    return tell_sent(sent)
