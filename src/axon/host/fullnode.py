"""A full node, put together and run for as long as somebody is in the block.

    async with full_node(FullNodeSettings(network=REGTEST, folder=folder)) as node:
        async for fact in node.facts(): ...

From the outside in: the folder is held, the RPC server answers that the node is starting, what is
on disk is opened, the machine runs. Leaving the block goes the same way back, and writes everything
down. One process may run several nodes, each in a folder of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from axon.drivers.aio.driver import AsyncioDriver, Stopped
from axon.errors import AxonError
from axon.host import descriptors
from axon.host.asmapfile import check_health, read_asmap
from axon.host.conditions import Conditions
from axon.host.datadir import check_room, locked, prepare
from axon.host.machinesettings import machine_settings
from axon.host.nodewallets import NodeWallets
from axon.host.notices import Notices
from axon.host.openedstorage import opened_storage
from axon.host.running import Driven, FactReader, FactStream, NoLogs, OnFact, RpcAccess
from axon.host.saving import StateSaver
from axon.host.servers import Servers, listening
from axon.host.settings import FullNodeSettings
from axon.host.startcheck import check_blocks
from axon.host.statefiles import StateFiles
from axon.host.storage import Storage
from axon.host.ways import NetworkWays, open_ways
from axon.machine import SECOND, Endpoint, Instant
from axon.mempool.persist import Dump
from axon.mempool.pool import Mempool
from axon.node.commands import RestorePool, SetNetworkActive
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.notifications import Notification
from axon.node.work import perform
from axon.p2p.asmap import AsMap
from axon.p2p.privatedials import MAX_PRIVATE
from axon.rpc.amounts import Json, whole
from axon.rpc.corewallet.modules import CORE_WALLET_MODULES
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.daemon import Daemon, LogCategories
from axon.rpc.dispatch import Call, Registry
from axon.rpc.jsonrpc import call_params
from axon.rpc.methods import MODULES
from axon.wire.v2 import load_libraries

SAVE_INTERVAL_S: Final = 15 * 60
"""How often addresses and bans are written down."""

OnStatus = Callable[[str], None]
"""Told in a few words what a start is doing, on the event loop."""

_log = logging.getLogger("axon")


class RunningNode:
    """A full node that runs.

    Args:
        settings: what it was told.
        daemon: what RPC methods are given.
        endpoints: where it listens for peers.
        rpc: where its RPC server answers; None if it has none.
        registry: the RPC methods.
        stream: its facts.
        page_url: what opens its page in a browser; None if it has none. Whoever has it may look.
    """

    def __init__(
        self,
        settings: FullNodeSettings,
        daemon: Daemon,
        endpoints: tuple[Endpoint, ...],
        rpc: RpcAccess | None,
        registry: Registry,
        stream: FactStream,
        page_url: str | None,
    ) -> None:
        self.settings = settings
        self.page_url = page_url
        self.endpoints = endpoints
        self.rpc = rpc
        self._daemon = daemon
        self._registry = registry
        self._stream = stream

    @property
    def folder(self) -> Path:
        """Of its network."""
        return self.settings.folder

    @property
    def machine(self) -> FullNode:
        """The machine; to be read on the event loop only, between two awaits."""
        return self._daemon.node

    @property
    def height(self) -> int:
        """Of the last block of the active chain."""
        return self.machine.active.height

    def facts(self) -> FactReader:
        """What it states from now on, for `async for`; ends when it is asked to stop."""
        return self._stream.read()

    def hand_facts_to(self, take: OnFact) -> None:
        """Call a function with each fact from now on, on the event loop; it must be quick."""
        self._stream.hand_to(take)

    async def ask(self, command: object) -> Any:
        """Put one of `node.commands` to the machine; its answer.

        Raises:
            Stopped: it stops first.
            TypeError: it has no such command.
        """
        return await self._daemon.command(command)

    async def call(self, method: str, /, *args: object, **named: object) -> Json:
        """Call an RPC method right here, whether there is an RPC server or not.

        Raises:
            RpcError: it refuses.
        """
        return whole(await self._registry.execute(self._daemon, method, call_params(args, named)))

    async def call_wallet(
        self, wallet: str, method: str, /, *args: object, **named: object
    ) -> Json:
        """The same for a method of one of its wallets, by the wallet's name.

        Raises:
            RpcError: it refuses, or no such wallet is loaded.
        """
        params, call = call_params(args, named), Call(wallet=wallet)
        return whole(await self._registry.execute(self._daemon, method, params, call))

    def stop(self) -> None:
        """Ask whoever is in the block to leave it; the node runs until then."""
        self._stream.end()

    async def wait_stopped(self) -> None:
        """Wait until the node is asked to stop, by `stop` or by a caller of its RPC."""
        await self._stream.ended.wait()


@asynccontextmanager
async def full_node(
    settings: FullNodeSettings,
    *,
    on_status: OnStatus | None = None,
    logs: LogCategories | None = None,
) -> AsyncIterator[RunningNode]:
    """A full node, until the block is left.

    When the block is entered the node listens, dials, and answers calls. If it fails later, whoever
    is in the block is interrupted (`CancelledError`), and the failure comes out of the block.

    Args:
        settings: what it is told.
        on_status: told what the start is doing.
        logs: the switches of the log, for the RPC call `logging`.

    Raises:
        ConfigError: the folder is in use or not writable, a port is, a setting is unusable, or the
            system allows too few file descriptors.
        KernelError: the kernel's databases are damaged or in use.
        DiskFullError: there is less room than a node needs.
        StorageError: another file is damaged, or the disk refuses.
    """
    prepare(settings.folder)
    with locked(settings.folder):
        async with running_node(settings, on_status=on_status, logs=logs) as node:
            yield node


@asynccontextmanager
async def running_node(
    settings: FullNodeSettings,
    *,
    on_status: OnStatus | None = None,
    logs: LogCategories | None = None,
    conditions: Conditions | None = None,
) -> AsyncIterator[RunningNode]:
    """As `full_node`, in a folder that the caller has made and holds (`datadir.locked`)."""
    ways = await open_ways(settings.peers, settings.network, settings.folder)
    private = MAX_PRIVATE if settings.peers.private_broadcast else 0
    descriptors.ensure(
        settings.peers.max_connections + private,
        serves_wallets=settings.electrum is not None,
    )
    check_room(settings.folder, settings.blocks_dir or settings.folder)
    path = settings.peers.asmap
    asmap = None if path is None else await asyncio.to_thread(read_asmap, path)
    if settings.rpc is not None:
        settings = replace(settings, rpc=settings.rpc.placed(settings.network, settings.folder))
    stream = FactStream()
    notices = Notices(settings)
    stream.hand_to(notices.saw)
    registry = Registry((*MODULES, *(CORE_WALLET_MODULES if settings.wallets else ())))
    async with listening(settings, registry) as servers:

        def tell(status: str) -> None:
            servers.warming(status)
            if on_status is not None:
                on_status(status)

        switches, under = logs or NoLogs(), conditions or Conditions()
        async with (
            opened_storage(settings, tell, notices.warned) as storage,
            _running(
                settings, ways, storage, asmap, servers, registry, stream, notices, switches, under
            ) as node,
        ):
            yield node


@asynccontextmanager
async def _running(
    settings: FullNodeSettings,
    ways: NetworkWays,
    storage: Storage,
    asmap: AsMap | None,
    servers: Servers,
    registry: Registry,
    stream: FactStream,
    notices: Notices,
    logs: LogCategories,
    conditions: Conditions,
) -> AsyncIterator[RunningNode]:
    """The machine and its driver, over what is on disk."""
    clock = conditions.clock
    if settings.mocktime_s:
        clock.set_mock(settings.mocktime_s * SECOND)
    files = StateFiles(settings.folder, settings.pool_version)
    saver = StateSaver(files, clock)
    now = clock.now()
    machine = await _machine(settings, ways, storage, files, asmap, now)

    def reported(fact: object, _now: Instant) -> None:
        if isinstance(fact, Notification):
            servers.notify(fact)
            return
        assert isinstance(fact, Fact)
        daemon.reported(fact)
        stream.put(fact)

    driver = AsyncioDriver(
        conditions.disguise(machine),
        perform=lambda job: perform(storage, job),
        clock=clock,
        on_report=reported,
        dialler=ways.dialler,
        looks_up=ways.dialler.routes.looks_up,
        max_accepted=descriptors.max_accepted(settings.peers.max_connections),
    )
    daemon = Daemon(
        node=machine,
        clock=clock,
        folder=settings.folder,
        command=driver.ask,
        stop=stream.end,
        traffic=lambda: (driver.received_bytes, driver.sent_bytes),
        started_at=now,
        perform=lambda job: perform(storage, job),
        save_mempool=lambda: saver.save_pool(machine.pool),
        save_peers=lambda: saver.save_addresses(machine.links.addrman, machine.links.bans),
        logs=logs,
        blocks_folder=settings.blocks_folder,
        caches=settings.caches,
        warnings=notices.warnings,
        logs_feerates=settings.mining.logs_feerates,
        proxy_of=ways.proxy_of,
        notifiers=settings.zmq,
    )
    wallets = NodeWallets(settings.wallets or NodeWalletSettings(), daemon)
    daemon.wallets = wallets
    stream.hand_to(wallets.reported)
    _log.info("Loaded %d headers, height %d", len(machine.headers), machine.active.height)
    saved = await asyncio.to_thread(files.load_pool) if settings.persist_mempool else None
    try:
        beside = (
            _restore_pool(daemon, saved),
            _save_now_and_then(daemon),
            wallets.run(),
            check_health(machine.links.addrman),
            *ways.tasks(driver),
            *servers.beside(daemon, registry, stream),
        )
        async with Driven(driver, *beside):
            listening = dict.fromkeys(bind.endpoint for bind in settings.peers.binds)
            endpoints = tuple([await driver.listen(endpoint) for endpoint in listening])
            for endpoint in endpoints:
                _log.info("Bound to %s", endpoint)
            if not settings.peers.active:
                await driver.ask(SetNetworkActive(False))
            await check_blocks(daemon, settings.start_check)
            await wallets.load_all()
            rpc = None
            if servers.rpc is not None and settings.rpc is not None:
                rpc = RpcAccess(servers.rpc.endpoints, settings.rpc.cookie)
            servers.ready(daemon, stream)
            _log.info("init message: Done loading")  # Launchers wait for these words.
            notices.started(machine.active.height, stream.end)
            page_url = None if servers.page is None else servers.page.url
            yield RunningNode(settings, daemon, endpoints, rpc, registry, stream, page_url)
            await notices.stopping()
    except BaseException:
        with suppress(AxonError):  # The first failure is the one to tell.
            await _end(settings, daemon, servers, saver)
        raise
    await _end(settings, daemon, servers, saver)


async def _machine(
    settings: FullNodeSettings,
    ways: NetworkWays,
    storage: Storage,
    files: StateFiles,
    asmap: AsMap | None,
    now: Instant,
) -> FullNode:
    """The machine, with what the last run left behind."""
    rng = SystemRandom()
    if settings.peers.v2_transport:
        await asyncio.to_thread(load_libraries)
    anchors = await asyncio.to_thread(files.take_anchors)
    addrman = await asyncio.to_thread(files.load_peers, rng, settings.peers.lab, asmap)
    machine = FullNode(
        machine_settings(settings, anchors, ways.interfaces()),
        headers=storage.headers,
        active=storage.active,
        stored=storage.stored,
        coins=storage.coins,
        filters=storage.filters,
        pool=Mempool(settings.policy),
        addrman=addrman,
        bans=await asyncio.to_thread(files.load_bans),
        rng=rng,
        now=now,
        lag=storage.lag,
        gone=storage.pruned,
        indexes=storage.indexing.indexes,
    )
    machine.chain.were_active(storage.left)
    return machine


async def _restore_pool(daemon: Daemon, saved: Dump | None) -> None:
    """Take the pool of the last run in, once coins are at the tip."""
    with suppress(Stopped):
        if saved is not None:
            await daemon.wait_for(lambda: daemon.node.follows, None)
            kept = await daemon.command(RestorePool(saved))
            _log.info("Imported mempool transactions from file: %s kept", kept)
        daemon.pool_loaded = True


async def _save_now_and_then(daemon: Daemon) -> None:
    while True:
        await asyncio.sleep(SAVE_INTERVAL_S)
        await daemon.save_peers()


async def _end(
    settings: FullNodeSettings, daemon: Daemon, servers: Servers, saver: StateSaver
) -> None:
    """Let callers go, then write down what the next run takes up; the machine has stopped."""
    daemon.interrupt()
    await servers.stop()
    await asyncio.to_thread(daemon.close)
    machine = daemon.node
    await saver.save_addresses(machine.links.addrman, machine.links.bans)
    await saver.save_anchors(machine.links.connections.anchors())
    if settings.persist_mempool and daemon.pool_loaded:
        await saver.save_pool(machine.pool)
