"""Methods of any program, node or wallet: how long it runs, what it does, its connections."""

from __future__ import annotations

from typing import Final

from axon.machine import SECOND, PeerId
from axon.node.commands import AddNode, DialOnce, DisconnectNode, RemoveNode
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.redial import Target
from axon.rpc.amounts import Json
from axon.rpc.context import Context
from axon.rpc.dispatch import method
from axon.rpc.endpoints import parse_endpoint
from axon.rpc.errors import Code, RpcError
from axon.wire.messages import Services

INVALID_PARAMS: Final = -32602
"""JSON-RPC's own number, which Core gives where two parameters exclude each other."""

_ADDNODE_USAGE: Final = 'addnode "node" "command" ( v2transport )'


@method("control")
def uptime(context: Context) -> Json:
    """Returns the total uptime of the server.

    Returns:
        n    (numeric) The number of seconds that the server has been running
    """
    return max(0, context.clock.now() - context.started_at) // SECOND


@method("control")
def getrpcinfo(context: Context) -> Json:
    """Returns details of the RPC server.

    Returns:
        {                          (json object)
          "active_commands" : [    (json array) All active commands
            {                      (json object)
              "method" : "str",    (string) The name of the RPC command
              "duration" : n       (numeric) The running time in microseconds
            },
            ...
          ],
          "logpath" : "str"        (string) The complete file path to the debug log
        }
    """
    return {
        "active_commands": [
            {"method": name, "duration": duration_us} for name, duration_us in context.calls()
        ],
        "logpath": str(context.folder / "debug.log"),
    }


@method("network")
def getconnectioncount(context: Context) -> Json:
    """Returns the number of connections to other nodes.

    Returns:
        n    (numeric) The connection count
    """
    return len(context.node.sessions)


@method("network")
async def addnode(
    context: Context, node: str, command: str, v2transport: bool | None = None
) -> Json:
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
    settings = context.node.settings
    able = bool(settings.services & Services.P2P_V2)
    v2 = able if v2transport is None else v2transport
    if v2 and not able:
        message = "Error: v2transport requested but not enabled (see -v2transport)"
        raise RpcError(Code.PARAMETER, message)
    if command == "remove":
        if not await context.command(RemoveNode(node)):
            message = "Error: Node could not be removed. It has not been added previously."
            raise RpcError(Code.NODE_NOT_ADDED, message)
        return None
    endpoint = parse_endpoint(node, settings.network.port)
    if command == "onetry":
        await context.command(DialOnce(endpoint, ConnectionType.MANUAL, v2))
    elif not await context.command(AddNode(Target(node, endpoint, v2))):
        raise RpcError(Code.NODE_ALREADY_ADDED, "Error: Node already added")
    return None


@method("network")
async def disconnectnode(
    context: Context, address: str | None = None, nodeid: int | None = None
) -> Json:
    """Immediately disconnects from the specified peer node.

    Strictly one out of 'address' and 'nodeid' can be provided to identify the node.

    To disconnect by nodeid, either set 'address' to the empty string, or call using the named
    'nodeid' argument only.

    Args:
        address: The IP address/port of the node
        nodeid: The node ID (see getpeerinfo for node IDs)

    Returns:
        null    (json null)
    """
    if address is not None and nodeid is None:
        peer = _peer_at(context, address)
    elif nodeid is not None and not address:
        peer = PeerId(nodeid)
    else:
        raise RpcError(INVALID_PARAMS, "Only one of address and nodeid should be provided.")
    if peer is None or not await context.command(DisconnectNode(peer)):
        raise RpcError(Code.NODE_NOT_CONNECTED, "Node not found in connected nodes")
    return None


def _peer_at(context: Context, address: str) -> PeerId | None:
    for peer, session in context.node.sessions.items():
        if str(session.remote) == address:
            return peer
    return None
