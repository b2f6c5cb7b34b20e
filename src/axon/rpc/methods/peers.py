"""Connections that the operator makes and ends."""

from __future__ import annotations

from typing import Final

from axon.machine import PeerId
from axon.node.commands import DialOnce, SendAsItStands
from axon.p2p.connectiontype import ConnectionType
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.endpoints import parse_endpoint
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import unhex
from axon.wire.messages import Services, Unknown
from axon.wire.transport import MAX_COMMAND_SIZE

_ADDCONNECTION_USAGE: Final = 'addconnection "address" "connection_type" v2transport'

MAX_SENT_BYTES: Final = 16_000_000
"""A packet of BIP 324 has room for no more; no peer takes a quarter of it."""

_FOR_TESTS: Final = {
    kind.value: kind
    for kind in (
        ConnectionType.FULL_RELAY,
        ConnectionType.BLOCK_RELAY,
        ConnectionType.ADDR_FETCH,
        ConnectionType.FEELER,
    )
}


@method("hidden")
async def addconnection(
    daemon: Daemon, address: str, connection_type: str, v2transport: bool
) -> Json:
    """Open an outbound connection to a specified node. This RPC is for testing only.

    Args:
        address: The IP address and port to attempt connecting to.
        connection_type: Type of connection to open ("outbound-full-relay", "block-relay-only",
            "addr-fetch" or "feeler").
        v2transport: Attempt to connect using BIP324 v2 transport protocol

    Returns:
        {                              (json object)
          "address" : "str",           (string) Address of newly added connection.
          "connection_type" : "str"    (string) Type of connection opened.
        }
    """
    if not daemon.node.network.is_test:
        message = "addconnection is for regression testing (-regtest mode) only."
        raise RpcError(Code.MISC, message)
    name = connection_type.strip()
    kind = _FOR_TESTS.get(name)
    if kind is None:
        raise RpcError(Code.PARAMETER, _ADDCONNECTION_USAGE)
    if v2transport and not daemon.node.services & Services.P2P_V2:
        raise RpcError(
            Code.PARAMETER,
            "Error: Adding v2transport connections requires -v2transport init flag to be set.",
        )
    endpoint = parse_endpoint(address, daemon.node.network.port)
    if not daemon.node.links.connections.has_room(kind):
        message = "Error: Already at capacity for specified connection type."
        raise RpcError(Code.NO_SLOT, message)
    await daemon.command(DialOnce(endpoint, kind, v2transport))
    return {"address": address, "connection_type": name}


@method("hidden")
async def sendmsgtopeer(daemon: Daemon, peer_id: int, msg_type: str, msg: str) -> Json:
    """Send a p2p message to a peer. This RPC is for testing only.

    The message goes out as it stands, with the header that belongs to it.

    Args:
        peer_id: The peer to send it to (see getpeerinfo for peer ids)
        msg_type: The message type (at most 12 ASCII characters)
        msg: The hex-encoded payload, without a header

    Returns:
        {    (json object) empty
        }
    """
    if len(msg_type.encode()) > MAX_COMMAND_SIZE:
        raise RpcError(
            Code.PARAMETER, f"Error: msg_type too long, max length is {MAX_COMMAND_SIZE}"
        )
    if not msg_type.isascii():
        raise RpcError(Code.PARAMETER, "Error: msg_type has to be ASCII")
    payload = unhex(msg)
    if payload is None:
        raise RpcError(Code.PARAMETER, "Error parsing input for msg")
    if len(payload) > MAX_SENT_BYTES:
        raise RpcError(Code.PARAMETER, f"Error: msg too long, max length is {MAX_SENT_BYTES} bytes")
    if not await daemon.command(SendAsItStands(PeerId(peer_id), Unknown(msg_type, payload))):
        raise RpcError(Code.MISC, "Error: Could not send message to peer")
    return {}


@method("network")
def getaddednodeinfo(daemon: Daemon, node: str | None = None) -> Json:
    """Returns information about the given added node, or all added nodes
    (note that onetry addnodes are not listed here).

    Args:
        node: If provided, return information about this specific node, otherwise all nodes are
            returned.

    Returns:
        [                                (json array)
          {                              (json object)
            "addednode" : "str",         (string) The node IP address or name
            "connected" : true|false,    (boolean) If connected
            "addresses" : [              (json array) Only when connected = true
              {                          (json object)
                "address" : "str",       (string) The server IP and port we're connected to
                "connected" : "str"      (string) connection, inbound or outbound
              },
              ...
            ]
          },
          ...
        ]
    """
    added = daemon.node.links.connections.added_nodes()
    if node is not None:
        added = [item for item in added if item.target.name == node]
        if not added:
            raise RpcError(Code.NODE_NOT_ADDED, "Error: Node has not been added.")
    return [_added_json(daemon, item.target.name, item.peer) for item in added]


def _added_json(daemon: Daemon, name: str, peer: PeerId | None) -> dict[str, Json]:
    session = None if peer is None else daemon.node.sessions.get(peer)
    addresses: list[Json] = []
    if session is not None:
        direction = "inbound" if session.inbound else "outbound"
        addresses.append({"address": str(session.remote), "connected": direction})
    return {"addednode": name, "connected": session is not None, "addresses": addresses}
