"""What the commands of payments between wallets have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axon.cli.walletoptions import WalletOptions
from axon.cli.walletsync import NotInSync, sync
from axon.cli.walletview import say
from axon.host.walletclient import WalletClient


def sync_if_possible(client: WalletClient, options: WalletOptions) -> None:
    """Catch up as far as nodes are in reach: a payment is checked by what is known."""
    try:
        sync(client, options)
    except NotInSync as error:
        say(f"{error}. A payment is checked up to the last block that is known.")


def shown_lines(shown: Mapping[str, Any]) -> list[str]:
    """A verdict: in one sentence, what was shown, and what was not."""
    return [
        f"  {shown['headline']}",
        *[f"    shown: {line}" for line in shown["proved"]],
        *[f"    not shown: {line}" for line in shown["unproved"]],
    ]
