"""Where the first addresses come from, when none or too few are known.

In this order, as in Bitcoin Core: the operator's seed nodes, which are asked by an addr-fetch
connection; DNS seeds, at once if the table is bare, else only if the addresses known do not lead to
peers within seconds; and after a minute with nothing the fixed seeds that come with the program. A
seed sees who asks and could answer with liars only, so it is the last resort, not the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from axon.machine import DAY, MINUTE, SECOND, Endpoint, Instant
from axon.p2p.addrman import AddrMan
from axon.p2p.addrplacement import named_source
from axon.p2p.requests import ResolveRequest
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.wire.messages import Services

SEEDS_AT_ONCE: Final = 3
"""So many DNS seeds are asked before we look whether that was enough."""
FEW_DELAY: Final = 11 * SECOND
MANY_DELAY: Final = 5 * MINUTE
MANY_ADDRESSES: Final = 1000
"""Who knows so many addresses gives them five minutes before a seed is asked."""
ENOUGH_PEERS: Final = 2
"""With so many full relay peers no seed is needed."""
SEED_NODE_DELAY: Final = 30 * SECOND
FIXED_DELAY: Final = 60 * SECOND
MAX_PER_SEED: Final = 32
"""No seed fills more of the table than this."""

FIXED_SEEDS: Final = "fixed seeds"
"""The name under which addresses of the fixed seeds are filed (`addrplacement.named_source`)."""

_SEED_SERVICES: Final = Services.NETWORK | Services.WITNESS


class Seeding:
    """The sources of first addresses of one node.

    Args:
        addrman: takes them.
        seed_nodes: the operator's.
        dns_seeds: names; empty where DNS is not to be asked.
        as_nodes: they are dialled for addresses and not looked up: a proxy alone may look names up.
        fixed_seeds: addresses; empty where they are not to be used.
        force_dns: ask the DNS seeds whatever is known.
        has_targets: the operator named peers to connect to.
        port: of the addresses behind DNS seeds.
        needs: services that a seed's nodes must offer, beside those of blocks.
        rng: the order of seeds and the age given to their addresses.
        now: the start.
    """

    def __init__(
        self,
        addrman: AddrMan,
        seed_nodes: tuple[Endpoint, ...],
        dns_seeds: tuple[str, ...],
        as_nodes: bool,
        fixed_seeds: tuple[NetAddress, ...],
        force_dns: bool,
        has_targets: bool,
        port: int,
        needs: int,
        rng: Random,
        now: Instant,
    ) -> None:
        self._addrman = addrman
        self._rng = rng
        self._port = port
        self._as_nodes = as_nodes
        services = int(_SEED_SERVICES) | needs
        # Asked as this subdomain, a seed answers with nodes that offer these services.
        self._label = f"x{services:x}."
        # Most speak the encrypted transport; one that does not is dialled again without.
        self._services = services | int(Services.P2P_V2)
        self._seed_nodes = seed_nodes
        self._fixed_seeds = fixed_seeds
        self._names = rng.sample(dns_seeds, len(dns_seeds))
        bare = not len(addrman)
        self._ask_all = force_dns or bare
        self._pause = MANY_DELAY if len(addrman) >= MANY_ADDRESSES else FEW_DELAY
        self._dns_at = now if self._ask_all else now + self._pause
        self._nodes_at = now if bare else now + SEED_NODE_DELAY
        alone = not (dns_seeds or seed_nodes or has_targets)
        self._fixed_at = now if alone else now + FIXED_DELAY
        self._asked: dict[str, str] = {}  # Host looked up -> the seed's own name.
        self.to_fetch: list[Endpoint] = []
        """Nodes to ask for addresses, by an addr-fetch connection each."""

    def deadline(self) -> Instant | None:
        """When the next source is due."""
        moments = []
        if self._names:
            moments.append(self._dns_at)
        if self._seed_nodes:
            moments.append(self._nodes_at)
        if self._fixed_seeds:
            moments.append(self._fixed_at)
        return min(moments, default=None)

    def tick(self, now: Instant, full_relay_peers: int) -> list[ResolveRequest]:
        """Turn to the sources that are due.

        Args:
            now: when.
            full_relay_peers: how many full relay peers have finished the handshake.
        """
        enough = full_relay_peers >= ENOUGH_PEERS
        if self._seed_nodes and now >= self._nodes_at:
            if not enough:
                self.to_fetch.extend(self._seed_nodes)
            self._seed_nodes = ()
        if self._fixed_seeds and now >= self._fixed_at:
            if not len(self._addrman):
                self._take(self._fixed_seeds, FIXED_SEEDS, now, 7 * DAY, 14 * DAY)
            self._fixed_seeds = ()
        if not self._names or now < self._dns_at:
            return []
        if enough and not self._ask_all:
            self._names = []
            return []
        count = len(self._names) if self._ask_all else SEEDS_AT_ONCE
        chosen, self._names = self._names[:count], self._names[count:]
        self._dns_at = now + self._pause
        if self._as_nodes:
            self.to_fetch.extend(Endpoint(name, self._port) for name in chosen)
            return []
        self._asked.update((self._label + name, name) for name in chosen)
        return [ResolveRequest(self._label + name, self._port) for name in chosen]

    def resolved(self, host: str, addresses: Sequence[NetAddress], now: Instant) -> None:
        """What a DNS seed answered; if nothing, the seed is asked as a node."""
        name = self._asked.pop(host, None)
        if name is None:
            return
        if not addresses:
            self.to_fetch.append(Endpoint(name, self._port))
            return
        self._take(addresses[:MAX_PER_SEED], name, now, 3 * DAY, 7 * DAY)

    def _take(
        self, addresses: Sequence[NetAddress], name: str, now: Instant, least: int, most: int
    ) -> None:
        # Aged at random: what the network itself tells of them counts for more.
        timed = [
            TimedAddress(
                max(0, now - self._rng.randrange(least, most)) // SECOND, self._services, address
            )
            for address in addresses
        ]
        self._addrman.add(timed, named_source(name), now)
