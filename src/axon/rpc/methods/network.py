"""Questions about the network: who is connected, what was exchanged, whether it is switched on."""

from __future__ import annotations

from statistics import median_high
from time import time_ns
from typing import Final

from axon.machine import MILLISECOND, SECOND
from axon.node.commands import PingAll, SetNetworkActive
from axon.node.peerinfo import peer_info
from axon.p2p.uploadtarget import UPLOAD_CYCLE
from axon.rpc.amounts import Amount, Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.shapes.peers import NETWORK_NAMES, peer_json, services_names
from axon.rpc.version import COMPATIBLE_VERSION
from axon.wire.messages.handshake import PROTOCOL_VERSION

ENOUGH_CLOCKS: Final = 5
"""From fewer peers nothing is concluded about our clock."""


@method("network")
async def ping(daemon: Daemon) -> Json:
    """Requests that a ping be sent to all other nodes, to measure ping time.

    Results are provided in getpeerinfo.

    Returns:
        null    (json null)
    """
    await daemon.command(PingAll())
    return None


@method("network")
def getpeerinfo(daemon: Daemon) -> Json:
    """Returns data about each connected network peer as a json array of objects.

    Returns:
        [                                     (json array)
          {                                   (json object)
            "id" : n,                         (numeric) Peer index
            "addr" : "str",                   (string) (host:port) The peer's address
            "addrbind" : "str",               (string) (ip:port) Our end of the connection
            "addrlocal" : "str",              (string, optional) (ip:port) Our end as it sees it
            "network" : "str",                (string) ipv4, ipv6, onion, i2p, cjdns, or
                                              not_publicly_routable
            "mapped_as" : n,                  (numeric, optional) Its autonomous system, by -asmap
            "services" : "hex",               (string) The services offered
            "servicesnames" : [ "str", ... ], (json array) the same by name
            "relaytxes" : true|false,         (boolean) Whether it wants transactions announced
            "last_inv_sequence" : n,          (numeric) Mempool sequence at our last announcement
            "inv_to_send" : n,                (numeric) Transactions that wait to be announced
            "lastsend" : xxx,                 (numeric) UNIX time of the last send
            "lastrecv" : xxx,                 (numeric) UNIX time of the last receive
            "last_transaction" : xxx,         (numeric) of its last transaction that was accepted
            "last_block" : xxx,               (numeric) of its last block that was new
            "bytessent" : n,                  (numeric) The total bytes sent
            "bytesrecv" : n,                  (numeric) The total bytes received
            "conntime" : xxx,                 (numeric) UNIX time of the connection
            "timeoffset" : n,                 (numeric) Its clock minus ours, in seconds
            "pingtime" : n,                   (numeric, optional) The last ping time in seconds
            "minping" : n,                    (numeric, optional) The shortest in seconds
            "pingwait" : n,                   (numeric, optional) The ping under way, in seconds
            "version" : n,                    (numeric) The protocol version, such as 70017
            "subver" : "str",                 (string) The user agent
            "inbound" : true|false,           (boolean) Inbound (true) or Outbound (false)
            "bip152_hb_to" : true|false,      (boolean) We want its compact blocks unasked
            "bip152_hb_from" : true|false,    (boolean) It wants ours unasked
            "presynced_headers" : n,          (numeric) Height of the first reading of its chain,
                                              or -1
            "synced_headers" : n,             (numeric) The last header we have in common
            "synced_blocks" : n,              (numeric) The last block we have in common
            "inflight" : [ n, ... ],          (json array) Heights of blocks asked of it
            "addr_relay_enabled" : true|false,(boolean) Whether we gossip addresses with it
            "addr_processed" : n,             (numeric) Addresses processed
            "addr_rate_limited" : n,          (numeric) Addresses dropped by the rate limit
            "permissions" : [ "str", ... ],   (json array) Any special permissions
            "minfeefilter" : n,               (numeric) The minimum feerate it asks for, in BTC/kvB
            "bytessent_per_msg" : {...},      (json object) Bytes sent by message type
            "bytesrecv_per_msg" : {...},      (json object) Bytes received by message type
            "connection_type" : "str",        (string) Why the connection exists
            "transport_protocol_type" : "str",(string) v1, v2 or detecting
            "session_id" : "str"              (string) The session ID of a v2 connection, or ""
          },
          ...
        ]
    """
    node, now = daemon.node, daemon.clock.now()
    lab = node.settings.connections.lab
    infos = [peer_info(node, session, now) for _, session in sorted(node.sessions.items())]
    return [peer_json(info, lab) for info in infos]


@method("network")
def getnettotals(daemon: Daemon) -> Json:
    """Returns information about network traffic, including bytes in, bytes out,
    and current system time.

    Returns:
        {                                            (json object)
          "totalbytesrecv" : n,                      (numeric) Total bytes received
          "totalbytessent" : n,                      (numeric) Total bytes sent
          "timemillis" : xxx,                        (numeric) Current time in milliseconds
          "uploadtarget" : {                         (json object)
            "timeframe" : n,                         (numeric) Length of the cycle in seconds
            "target" : n,                            (numeric) Target in bytes
            "target_reached" : true|false,           (boolean) True if target is reached
            "serve_historical_blocks" : true|false,  (boolean) True if serving old blocks
            "bytes_left_in_cycle" : n,               (numeric) Bytes left in this cycle
            "time_left_in_cycle" : n                 (numeric) Seconds left in this cycle
          }
        }
    """
    received, sent = daemon.traffic()
    upload, now = daemon.node.upload, daemon.clock.now()
    wall_us = time_ns() // 1_000  # The system's, whatever time is mocked.
    return {
        "totalbytesrecv": received,
        "totalbytessent": sent,
        "timemillis": wall_us // MILLISECOND,
        "uploadtarget": {
            "timeframe": UPLOAD_CYCLE // SECOND,
            "target": upload.limit_bytes,
            "target_reached": upload.is_reached(now, historical=False),
            "serve_historical_blocks": not upload.is_reached(now, historical=True),
            "bytes_left_in_cycle": upload.left_bytes(),
            "time_left_in_cycle": upload.left_us(now) // SECOND,
        },
    }


@method("network")
def getnetworkinfo(daemon: Daemon) -> Json:
    """Returns an object containing various state info regarding P2P networking.

    Returns:
        {                                     (json object)
          "version" : n,                      (numeric) the version of Bitcoin Core whose
                                              interface this is
          "subversion" : "str",               (string) our user agent
          "protocolversion" : n,              (numeric) the protocol version
          "localservices" : "hex",            (string) the services we offer
          "localservicesnames" : [ "str", ... ], (json array) the same by name
          "localrelay" : true|false,          (boolean) true if we want transactions of peers
          "timeoffset" : n,                   (numeric) the time offset
          "networkactive" : true|false,       (boolean) whether p2p networking is enabled
          "connections" : n,                  (numeric) the total number of connections
          "connections_in" : n,               (numeric) the number of inbound connections
          "connections_out" : n,              (numeric) the number of outbound connections
          "networks" : [ {...}, ... ],        (json array) information per network
          "relayfee" : n,                     (numeric) minimum relay feerate in BTC/kvB
          "incrementalfee" : n,               (numeric) increment of replacement in BTC/kvB
          "localaddresses" : [ {...}, ... ],  (json array) list of local addresses
          "warnings" : [ "str", ... ]         (json array) any network and blockchain warnings
        }
    """
    node = daemon.node
    settings, policy = node.settings, node.pool.policy
    total = len(node.sessions)
    inbound = sum(session.inbound for session in node.sessions.values())
    return {
        "version": COMPATIBLE_VERSION,
        "subversion": settings.user_agent,
        "protocolversion": PROTOCOL_VERSION,
        "localservices": f"{node.services:016x}",
        "localservicesnames": services_names(node.services),
        "localrelay": not settings.blocks_only,
        "timeoffset": _time_offset_s(daemon),
        "networkactive": node.links.connections.is_active,
        "connections": total,
        "connections_in": inbound,
        "connections_out": total - inbound,
        "networks": _networks(daemon),
        "relayfee": Amount(policy.min_relay_feerate_sat_kvb),
        "incrementalfee": Amount(policy.incremental_feerate_sat_kvb),
        "localaddresses": [
            {"address": own.to_text(), "port": own.port, "score": score}
            for own, score in node.links.presence.own.items()
        ],
        "warnings": daemon.warnings.to_json(),
    }


def _time_offset_s(daemon: Daemon) -> int:
    """The median of what the clocks of outbound peers say beyond ours."""
    offsets = [
        session.negotiated.time_offset_s
        for session in daemon.node.sessions.values()
        if session.negotiated is not None and not session.inbound
    ]
    return median_high(offsets) if len(offsets) >= ENOUGH_CLOCKS else 0


def _networks(daemon: Daemon) -> list[Json]:
    reachable = daemon.node.links.presence.reachable
    shown: list[Json] = []
    for network, name in NETWORK_NAMES.items():
        proxy = daemon.proxy_of(network)
        shown.append(
            {
                "name": name,
                "limited": network not in reachable,
                "reachable": network in reachable,
                "proxy": "" if proxy is None else str(proxy),
                "proxy_randomize_credentials": proxy is not None and proxy.isolates,
            }
        )
    return shown


@method("network")
async def setnetworkactive(daemon: Daemon, state: bool) -> Json:
    """Disable/enable all p2p network activity.

    Args:
        state: true to enable networking, false to disable

    Returns:
        true|false    (boolean) The value that was passed in
    """
    return await daemon.command(SetNetworkActive(state))
