"""Nodes as callers name them."""

from __future__ import annotations

from axon.machine import Endpoint
from axon.rpc.errors import Code, RpcError


def parse_endpoint(text: str, default_port: int) -> Endpoint:
    """`host`, `host:port`, `[IPv6]:port` or an IPv6 address; the usual port if none is named.

    Raises:
        RpcError: -8, it is none of these.
    """
    host, port = text, str(default_port)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    usable = port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16
    if not host or not usable or any(sign.isspace() for sign in host):
        raise RpcError(Code.PARAMETER, f"Error: Invalid node address: {text}")
    return Endpoint(host, int(port))
