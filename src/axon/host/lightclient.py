"""A light client, put together and run: headers, filters, and whoever they are for.

<datadir>/<network>/light/    headers, filter headers and peers, shared by all clients

Whoever they are for is a wallet (`host/lightwallet`), or just scripts that somebody watches: then
it is `light_client`, which has no keys.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any, Final, Self

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.dialling import RoutedDialler
from axon.drivers.aio.driver import AsyncioDriver
from axon.drivers.aio.i2p import I2p
from axon.errors import AxonError
from axon.host.lightstorage import LightStorage
from axon.host.reaching import is_allowed, networks_reached, with_addresses
from axon.host.running import Driven, FactReader, FactStream, OnFact
from axon.host.saving import StateSaver
from axon.host.scriptwatch import ScriptWatch, WatchedTransaction, WatchScripts
from axon.host.settings import LightSettings, fixed_seeds, targets
from axon.host.statefiles import StateFiles
from axon.machine import Instant, Machine
from axon.node.commands import Rescan
from axon.node.facts import Fact, PaymentFound, UnconfirmedPaymentFound
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.node.walletjobs import AskWallet, WalletView, perform
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.payments.desk import AtDesk, Desk
from axon.payments.invoice import proves_link
from axon.payments.link import LinkNode
from axon.payments.linkfeatures import CHAIN, PAYJOIN
from axon.payments.partnernode import PartnerNode
from axon.payments.step import DealsMoved
from axon.payments.walletnode import WalletNode
from axon.primitives.transaction import Transaction
from axon.rpc.dealnews import DealNews
from axon.rpc.waiters import Waiters
from axon.wire.messages import Services
from axon.wire.v2 import load_libraries

_log = logging.getLogger(__name__)

PEERS: Final = 6
"""Nodes that a light client keeps connected: enough that a liar among them is outvoted, few enough
to be no burden to anybody."""

MAX_PARTNERS: Final = 80
"""Connections of other wallets at a time; which of them are kept decides `payments/link`."""

SAVE_INTERVAL_S: Final = 60.0
"""How often known addresses are written down: a wallet may be ended at any moment."""

WaitFor = Callable[[Callable[[], bool], float | None], Awaitable[bool]]


@dataclass(frozen=True, slots=True, eq=False)
class LightParts:
    """A light client that does not run yet.

    Args:
        machine: its machine.
        driver: which runs that.
        clock: the machine's.
        stream: its facts.
        deal_news: of payments between wallets.
        is_ours: whether this process writes the shared folder.
        saver: writes its state files.
    """

    machine: SpvNode
    driver: AsyncioDriver
    clock: Clock
    stream: FactStream
    deal_news: DealNews
    is_ours: bool
    saver: StateSaver

    async def save(self) -> None:
        """Write the known addresses and the bans, unless another process does.

        Raises:
            StorageError: the disk refuses.
        """
        if self.is_ours:
            await self.saver.save_addresses(self.machine.links.addrman, self.machine.links.bans)

    async def save_now_and_then(self) -> None:
        """The same again and again."""
        while True:
            await asyncio.sleep(SAVE_INTERVAL_S)
            await self.save()


async def assemble_parts(
    settings: LightSettings,
    storage: LightStorage,
    wallet: WalletView,
    start: ScanStart,
    unconfirmed: Sequence[Transaction] = (),
    clock: Clock | None = None,
    desk: Desk | None = None,
) -> LightParts:
    """A light client over the files of its network.

    Args:
        storage: of headers and filter headers.
        wallet: for whom it scans; only touched in the lane of the wallet.
        start: where the scan goes on.
        unconfirmed: own transactions that are in no block yet.
        clock: the time it is told; None for this machine's.
        desk: of the payments from and to other wallets; None for who makes none.
    """
    clock, rng = clock or Clock(), SystemRandom()
    routes = await with_addresses(settings.routes)
    files = StateFiles(settings.light_folder)
    if settings.v2_transport and not settings.offline:
        await asyncio.to_thread(load_libraries)
    machine = SpvNode(
        _link_settings(settings),
        headers=storage.headers,
        filter_headers=storage.filter_headers,
        start=start,
        unconfirmed=unconfirmed,
        addrman=await asyncio.to_thread(files.load_peers, rng, settings.lab),
        bans=await asyncio.to_thread(files.load_bans),
        rng=rng,
        now=clock.now(),
        alone=settings.offline,
    )
    stream, deal_news = FactStream(), DealNews()

    def reported(fact: object, _now: Instant) -> None:
        if isinstance(fact, Fact):
            stream.put(fact)
        elif isinstance(fact, DealsMoved):
            deal_news.tell()
        else:
            _log.info("%s", fact)  # Of links between wallets.

    def do(job: object) -> object:
        if isinstance(job, AtDesk):
            assert desk is not None, "only a wallet with a desk orders such"
            return desk.perform(job)
        return perform(wallet, storage, job)

    whole: Machine = machine
    if desk is not None:
        whole = WalletNode(machine, _links(settings, rng))
    driver = AsyncioDriver(
        whole,
        perform=do,
        clock=clock,
        on_report=reported,
        dialler=RoutedDialler(
            routes,
            i2p=None if routes.i2p is None else I2p(routes.i2p, None),
            cjdns=settings.cjdns_reachable,
            local_host=settings.bind,
            timeout_us=settings.timeout_us,
        ),
        max_accepted=0 if desk is None else MAX_PARTNERS,
        looks_up=routes.looks_up,
    )
    saver = StateSaver(files, clock)
    return LightParts(machine, driver, clock, stream, deal_news, storage.is_ours, saver)


def _links(settings: LightSettings, rng: Random) -> PartnerNode:
    """Links to wallets. Where a person said which nodes to dial, partners must be named, too."""
    return PartnerNode(
        LinkNode(settings.network, proves_link, rng, (PAYJOIN, CHAIN)),
        rng,
        named=() if settings.offline else settings.partners,
        finds=settings.connect is None and not settings.offline,
        lab=settings.lab,
    )


def _link_settings(settings: LightSettings) -> LinkSettings:
    network = settings.network
    connect = () if settings.offline else settings.connect
    routes = settings.routes
    nets = networks_reached(routes, settings.onlynet, cjdns=settings.cjdns_reachable)
    seeded = settings.dns_seed and (routes.dns or routes.names is not None)
    connections = ConnectionsConfig(
        port=network.port,
        max_connections=PEERS,
        connect=None if connect is None else targets(connect),
        added=() if settings.offline else targets(settings.added),
        dns_seeds=network.dns_seeds if seeded else (),
        asks_seeds_as_nodes=routes.names is not None,
        fixed_seeds=fixed_seeds(network),
        reachable=nets,
        is_proxied=routes.is_proxied,
        tor_is_trusted=routes.ipv4 is not None,
        v2=settings.v2_transport,
        lab=settings.lab,
        needs=int(Services.COMPACT_FILTERS),
        impatient=True,
    )
    return LinkSettings(
        network=network,
        connections=connections,
        user_agent=settings.user_agent,
        minimum_chainwork=network.minimum_chainwork,
        private_broadcast=goes_out_privately(settings),
    )


def goes_out_privately(settings: LightSettings) -> bool:
    """Whether payments go out by private broadcasts.

    They do where there is a way to Tor or I2P, and strangers may be dialled.
    """
    routes, onlynet = settings.routes, settings.onlynet
    onion = routes.onion is not None and is_allowed(onlynet, "onion")
    i2p = routes.i2p is not None and is_allowed(onlynet, "i2p")
    return settings.connect is None and not settings.offline and (onion or i2p)


class RunningLight:
    """A light client that runs.

    Args:
        settings: how it meets its peers.
        parts: what runs.
        wait_for: waits until something holds (`Waiters.wait_for`).
    """

    def __init__(self, settings: LightSettings, parts: LightParts, wait_for: WaitFor) -> None:
        self.settings = settings
        self._parts = parts
        self._wait_for = wait_for

    @property
    def machine(self) -> SpvNode:
        """The machine; to be read on the event loop only, between two awaits."""
        return self._parts.machine

    @property
    def height(self) -> int:
        """Of the best header known."""
        return self.machine.headers.best.height

    @property
    def is_synced(self) -> bool:
        """Whether all has been looked at that the nodes reached have."""
        return self.machine.is_synced

    async def wait_synced(self, timeout_s: float | None = None) -> bool:
        """Wait until all has been looked at that the nodes reached have; whether it has.

        Args:
            timeout_s: None for no limit.
        """
        return await self._wait_for(lambda: self.machine.is_synced, timeout_s)

    def facts(self) -> FactReader:
        """What it states from now on, for `async for`; ends when it is asked to stop."""
        return self._parts.stream.read()

    def hand_facts_to(self, take: OnFact) -> None:
        """Call a function with each fact from now on, on the event loop; it must be quick."""
        self._parts.stream.hand_to(take)

    async def ask(self, command: object) -> Any:
        """Put one of `node.commands` to the machine; its answer.

        Raises:
            Stopped: it stops first.
            TypeError: it has no such command.
        """
        return await self._parts.driver.ask(command)

    def stop(self) -> None:
        """Ask whoever is in the block to leave it; the client runs until then."""
        self._parts.stream.end()

    async def wait_stopped(self) -> None:
        """Wait until it is asked to stop."""
        await self._parts.stream.ended.wait()


class WatchReader:
    """The transactions that a light client finds from now on, for one `async for`."""

    def __init__(self, facts: FactReader, watch: ScriptWatch) -> None:
        self._facts = facts
        self._watch = watch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchedTransaction:
        """The next transaction.

        Raises:
            FactsLost: too many facts waited.
        """
        async for fact in self._facts:
            if isinstance(fact, PaymentFound | UnconfirmedPaymentFound):
                found = self._watch.find(fact.txid)
                if found is not None:
                    return found
        raise StopAsyncIteration


class RunningClient(RunningLight):
    """A light client without keys.

    Args:
        settings: how it meets its peers.
        parts: what runs.
        wait_for: waits until something holds.
        watch: the scripts that it looks for.
    """

    def __init__(
        self, settings: LightSettings, parts: LightParts, wait_for: WaitFor, watch: ScriptWatch
    ) -> None:
        super().__init__(settings, parts, wait_for)
        self._watch = watch

    async def watch(self, *scripts: bytes, since_height: int | None = None) -> None:
        """Look for transactions that pay these output scripts, or spend what was paid to them.

        Args:
            since_height: look at all blocks from this one on once more; None for those that are
                still to come.

        Raises:
            Stopped: the client stops first.
        """
        await self.ask(AskWallet(WatchScripts(scripts)))
        if since_height is not None:
            await self.ask(Rescan(since_height))

    def transactions(self) -> WatchReader:
        """The transactions found from now on, unconfirmed ones too, until it is asked to stop.

        One that is seen unconfirmed and then in a block comes twice.
        """
        return WatchReader(self.facts(), self._watch)


@asynccontextmanager
async def light_client(
    settings: LightSettings, scripts: Iterable[bytes] = (), *, birthday_s: int = 0
) -> AsyncIterator[RunningClient]:
    """A light client without keys, until the block is left.

    Args:
        settings: how it meets its peers.
        scripts: output scripts to watch.
        birthday_s: blocks from before are not looked at, seconds since 1970.

    Raises:
        ConfigError: the folder cannot be used.
        StorageError: the disk refuses.
    """
    storage = await asyncio.to_thread(open_storage, settings)
    try:
        watch = ScriptWatch(settings.network, scripts)
        parts = await assemble_parts(settings, storage, watch, ScanStart(None, None, birthday_s))
        waiters = Waiters()
        parts.stream.hand_to(lambda _fact: waiters.wake())
        try:
            async with Driven(parts.driver, parts.save_now_and_then()):
                yield RunningClient(settings, parts, waiters.wait_for, watch)
        except BaseException:
            waiters.close()
            with suppress(AxonError):  # The first failure is the one to tell.
                await parts.save()
            raise
        waiters.close()
        await parts.save()
    finally:
        await asyncio.to_thread(storage.close)


def open_storage(settings: LightSettings) -> LightStorage:
    """The files that all light clients of a network share."""
    return LightStorage(settings.light_folder, settings.network, keep_filters=settings.keep_filters)
