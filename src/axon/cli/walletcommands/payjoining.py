"""`pay` of a URI of another program: joined by its payee over HTTP (BIP 78), or sent as it is."""

from __future__ import annotations

from typing import Any

from axon.cli.walletaccess import opened
from axon.cli.walletcommands.paying import (
    SPREAD_S,
    confirm_fee,
    drafted,
    refuse_watch_only,
    send_out,
    tell,
    with_passphrase,
)
from axon.cli.walletoptions import WalletOptions
from axon.cli.walletsync import sync
from axon.cli.walletview import draft_lines, say, write
from axon.host.walletclient import WalletClient


def pay_with_payjoin(options: WalletOptions) -> int:
    """Pay a URI with `pj=` in it; the exit code is that of `send`."""
    arguments = options.arguments
    with opened(options) as client:
        refuse_watch_only(client, options.name)
        sync(client, options)
        draft = drafted(client, options)
        if not options.as_json:
            for line in draft_lines(draft):
                write(line)
        confirm_fee(arguments, draft)
        if not arguments.no_payjoin:
            say("Asking the payee to join the payment; where he does not it is sent as it is.")
        sent = with_passphrase(
            arguments, lambda secret: _sent(options, client, draft["psbt"], secret)
        )
    if sent.get("joined") and not options.as_json:
        write("It was joined with a coin of the payee.")
    elif sent.get("why") and not options.as_json:
        write(f"Not joined, and sent as it is: {sent['why']}.")
    return tell(options, draft, sent)


def _sent(options: WalletOptions, client: WalletClient, psbt: str, secret: str) -> dict[str, Any]:
    arguments = options.arguments
    if arguments.no_payjoin:
        return send_out(client, psbt, secret, arguments.allow_high_fee)
    chosen = {"wait": int(SPREAD_S * 1_000), "allow_high_fee": arguments.allow_high_fee}
    sent: dict[str, Any] = client.call("payjoinpayment", arguments.address, psbt, secret, chosen)
    return sent
