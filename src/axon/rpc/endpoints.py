"""Nodes as callers name them."""

from __future__ import annotations

from axon.machine import MAX_ENDPOINT_SIZE, Endpoint, EndpointError
from axon.rpc.errors import Code, RpcError


def parse_endpoint(text: str, default_port: int) -> Endpoint:
    """The endpoint that a caller names (`Endpoint.parse`).

    Raises:
        RpcError: -8, the text names none.
    """
    try:
        return Endpoint.parse(text, default_port)
    except EndpointError as error:
        shown = text if len(text) <= MAX_ENDPOINT_SIZE else f"{text[:MAX_ENDPOINT_SIZE]}..."
        raise RpcError(Code.PARAMETER, f"Error: Invalid node address: {shown}") from error
