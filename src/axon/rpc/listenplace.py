"""Where a wallet is to listen for other wallets, as a person types it.

Commands, screens and methods read it in the same way, and before a passphrase is asked for.
"""

from __future__ import annotations

from typing import Final

from axon.machine import Endpoint, EndpointError
from axon.payments.partneraddress import DEFAULT_PORT
from axon.rpc.errors import Code, RpcError

ONION: Final = "onion"
"""In place of an address: an onion service."""


def read_listen_place(text: str) -> Endpoint | None:
    """An address and port of this machine; None for an onion service.

    Whether the system gives it is found out by listening there.

    Args:
        text: `HOST:PORT`, `HOST` for the usual port, or `onion`.

    Raises:
        RpcError: it is no place.
    """
    if text == ONION:
        return None
    try:
        return Endpoint.parse(text, DEFAULT_PORT)
    except EndpointError as error:
        raise RpcError(Code.PARAMETER, str(error)) from None
