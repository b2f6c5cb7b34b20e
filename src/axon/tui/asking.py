"""How the screens ask the wallet, and what they ask for at each look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from axon.rpc.amounts import Json
from axon.tui.deals import ShownDeal, read_deal
from axon.tui.model import (
    Address,
    Partner,
    Payment,
    Peer,
    ShownBalance,
    ShownCoin,
    Sync,
    read_address,
    read_balance,
    read_coin,
    read_partner,
    read_payment,
    read_peer,
    read_sync,
)

MAX_PAYMENTS: Final = 500
"""The latest ones are shown; a look must stay quick however old the wallet is."""


class Ask(Protocol):
    """Calls a method of the wallet; answers are as `rpc.amounts.decode_json` reads them."""

    async def __call__(self, method: str, /, *args: object, **named: object) -> Json:
        """Call it.

        Raises:
            RpcError: the wallet refuses; the text says why.
            AxonError: any other one means that the wallet does not answer any more.
        """


@dataclass(frozen=True, slots=True)
class View:
    """All that is shown at one moment."""

    balance: ShownBalance
    sync: Sync
    payments: tuple[Payment, ...]
    coins: tuple[ShownCoin, ...]
    addresses: tuple[Address, ...]
    peers: tuple[Peer, ...]
    partners: tuple[Partner, ...]
    deals: tuple[ShownDeal, ...]


async def look(ask: Ask) -> View:
    """All that is to be shown now; raises as `Ask` does."""
    return View(
        sync=read_sync(await ask("getsyncinfo")),
        balance=read_balance(await ask("getbalances")),
        payments=tuple(map(read_payment, await ask("listtransactions", MAX_PAYMENTS))),
        coins=tuple(map(read_coin, await ask("listunspent"))),
        addresses=tuple(map(read_address, await ask("listaddresses"))),
        peers=tuple(map(read_peer, await ask("getpeerinfo"))),
        partners=tuple(map(read_partner, await ask("listpartners"))),
        deals=tuple(map(read_deal, await ask("listdeals", None, MAX_PAYMENTS))),
    )
