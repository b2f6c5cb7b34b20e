"""A light client with a wallet as a program of the simulation: how it comes up from its disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.chain.store import MemoryStore
from axon.drivers.sim.driver import Simulation
from axon.host.lightwallet import check_scripts
from axon.machine import SECOND, Endpoint, Instant
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.node.walletjobs import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.redial import Target
from axon.p2p.requests import address_of
from axon.primitives.netaddress import TimedAddress
from axon.primitives.network import REGTEST
from axon.swarm.signer import Signer
from axon.swarm.sim.lightdisk import LightDisk
from axon.wallet.keys import watch
from axon.wallet.wallet import Wallet
from axon.wire.messages import Services

MAX_CONNECTIONS: Final = 6

_NODE_SERVICES: Final = int(
    Services.NETWORK | Services.WITNESS | Services.NETWORK_LIMITED | Services.COMPACT_FILTERS
)


@dataclass(slots=True)
class Device:
    """One program with the owner's keys.

    Args:
        wallet: its file.
        disk: its headers, filter headers and filters.
        number: of its machine in the simulation.
    """

    wallet: Wallet
    disk: LightDisk = field(default_factory=LightDisk)
    number: int = -1


@dataclass(frozen=True, slots=True)
class Ways:
    """How a light client comes to nodes.

    Args:
        knows: nodes whose addresses it is told.
        dials: the only ones that it dials; None to find nodes by itself.
        seeds: names that it looks up where it knows no address.
    """

    knows: tuple[Endpoint, ...] = ()
    dials: tuple[Endpoint, ...] | None = None
    seeds: tuple[str, ...] = ()


def watching_wallet(owner: Signer) -> Wallet:
    """A wallet without keys; its owner signs by himself."""
    descriptor = f"wpkh({owner.public_key.hex()})"
    wallet = Wallet.create(MemoryStore(), REGTEST, watch(REGTEST, descriptor), birthday_s=0)
    wallet.check_scripts = check_scripts
    return wallet


def boot_light(device: Device, ways: Ways, rng: Random, now: Instant) -> SpvNode:
    """A device's light client as it comes up from its disk."""
    dials = ways.dials
    connections = ConnectionsConfig(
        port=REGTEST.port,
        max_connections=MAX_CONNECTIONS,
        connect=None if dials is None else tuple(Target(str(each), each) for each in dials),
        dns_seeds=ways.seeds,
        v2=False,
        lab=True,
        needs=int(Services.COMPACT_FILTERS),
    )
    addrman = AddrMan(rng, lab=True)
    for endpoint in ways.knows:
        address = address_of(endpoint)
        assert address is not None, "nodes have IPv4 addresses"
        told = TimedAddress(now // SECOND, _NODE_SERVICES, address)
        addrman.add([told], address, now)
    headers, filter_headers = device.disk.load()
    mark = device.wallet.scanned
    return SpvNode(
        LinkSettings(network=REGTEST, connections=connections),
        headers=headers,
        filter_headers=filter_headers,
        start=ScanStart(None, None) if mark is None else ScanStart(mark.height, mark.hash),
        unconfirmed=device.wallet.unconfirmed_own(),
        addrman=addrman,
        bans=BanList(),
        rng=rng,
        now=now,
    )


def add_light(
    simulation: Simulation,
    device: Device,
    home: Endpoint,
    ways: Ways,
    *,
    on_report: Callable[[object, Instant], None],
    clock_offset_us: int = 0,
) -> int:
    """Start a device's program; its number in the simulation.

    Args:
        home: where it dials from.
        on_report: is told every fact.
        clock_offset_us: how far its clock is ahead.
    """

    def boot(now: Instant) -> SpvNode:
        return boot_light(device, ways, simulation.random(f"light at {home.host}", now), now)

    return simulation.add(
        boot,
        home,
        perform=lambda job: perform(device.wallet, device.disk, job),
        on_report=on_report,
        listens=False,
        clock_offset_us=clock_offset_us,
    )
