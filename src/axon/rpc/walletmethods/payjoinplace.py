"""Where wallets of others ask this one for payjoins over HTTP (BIP 78), as its invoices say it."""

from __future__ import annotations

from dataclasses import replace

from axon.errors import ConfigError
from axon.machine import Endpoint, EndpointError
from axon.payments.invoice import Invoice
from axon.payments.payjoinurl import BadUrl, is_loopback, parse_payjoin_url
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.wallet.paymenturi import format_payment_uri, parse_payment_uri


def read_payjoin_place(place: str, url: str | None) -> Endpoint:
    """Where offers over HTTP are to be listened for.

    Args:
        place: address and port of this machine.
        url: how others reach it; None for this machine alone.

    Raises:
        RpcError: this is no place of this machine, or no sender would use this URL.
    """
    try:
        endpoint = Endpoint.parse(place, 0)
        parse_payjoin_url(url or "http://127.0.0.1")
    except EndpointError as error:
        raise RpcError(Code.PARAMETER, str(error)) from None
    except BadUrl as error:
        raise RpcError(Code.MISC, str(error)) from None
    if not is_loopback(endpoint.host):
        raise RpcError(
            Code.MISC, "payjoins are offered on this machine: put TLS or Tor before that port"
        )
    return endpoint


async def listen_for_payjoins(daemon: WalletDaemon, place: str, url: str | None) -> None:
    """Take offers over HTTP, and name the place in invoices from now on.

    Args:
        place: address and port of this machine; what the first call says holds.
        url: how others reach it; None for this machine alone.

    Raises:
        RpcError: as `read_payjoin_place`, or the system refuses.
    """
    endpoint = read_payjoin_place(place, url)
    if daemon.payjoin_http is None:
        try:
            daemon.payjoin_http = await daemon.listen_payjoin(endpoint)
        except ConfigError as error:
            raise RpcError(Code.MISC, str(error)) from None
    daemon.payjoin_url = (url or f"http://{daemon.payjoin_http}").rstrip("/")


def uri_of(daemon: WalletDaemon, invoice: Invoice) -> str:
    """What a payer gets. The place is not signed: wallets that use it know no such signature."""
    uri = invoice.to_uri()
    if not daemon.payjoin_url:
        return uri
    place = f"{daemon.payjoin_url}/pj/{invoice.id.hex()}"
    return format_payment_uri(replace(parse_payment_uri(uri), payjoin=place))
