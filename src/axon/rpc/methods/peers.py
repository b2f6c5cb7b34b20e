"""Connections that the operator makes and ends."""

from __future__ import annotations

from typing import Final

from axon.machine import PeerId
from axon.node.commands import AddNode, DialOnce, RemoveNode
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.redial import Target
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.endpoints import parse_endpoint
from axon.rpc.errors import Code, RpcError
from axon.wire.messages import Services

_ADDNODE_USAGE: Final = 'addnode "node" "command" ( v2transport )'
_ADDCONNECTION_USAGE: Final = 'addconnection "address" "connection_type" v2transport'
_FOR_TESTS: Final = {
    kind.value: kind
    for kind in (
        ConnectionType.FULL_RELAY,
        ConnectionType.BLOCK_RELAY,
        ConnectionType.ADDR_FETCH,
        ConnectionType.FEELER,
    )
}


def _speaks_v2(daemon: Daemon) -> bool:
    return bool(daemon.node.services & Services.P2P_V2)


@method("network")
async def addnode(daemon: Daemon, node: str, command: str, v2transport: bool | None = None) -> Json:
    """Attempts to add or remove a node from the addnode list.
    Or try a connection to a node once.

    Nodes added using addnode (or -connect) are protected from DoS disconnection.

    Args:
        node: The address of the peer to connect to
        command: 'add' to add a node to the list, 'remove' to remove a node from the list,
            'onetry' to try a connection to the node once
        v2transport: Attempt to connect using BIP324 v2 transport protocol

    Returns:
        null    (json null)
    """
    if command not in ("add", "remove", "onetry"):
        raise RpcError(Code.MISC, _ADDNODE_USAGE)
    able = _speaks_v2(daemon)
    v2 = able if v2transport is None else v2transport
    if v2 and not able:
        message = "Error: v2transport requested but not enabled (see -v2transport)"
        raise RpcError(Code.PARAMETER, message)
    if command == "remove":
        if not await daemon.command(RemoveNode(node)):
            message = "Error: Node could not be removed. It has not been added previously."
            raise RpcError(Code.NODE_NOT_ADDED, message)
        return None
    endpoint = parse_endpoint(node, daemon.node.network.port)
    if command == "onetry":
        await daemon.command(DialOnce(endpoint, ConnectionType.MANUAL, v2))
    elif not await daemon.command(AddNode(Target(node, endpoint, v2))):
        raise RpcError(Code.NODE_ALREADY_ADDED, "Error: Node already added")
    return None


@method("testing")
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
    if v2transport and not _speaks_v2(daemon):
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
