"""One node of real code in virtual time, and crowds in place of the rest of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from statistics import median
from typing import Final

from axon.drivers.sim.driver import START
from axon.machine import DAY, SECOND, Instant
from axon.node.settings import NodeSettings
from axon.p2p.addrman import AddrMan
from axon.p2p.connectiontype import ConnectionType
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.primitives.network import REGTEST
from axon.swarm.sim.crowd import SERVICES, Crowd, add_crowd
from axon.swarm.sim.simulation import PORT, SimNetwork
from axon.swarm.sim.workload import PAYERS, history

NODE: Final = 0
"""Its number."""

BEFORE: Final = DAY
"""So long ago it was told of addresses."""

DNS_SEEDS: Final = tuple(f"seed{n}.example" for n in range(9))
TOLD_BY_SEED: Final = 32
"""Addresses that one look at a DNS seed brings."""

LASTING: Final = frozenset((ConnectionType.FULL_RELAY, ConnectionType.BLOCK_RELAY))


def address(number: int, first: int) -> NetAddress:
    """One of many addresses, each of the first 7,000 in a netgroup of its own.

    Args:
        number: from 0 on.
        first: byte of the first of them: crowds that are 30 apart never meet.
    """
    low = number // 7_000
    group = number % 7_000
    return NetAddress.from_text(f"{first + group // 250}.{1 + group % 250}.{1 + low}.1", PORT)


def asks_seeds(usual: NodeSettings) -> NodeSettings:
    """Settings of a node that asks DNS seeds."""
    return replace(usual, connections=replace(usual.connections, dns_seeds=DNS_SEEDS))


def median_s(times: Sequence[Instant | None], patience: Instant) -> float:
    """The median in seconds; what was not there in time took all of it."""
    return median([patience if each is None else each for each in times]) / SECOND


class LoneNode:
    """A node, without peers at first.

    Args:
        seed: of all chance.
        settings: changes its settings.
        has_blocks: it begins on the newest block; else with an empty disk.

    Attributes:
        chain: the headers from height 1 on, to be shown by crowds; it grows.
    """

    def __init__(
        self,
        seed: int,
        settings: Callable[[NodeSettings], NodeSettings] = lambda usual: usual,
        *,
        has_blocks: bool = True,
    ) -> None:
        blocks = history(START)
        self.chain = [Header(raw[:HEADER_SIZE]) for raw in blocks]
        self.net = SimNetwork(
            seed,
            1,
            contacts=lambda _: (),
            history=blocks if has_blocks else (),
            settings=lambda _, usual: settings(usual),
        )

    @property
    def addrman(self) -> AddrMan:
        """What it knows."""
        return self.net.machine(NODE).links.addrman

    def add_crowd(
        self, name: str, addresses: Sequence[NetAddress], tells: Sequence[NetAddress] = ()
    ) -> int:
        """Have a crowd answer at these addresses that tells those; the number of its program."""
        crowd = Crowd(REGTEST, f"/{name}:1/", tells, chain=self.chain)
        return add_crowd(self.net.simulation, crowd, addresses)

    def name_seeds(self, rng: Random, known: Sequence[NetAddress]) -> None:
        """Have each DNS seed know some of these."""
        for name in DNS_SEEDS:
            told = tuple(each.to_text() for each in rng.sample(known, TOLD_BY_SEED))
            self.net.simulation.set_name(f"x{SERVICES:x}.{name}", told)

    def tell(self, addresses: Sequence[NetAddress], source: NetAddress | None = None) -> None:
        """It was told of these, by one source, or by each itself."""
        before = self.net.now - BEFORE
        for each in addresses:
            told = TimedAddress(before // SECOND, SERVICES, each)
            self.addrman.add([told], source or each, before)

    def meet(self, addresses: Sequence[NetAddress]) -> None:
        """These have answered, too."""
        self.tell(addresses)
        for each in addresses:
            self.addrman.good(each, self.net.now - BEFORE, test_before_evict=False)

    def pass_time(self, duration: Instant, every: Instant) -> None:
        """Let time pass, in which it finds a block each so often."""
        for _ in range(duration // every):
            self.net.run(every)
            self.chain.append(self.net.mine(NODE, PAYERS[0].script).header)

    def start_again(self, down: Instant) -> None:
        """Kill it, and start it from its addresses."""
        self.net.nodes[NODE].peers = self.addrman.snapshot().encode()
        self.net.crash(NODE, lose=False)
        self.net.run(down)
        self.net.restart(NODE)

    def peers(self, kinds: frozenset[ConnectionType] = LASTING) -> list[str]:
        """The hosts of its peers of such kinds."""
        return [
            each.remote.host
            for each in self.net.machine(NODE).sessions.values()
            if each.kind in kinds and each.negotiated is not None
        ]

    def wait_for_peers(self, count: int, limit: Instant) -> Instant | None:
        """Let time pass until it has dialled so many; how long that took, None if too long."""
        began = self.net.now
        met = self.net.simulation.run_until(lambda: len(self.peers()) >= count, began + limit)
        return self.net.now - began if met else None
