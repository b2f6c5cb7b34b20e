"""A full node's settings as its machine takes them: targets, limits, permissions."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from axon.host.reaching import networks_reached
from axon.host.settings import FullNodeSettings, MiningSettings, PeerSettings, fixed_seeds, targets
from axon.machine import SECOND, Endpoint
from axon.mining.template import BlockLimits
from axon.node.settings import NodeSettings
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.requests import address_of
from axon.primitives.netaddress import AddressNetwork, NetAddress


def machine_settings(
    settings: FullNodeSettings,
    anchors: tuple[NetAddress, ...],
    interfaces: tuple[NetAddress, ...] = (),
) -> NodeSettings:
    """What the machine of a full node is told.

    Args:
        anchors: the block relay peers of the last run.
        interfaces: this machine's own addresses, as far as peers may hear of them.
    """
    peers, network = settings.peers, settings.network
    routes = peers.routes
    nets = networks_reached(routes, peers.onlynet, cjdns=peers.cjdns_reachable)
    cjdns = AddressNetwork.CJDNS in nets
    own = [address_of(endpoint, cjdns=cjdns) for endpoint in peers.externalip]
    work = settings.minimum_chainwork
    seeds = network.dns_seeds if peers.dns_seeds is None else peers.dns_seeds
    connections = ConnectionsConfig(
        port=network.port if peers.port is None else peers.port,
        max_connections=peers.max_connections,
        relay_percent=peers.relay_percent,
        connect=None if peers.connect is None else targets(peers.connect),
        added=targets(peers.addnode),
        seed_nodes=peers.seednode,
        dns_seeds=seeds if peers.dnsseed and (routes.dns or routes.names) else (),
        asks_seeds_as_nodes=routes.names is not None,
        force_dns=peers.forcednsseed,
        fixed_seeds=fixed_seeds(network) if peers.fixedseeds else (),
        anchors=anchors,
        reachable=nets,
        is_proxied=routes.is_proxied,
        v2=peers.v2_transport,
        v2_only_clearnet=peers.v2_only_clearnet,
        lab=peers.lab,
    )
    return NodeSettings(
        network=network,
        connections=connections,
        user_agent=peers.user_agent,
        listen_port=peers.binds[0].endpoint.port if peers.binds else None,
        own_addresses=tuple(address for address in own if address is not None),
        interface_addresses=interfaces,
        discover=peers.discovers,
        onion_binds=frozenset(bind.endpoint for bind in peers.binds if bind.onion),
        serve_filters=peers.serve_filters and settings.filter_index,
        private_broadcast=peers.private_broadcast,
        serve_bloom=peers.serve_bloom,
        announce_pool=peers.announce_pool,
        tx_send_rate=peers.tx_send_rate,
        stale_tips=peers.stale_tips,
        blocks_only=peers.blocks_only,
        prune_target_bytes=settings.prune_target_bytes,
        max_upload_bytes=peers.max_upload_bytes,
        ban_time_s=peers.bantime_s,
        max_tip_age_s=settings.max_tip_age_s,
        minimum_chainwork=network.minimum_chainwork if work is None else work,
        peer_timeout=peers.peer_timeout_s * SECOND,
        limits=_limits(settings.mining),
        extra_transactions=peers.extra_transactions,
        notifies=bool(settings.zmq),
        permissions=_permissions(peers),
    )


def _limits(mining: MiningSettings) -> BlockLimits:
    return BlockLimits(
        mining.max_weight_wu,
        mining.reserved_weight_wu,
        mining.min_feerate_sat_kvb,
        mining.version,
    )


def _permissions(peers: PeerSettings) -> Callable[[Endpoint, Endpoint, bool], frozenset[str]]:
    """What the operator allows a connection, by where it comes from and where it arrives."""
    bound = {bind.endpoint: bind.permissions for bind in peers.binds if bind.permissions}

    def permissions(remote: Endpoint, local: Endpoint, inbound: bool) -> frozenset[str]:
        granted = bound.get(local, frozenset()) if inbound else frozenset()
        try:
            address = ipaddress.ip_address(remote.host)
        except ValueError:
            return granted
        for entry in peers.whitelist:
            if (entry.inbound if inbound else entry.outbound) and address in entry.network:
                granted |= entry.permissions
        return granted

    return permissions
