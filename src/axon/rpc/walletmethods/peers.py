"""The nodes that serve the wallet."""

from __future__ import annotations

from axon.machine import SECOND
from axon.node.session import Session
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.shapes.peers import network_name, services_names
from axon.rpc.walletdaemon import WalletDaemon
from axon.wire.messages import Services


@method("network")
def getpeerinfo(daemon: WalletDaemon) -> Json:
    """Returns data about each connected node.

    Returns:
        [                                 (json array)
          {                               (json object)
            "id" : n,                     (numeric) Peer index
            "addr" : "str",               (string) (host:port) The IP address/hostname and port
            "network" : "str",            (string) Network (ipv4, ipv6, onion, i2p, cjdns,
                                          not_publicly_routable)
            "services" : "hex",           (string) The services offered
            "servicesnames" : [ "str", ... ],  (json array) the services offered, by name
            "version" : n,                (numeric) The protocol version; 0 before the handshake
            "subver" : "str",             (string) The user agent
            "conntime" : xxx,             (numeric) The UNIX epoch time of the connection
            "bytessent" : n,              (numeric) The total bytes sent
            "bytesrecv" : n,              (numeric) The total bytes received
            "pingtime" : n,               (numeric, optional) The last ping time in seconds
            "synced_headers" : n,         (numeric) The last header we have in common; -1 for none
            "headers_told" : true|false,  (boolean) Whether it was asked for headers and has no more
                                          for us
            "behind" : n,                 (numeric, optional) The height of its chain, of which it
                                          claims no more, where that has less work than ours
            "filters" : "str",            (string) agrees with our filter headers, open (it is being
                                          asked), or none (it serves none)
            "connection_type" : "str",    (string) Why the connection exists
            "transport_protocol_type" : "str",(string) v1, v2 (encrypted) or detecting
            "session_id" : "str"          (string) The session ID of a v2 connection, or ""
          },
          ...
        ]
    """
    node = daemon.node
    agreed = node.filtersync.state().agreed_peers
    return [
        _peer(daemon, session, session.peer in agreed)
        for _, session in sorted(node.sessions.items())
    ]


def _peer(daemon: WalletDaemon, session: Session, agrees: bool) -> dict[str, Json]:
    node, negotiated, keepalive = daemon.node, session.negotiated, session.keepalive
    services = 0 if negotiated is None else negotiated.services
    shown: dict[str, Json] = {
        "id": session.peer,
        "addr": str(session.remote),
        "network": network_name(session.address, node.settings.connections.lab),
        "services": f"{services:016x}",
        "servicesnames": services_names(services),
        "version": 0 if negotiated is None else negotiated.version,
        "subver": "" if negotiated is None else negotiated.user_agent,
        "conntime": session.opened_at // SECOND,
        "bytessent": session.sent.bytes,
        "bytesrecv": session.received.bytes,
        "synced_headers": node.peer_chains.height(session.peer),
        "headers_told": negotiated is not None and node.headersync.has_told_all(session.peer),
        "filters": _filters(session, agrees),
        "connection_type": session.kind.value,
        "transport_protocol_type": session.transport.name,
        "session_id": session.transport.session_id.hex(),
    }
    behind = node.height_behind(session.peer)
    if behind is not None:
        shown["behind"] = behind
    if keepalive is not None and keepalive.latency_us is not None:
        shown["pingtime"] = keepalive.latency_us / SECOND
    return shown


def _filters(session: Session, agrees: bool) -> str:
    if agrees:
        return "agrees"
    negotiated = session.negotiated
    serves = negotiated is not None and negotiated.services & Services.COMPACT_FILTERS
    return "open" if serves else "none"
