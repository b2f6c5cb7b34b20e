"""Peers, services and addresses as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from axon.machine import SECOND, Instant
from axon.node.peerinfo import PeerInfo
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.rpc.amounts import Amount, Json
from axon.wire.messages import Services

NETWORK_NAMES: Final = {
    AddressNetwork.IPV4: "ipv4",
    AddressNetwork.IPV6: "ipv6",
    AddressNetwork.TORV3: "onion",
    AddressNetwork.I2P: "i2p",
    AddressNetwork.CJDNS: "cjdns",
}
UNROUTABLE: Final = "not_publicly_routable"

PERMISSIONS: Final = (
    "bloomfilter",
    "noban",
    "forcerelay",
    "relay",
    "mempool",
    "download",
    "addr",
)
"""In the order in which they are shown."""

_SERVICE_NAMES: Final = {service.value: service.name for service in Services if service}


def services_names(services: int) -> list[Json]:
    """What is offered, by name; bits that have none are named by their place."""
    return [
        _SERVICE_NAMES.get(1 << bit, f"UNKNOWN[2^{bit}]")
        for bit in range(64)
        if services >> bit & 1
    ]


def network_name(address: NetAddress | None, lab: bool, *, from_onion: bool = False) -> str:
    """The network that an address belongs to, as far as anyone could dial it there.

    Args:
        lab: loopback addresses count as routable.
        from_onion: Tor brought whoever is there.
    """
    if from_onion:
        return NETWORK_NAMES[AddressNetwork.TORV3]
    if address is None or not address.is_routable(lab):
        return UNROUTABLE
    return NETWORK_NAMES[address.network]


def peer_json(info: PeerInfo, lab: bool) -> dict[str, Json]:
    """One entry of `getpeerinfo`."""
    shown: dict[str, Json] = {
        "id": info.peer,
        "addr": str(info.remote),
        "addrbind": str(info.local),
    }
    if info.our_address is not None and info.our_address.is_valid():
        shown["addrlocal"] = str(info.our_address)
    return {
        **shown,
        "network": network_name(info.address, lab, from_onion=info.from_onion),
        **({"mapped_as": info.mapped_as} if info.mapped_as else {}),
        "services": f"{info.services:016x}",
        "servicesnames": services_names(info.services),
        "relaytxes": info.relay.relay,
        "last_inv_sequence": info.relay.last_sequence,
        "inv_to_send": info.relay.queued,
        "lastsend": info.last_sent_at // SECOND,
        "lastrecv": info.last_received_at // SECOND,
        "last_transaction": info.last_transaction_at // SECOND,
        "last_block": info.last_block_at // SECOND,
        "bytessent": info.sent_bytes,
        "bytesrecv": info.received_bytes,
        "conntime": info.opened_at // SECOND,
        "timeoffset": info.time_offset_s,
        **_times("pingtime", info.latency_us),
        **_times("minping", info.min_latency_us),
        **_times("pingwait", info.waiting_us or None),
        "version": info.version,
        "subver": info.user_agent,
        "inbound": not info.kind.is_outbound,
        "bip152_hb_to": info.gives_high_bandwidth,
        "bip152_hb_from": info.wants_high_bandwidth,
        "presynced_headers": info.presynced_headers,
        "synced_headers": info.synced_headers,
        "synced_blocks": info.synced_blocks,
        "inflight": list(info.in_flight_heights),
        "addr_relay_enabled": info.gossip.relay_enabled,
        "addr_processed": info.gossip.processed,
        "addr_rate_limited": info.gossip.rate_limited,
        "permissions": [name for name in PERMISSIONS if name in info.permissions],
        "minfeefilter": Amount(info.relay.min_feerate_sat_kvb),
        "bytessent_per_msg": _by_name(info.sent_by_command),
        "bytesrecv_per_msg": _by_name(info.received_by_command),
        "connection_type": info.kind.value,
        "transport_protocol_type": info.transport,
        "session_id": info.session_id.hex(),
    }


def _times(name: str, duration_us: Instant | None) -> dict[str, Json]:
    return {} if duration_us is None else {name: duration_us / SECOND}


def _by_name(counted: Mapping[str, int]) -> dict[str, Json]:
    return {name: counted[name] for name in sorted(counted)}
