"""Other wallets, as those that give this one headers and filters, and are given them."""

from __future__ import annotations

from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnerevents import ListPartners, PartnerState, ServePartners
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.direct import listening_at


@method("network")
async def servewallets(daemon: WalletDaemon, listen: str | None = None) -> Json:
    """Serves other wallets until this one is closed: gives them headers, and filters that are kept.
    No passphrase is needed. May be called again, also with another address.

    Args:
        listen: The address and port to listen on, or "onion" for an onion service that Tor makes;
            left out: where it listens already, else this machine alone, any free port

    Returns:
        {                    (json object)
          "listening" : "str",  (string) Where other wallets reach this one
          "partner" : "str"     (string) KEY@HOST:PORT, what they are told with --partner
        }
    """
    endpoint = await listening_at(daemon, listen)
    address = await daemon.command(ServePartners(endpoint))
    assert isinstance(address, PartnerAddress), "a wallet has a key"
    return {"listening": str(endpoint), "partner": str(address)}


@method("network")
async def listpartners(daemon: WalletDaemon) -> Json:
    """Lists the wallets that serve wallets, as far as this one knows them.

    Returns:
        [                       (json array)
          {                       (json object)
            "partner" : "str",      (string) KEY@HOST:PORT
            "named" : true|false,   (boolean) Whether a person named it for this run
            "connected" : true|false,  (boolean) Whether there is a link to it
            "proved" : n,           (numeric) When it last proved its key, seconds since 1970; null
                                    if it was only heard of
            "headers" : n,          (numeric) New headers that it gave on this link
            "filters" : n           (numeric) Filters that it gave on this link
          }, ...
        ]
    """
    found = await daemon.command(ListPartners())
    assert isinstance(found, tuple), "a wallet knows its partners"
    return [_partner(state) for state in found]


def _partner(state: PartnerState) -> Json:
    return {
        "partner": str(state.address),
        "named": state.is_named,
        "connected": state.is_open,
        "proved": state.proved_s or None,
        "headers": state.headers,
        "filters": state.filters,
    }
