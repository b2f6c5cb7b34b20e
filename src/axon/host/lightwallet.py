"""A wallet with its light client, put together and run for as long as it is needed.

<datadir>/<network>/light/           headers and peers, shared by all wallets
<datadir>/<network>/wallets/NAME/    wallet.sqlite, and what this one run needs
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

from axon.cli.peerconfig import user_agent
from axon.drivers.aio.clock import Clock
from axon.drivers.aio.driver import AsyncioDriver, Stopped
from axon.drivers.aio.sockets import direct
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import AxonError, ConfigError
from axon.host.lightstorage import LightStorage
from axon.host.statefiles import StateFiles
from axon.machine import Endpoint, Instant
from axon.node.facts import Fact
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.node.walletjobs import perform
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.redial import Target
from axon.p2p.requests import address_of
from axon.primitives.netaddress import AddressNetwork
from axon.primitives.network import Network
from axon.rpc.walletdaemon import WalletDaemon
from axon.wallet.wallet import Wallet
from axon.wire.messages import Services

PEERS: Final = 6
"""Nodes that a wallet keeps connected: enough that a liar among them is outvoted, few enough to be
no burden to anybody."""

SAVE_INTERVAL_S: Final = 60.0
"""How often known addresses are written down: a wallet may be ended at any moment."""

WALLET_FILE: Final = "wallet.sqlite"
_ON_A_LINE: Final = frozenset((AddressNetwork.IPV4, AddressNetwork.IPV6))
_log = logging.getLogger("axon")


@dataclass(frozen=True, slots=True)
class LightSettings:
    """How a wallet meets its peers.

    Args:
        network: whose chain.
        folder: the network's folder.
        connect: the only nodes to dial; None for automatic ones.
        added: nodes to dial besides.
        dns_seed: names may be looked up where no address is known.
        lab: loopback addresses count as routable.
        offline: nobody is dialled.
        keep_filters: filters are kept, so that a new key is scanned without asking for them.
        bind: the address of this machine that connections go out from; None for the usual one.
    """

    network: Network
    folder: Path
    connect: tuple[Endpoint, ...] | None = None
    added: tuple[Endpoint, ...] = ()
    dns_seed: bool = True
    lab: bool = False
    offline: bool = False
    keep_filters: bool = False
    bind: str | None = None

    @property
    def light_folder(self) -> Path:
        """Where headers and peers are."""
        return self.folder / "light"

    def wallet_folder(self, name: str) -> Path:
        """Where the wallet of a name is."""
        return self.folder / "wallets" / name


@asynccontextmanager
async def running(
    options: LightSettings, name: str, on_fact: Callable[[Fact], None] = lambda _fact: None
) -> AsyncIterator[WalletDaemon]:
    """A wallet and its light client, until the block is left.

    Args:
        options: how it meets its peers.
        name: of the wallet.
        on_fact: is told every fact.

    Raises:
        ConfigError: there is no wallet of this name.
        StorageError: it is open elsewhere, damaged, or the disk refuses.
    """
    folder = options.wallet_folder(name)
    if not (folder / WALLET_FILE).exists():
        raise ConfigError(f"there is no wallet {name!r}; axon wallet list shows those there are")
    store = SqliteStore(folder / WALLET_FILE)
    try:
        wallet = Wallet.load(store)
        if wallet.network is not options.network:
            raise ConfigError(
                f"wallet {name!r} is one of {wallet.network.name}, not {options.network.name}"
            )
        storage = LightStorage(
            options.light_folder, options.network, keep_filters=options.keep_filters
        )
        try:
            async with _running(options, name, wallet, storage, on_fact) as daemon:
                yield daemon
        finally:
            storage.close()
    finally:
        store.close()


@asynccontextmanager
async def _running(
    options: LightSettings,
    name: str,
    wallet: Wallet,
    storage: LightStorage,
    on_fact: Callable[[Fact], None],
) -> AsyncIterator[WalletDaemon]:
    clock, rng = Clock(), SystemRandom()
    files = StateFiles(options.light_folder)
    addrman, bans = files.load_peers(rng, options.lab), files.load_bans()
    node = SpvNode(
        _settings(options),
        headers=storage.headers,
        filter_headers=storage.filter_headers,
        start=_start(wallet),
        unconfirmed=wallet.unconfirmed_own(),
        addrman=addrman,
        bans=bans,
        rng=rng,
        now=clock.now(),
        alone=options.offline,
    )

    def reported(fact: object, _now: Instant) -> None:
        assert isinstance(fact, Fact)
        _write_down(fact)
        daemon.reported(fact)
        on_fact(fact)

    driver = AsyncioDriver(
        node,
        perform=lambda job: perform(wallet, storage, job),
        clock=clock,
        on_report=reported,
        dialler=direct(options.bind),
    )
    daemon = WalletDaemon(
        node=node,
        name=name,
        folder=options.wallet_folder(name),
        clock=clock,
        command=driver.ask,
        stop=driver.stop,
        traffic=lambda: (driver.received_bytes, driver.sent_bytes),
        started_at=clock.now(),
    )

    def save() -> None:
        if storage.is_ours:
            files.save_peers(addrman.snapshot())
            files.save_bans(bans.encode(clock.now()))

    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(driver.run())
            saving = tasks.create_task(_keep_house(daemon, save))
            running.add_done_callback(lambda _: saving.cancel())
            try:
                yield daemon
            finally:
                driver.stop()
    except* AxonError as errors:
        failure = errors.exceptions[0]
    if failure is not None:
        raise failure
    save()


def _write_down(fact: Fact) -> None:
    """A fact in the log: always, or while its category is on."""
    if fact.category is None:
        _log.info("%s", fact)
    else:
        logging.getLogger(f"axon.{fact.category}").debug("%s", fact)


@dataclass(frozen=True, slots=True)
class _ExpireUnconfirmed:
    now_s: int

    def run(self, wallet: Wallet) -> None:
        wallet.expire_unconfirmed(self.now_s)


async def _keep_house(daemon: WalletDaemon, save: Callable[[], None]) -> None:
    """What is done now and then while a wallet is open."""
    with suppress(Stopped):
        while True:
            await daemon.ask(_ExpireUnconfirmed(daemon.now_s))
            await asyncio.sleep(SAVE_INTERVAL_S)
            save()


def _start(wallet: Wallet) -> ScanStart:
    mark = wallet.scanned
    if mark is None:
        return ScanStart(None, None, wallet.birthday_s)
    return ScanStart(mark.height, mark.hash)


def _settings(options: LightSettings) -> LinkSettings:
    network = options.network
    connect = () if options.offline else options.connect
    seeds = [address_of(Endpoint.parse(text, network.port)) for text in network.fixed_seeds]
    connections = ConnectionsConfig(
        port=network.port,
        max_connections=PEERS,
        connect=None if connect is None else _targets(connect),
        added=() if options.offline else _targets(options.added),
        dns_seeds=network.dns_seeds if options.dns_seed else (),
        fixed_seeds=tuple(seed for seed in seeds if seed is not None),
        reachable=_ON_A_LINE,
        v2=False,
        lab=options.lab,
        needs=int(Services.COMPACT_FILTERS),
        impatient=True,
    )
    return LinkSettings(
        network=network,
        connections=connections,
        user_agent=user_agent(["wallet"]),
        minimum_chainwork=network.minimum_chainwork,
    )


def _targets(endpoints: tuple[Endpoint, ...]) -> tuple[Target, ...]:
    return tuple([Target(str(endpoint), endpoint, v2=False) for endpoint in endpoints])
