"""How many connections a node has of each kind, and what the operator decided about them.

The figures are Bitcoin Core's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.machine import Endpoint
from axon.p2p.redial import Target
from axon.primitives.netaddress import AddressNetwork, NetAddress

MAX_FULL_RELAY: Final = 8
MAX_BLOCK_RELAY: Final = 2
MAX_FEELERS: Final = 1
MAX_ADDED: Final = 8
"""How many of the operator's `addnode` peers are connected at a time."""
MAX_FETCHES: Final = 2
DEFAULT_MAX_CONNECTIONS: Final = 200
DEFAULT_RELAY_PERCENT: Final = 50
"""Of the inbound peers so many may want transactions, which cost far more than blocks do."""


@dataclass(frozen=True, slots=True)
class ConnectionsConfig:
    """What the operator decided about connections.

    Args:
        port: default of the network, for what DNS seeds answer.
        max_connections: of all kinds but manual ones (`-maxconnections`).
        relay_percent: of the inbound ones so many may have transactions (`-inboundrelaypercent`).
        connect: the only peers to dial (`-connect`); empty for none, None for automatic ones.
        added: peers to dial besides (`-addnode`).
        seed_nodes: nodes to ask for addresses (`-seednode`).
        dns_seeds: names to look up; empty with `-dnsseed=0`.
        asks_seeds_as_nodes: the seeds' names are dialled for addresses and not looked up, since
            only a proxy may look names up.
        force_dns: look them up even where addresses are known (`-forcednsseed`).
        fixed_seeds: the last resort; empty with `-fixedseeds=0`.
        anchors: block relay peers of the last run, from `anchors.dat`.
        reachable: networks on which we dial of our own accord (`-onlynet`, `-cjdnsreachable`).
        v2: we speak the encrypted transport (`-v2transport`).
        v2_only_clearnet: and on IPv4 and IPv6 no other (`-v2onlyclearnet`).
        lab: loopback addresses count as routable.
        needs: services that peers of our choice must offer, beside those of blocks.
        is_proxied: IPv4 or IPv6 are dialled through a proxy.
        tor_is_trusted: the proxy to Tor need not prove that it is one before IPv4 and IPv6 peers
            are dialled through it privately: all of our connections go through it anyway.
        impatient: peers that the operator named are dialled every few seconds, not minutes.
    """

    port: int
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    relay_percent: int = DEFAULT_RELAY_PERCENT
    connect: tuple[Target, ...] | None = None
    added: tuple[Target, ...] = ()
    seed_nodes: tuple[Endpoint, ...] = ()
    dns_seeds: tuple[str, ...] = ()
    asks_seeds_as_nodes: bool = False
    force_dns: bool = False
    fixed_seeds: tuple[NetAddress, ...] = ()
    anchors: tuple[NetAddress, ...] = ()
    reachable: frozenset[AddressNetwork] = frozenset(AddressNetwork)
    v2: bool = True
    v2_only_clearnet: bool = False
    lab: bool = False
    needs: int = 0
    is_proxied: bool = False
    tor_is_trusted: bool = False
    impatient: bool = False

    @property
    def cjdns(self) -> bool:
        """Whether CJDNS is reached, so that fc00::/8 is that network (`-cjdnsreachable`)."""
        return AddressNetwork.CJDNS in self.reachable

    def requires_v2(self, address: NetAddress | None) -> bool:
        """Whether a connection has to be encrypted (`-v2onlyclearnet`).

        Args:
            address: the peer's; None where it has a name only, which leads to any network.
        """
        return self.v2_only_clearnet and (address is None or address.fits_v1)

    @property
    def max_full_relay(self) -> int:
        """Full relay peers to keep."""
        return min(MAX_FULL_RELAY, self.max_connections)

    @property
    def max_block_relay(self) -> int:
        """Block relay peers to keep."""
        return min(MAX_BLOCK_RELAY, self.max_connections - self.max_full_relay)

    @property
    def max_inbound(self) -> int:
        """What is left for those who dial us."""
        outbound = self.max_full_relay + self.max_block_relay + MAX_FEELERS
        return max(0, self.max_connections - outbound)

    @property
    def max_inbound_relay(self) -> int:
        """Of those so many may have transactions; one at least, where any may."""
        share = self.max_inbound * self.relay_percent
        return share // 100 or min(1, share)
