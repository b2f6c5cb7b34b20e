"""`axon node`: a full node, put together and run until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import Final

from axon.cli.catalogue import OPTIONS, help_message
from axon.cli.logs import Log
from axon.cli.nodeconfig import NodeConfig, load_node_config, wants_help, wants_version
from axon.cli.options import parse_command_line
from axon.cli.progress import Progress
from axon.cli.version import VERSION
from axon.consensus.kernel_open import Opening
from axon.consensus.library import KernelError
from axon.drivers.aio.clock import Clock
from axon.drivers.aio.driver import AsyncioDriver, Stopped
from axon.drivers.aio.loop import run_loop
from axon.drivers.aio.sockets import Dialler, direct
from axon.errors import AxonError, ConfigError, DamageError
from axon.host.datadir import locked, pid_file, prepare
from axon.host.statefiles import Keepsakes
from axon.host.storage import Storage
from axon.machine import SECOND, Endpoint, Instant
from axon.mempool.pool import Mempool
from axon.mining.template import BLOCK_VERSION, BlockLimits
from axon.node.commands import RestorePool, SetNetworkActive
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.settings import NodeSettings
from axon.node.work import perform
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.redial import Target
from axon.p2p.requests import address_of
from axon.primitives.netaddress import AddressNetwork
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry
from axon.rpc.methods import MODULES
from axon.rpc.server import RpcServer

SAVE_INTERVAL_S: Final = 15 * 60
"""How often addresses and bans are written down."""

_REACHABLE: Final = {
    "ipv4": AddressNetwork.IPV4,
    "ipv6": AddressNetwork.IPV6,
    "onion": AddressNetwork.TORV3,
    "i2p": AddressNetwork.I2P,
    "cjdns": AddressNetwork.CJDNS,
}
_USAGE: Final = """Usage: axon node [OPTIONS]

Runs a full node until ctrl-C or `axon rpc stop`. Options are bitcoind's, with one dash or two; they
may stand in bitcoin.conf as well.
"""
_log = logging.getLogger("axon")


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Run a node; its exit code."""
    try:
        command_line = parse_command_line(arguments, OPTIONS)
        if wants_help(command_line):
            sys.stdout.write(f"{_USAGE}\n{help_message()}")
            return 0
        if wants_version(command_line):
            sys.stdout.write(f"axon {VERSION}\n")
            return 0
        config = load_node_config(command_line, home)
        if config.peers.proxy is not None or config.peers.onion_proxy is not None:
            # To dial without it would show an address that was to be hidden.
            raise ConfigError(
                "axon cannot dial through a proxy yet; start without -proxy and -onion"
            )
        prepare(config.folder)
        if config.daemon and not _fork():
            return 0
        return _run(config)
    except AxonError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1


def _fork() -> bool:
    """Go on in the background; whether this is the process that does."""
    if os.fork():
        sys.stdout.write("axon starting\n")
        return False
    os.setsid()
    return True


def _run(config: NodeConfig) -> int:
    with locked(config.folder), pid_file(config.pid_file):
        watched = _is_watched(config)
        log = Log(replace(config.log, console=config.log.console and not watched))
        log.open()
        try:
            for warning in config.warnings:
                _log.warning("%s", warning)
            for sentence in config.unused:
                _log.info("%s", sentence)
            for line in config.settings.told():
                _log.info("%s", line)
            run_loop(_Program(config, log, Progress() if watched else None).run())
        except AxonError as error:
            _log.error("Error: %s", error)
            raise
        except Exception:
            _log.exception("axon stops because of a fault of its own")
            raise
        finally:
            _log.info("Shutdown: done")
            log.close()
    return 0


def _is_watched(config: NodeConfig) -> bool:
    """Whether a person looks on who did not ask for the log: then progress is shown instead."""
    asked = config.settings.is_set("printtoconsole")
    return sys.stdout.isatty() and not asked and not config.daemon


class _Program:
    """One run of one node."""

    def __init__(self, config: NodeConfig, log: Log, progress: Progress | None) -> None:
        self._config = config
        self._log = log
        self._clock = Clock()
        if config.mocktime_s:
            self._clock.set_mock(config.mocktime_s * SECOND)
        self._keepsakes = Keepsakes(config.folder)
        self._progress = progress
        self._daemon: Daemon | None = None
        self._opening = Opening()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Everything from the first listening port to the last file written."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._log.reopen)
        rpc = self._config.rpc
        if rpc is None:
            await self._with_storage(None)
            return
        cookie = rpc.make_cookie()
        password = None if cookie is None else cookie.write()
        try:
            server = RpcServer(
                Registry(MODULES), rpc.server, rpc.make_credentials(password), rpc.make_whitelist()
            )
            async with server:
                await self._with_storage(server)
        finally:
            if cookie is not None:
                cookie.remove()

    def _ask_to_stop(self) -> None:
        self._opening.break_off()
        self._stop.set()

    async def _with_storage(self, server: RpcServer | None) -> None:
        loop = asyncio.get_running_loop()

        def say(status: str) -> None:
            _log.info("%s", status)
            if server is not None:
                loop.call_soon_threadsafe(server.warming, status)

        try:
            storage = await asyncio.to_thread(Storage, self._config, say, self._opening)
        except KernelError:
            if not self._stop.is_set():
                raise
            return  # It was broken off.
        try:
            await self._with_node(storage, server)
        except BaseException as error:
            with suppress(AxonError):  # The first failure is the one to tell.
                await asyncio.to_thread(storage.close)
            if not isinstance(error, DamageError):
                raise
            storage.rebuild_next_time()
            raise DamageError(f"{error}; start again, and it is built anew.") from error
        await asyncio.to_thread(storage.close)

    async def _with_node(self, storage: Storage, server: RpcServer | None) -> None:
        config, now = self._config, self._clock.now()
        rng = SystemRandom()
        node = FullNode(
            _settings(config, self._keepsakes),
            headers=storage.headers,
            active=storage.active,
            stored=storage.stored,
            coins=storage.coins,
            filters=storage.filters,
            pool=Mempool(config.policy),
            addrman=self._keepsakes.load_peers(rng, config.peers.lab),
            bans=self._keepsakes.load_bans(),
            rng=rng,
            now=now,
            lag=storage.lag,
        )
        driver = AsyncioDriver(
            node,
            perform=lambda job: perform(storage, job),
            clock=self._clock,
            on_report=self._reported,
            dialler=_dialler(config),
        )
        daemon = self._make_daemon(node, driver, storage, now)
        endpoints = [await driver.listen(endpoint) for endpoint in _unique(config)]
        _log.info("Loaded %d headers, height %d", len(node.headers), node.active.height)
        if self._progress is not None:
            self._progress.started(config.network.name, endpoints, node.active.height)
        failure: Exception | None = None
        gc.freeze()  # What has been loaded stays; it need not be looked through again and again.
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(driver.run())
                chores = [
                    tasks.create_task(self._chores(node, driver, daemon, server)),
                    tasks.create_task(self._wait_for_stop(driver)),
                ]
                running.add_done_callback(lambda _: [chore.cancel() for chore in chores])
        except* AxonError as errors:
            failure = errors.exceptions[0]
        finally:
            daemon.interrupt()
            if server is not None:
                await server.stop()
            daemon.close()
        if failure is None:
            self._save_all(node)
            return
        with suppress(AxonError):  # The first failure is the one to tell.
            self._save_all(node)
        raise failure

    def _make_daemon(
        self, node: FullNode, driver: AsyncioDriver, storage: Storage, now: Instant
    ) -> Daemon:
        async def save_pool() -> Path:
            return self._keepsakes.save_pool(node.pool)

        async def save_peers() -> None:
            self._keepsakes.save_peers(node.links.addrman)
            self._keepsakes.save_bans(node.links.bans, self._clock.now())

        daemon = Daemon(
            node=node,
            clock=self._clock,
            folder=self._config.folder,
            command=driver.ask,
            stop=self._stop.set,
            traffic=lambda: (driver.received_bytes, driver.sent_bytes),
            started_at=now,
            perform=lambda job: perform(storage, job),
            save_mempool=save_pool,
            save_peers=save_peers,
            logs=self._log,
        )
        self._daemon = daemon
        return daemon

    async def _wait_for_stop(self, driver: AsyncioDriver) -> None:
        await self._stop.wait()
        _log.info("Shutdown: In progress...")
        if self._progress is not None:
            self._progress.say("stopping")
        driver.stop()

    async def _chores(
        self, node: FullNode, driver: AsyncioDriver, daemon: Daemon, server: RpcServer | None
    ) -> None:
        """What goes on beside the node: the pool read back, then files written now and then."""
        with suppress(Stopped):
            await self._begin(driver, daemon, server)
        while True:
            await asyncio.sleep(SAVE_INTERVAL_S)
            self._save_peers(node)

    async def _begin(self, driver: AsyncioDriver, daemon: Daemon, server: RpcServer | None) -> None:
        if not self._config.peers.active:
            await driver.ask(SetNetworkActive(False))
        if server is not None:
            daemon.calls = server.registry.active
            server.ready(daemon)
        if self._config.persist_mempool:
            saved = self._keepsakes.load_pool()
            if saved is not None:
                await daemon.wait_for(lambda: daemon.node.follows, None)
                kept = await driver.ask(RestorePool(saved))
                _log.info("Imported mempool transactions from file: %s kept", kept)
        daemon.pool_loaded = True

    def _reported(self, fact: object, _now: Instant) -> None:
        category: str | None = getattr(fact, "category", None)
        if category is None:
            _log.info("%s", fact)
        else:
            logger = logging.getLogger(f"axon.{category}")
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("%s", fact)
        if self._daemon is not None:
            self._daemon.reported(fact)
        if self._progress is not None and isinstance(fact, Fact):
            self._progress.saw(fact)

    def _save_peers(self, node: FullNode) -> None:
        self._keepsakes.save_peers(node.links.addrman)
        self._keepsakes.save_bans(node.links.bans, self._clock.now())

    def _save_all(self, node: FullNode) -> None:
        self._save_peers(node)
        self._keepsakes.save_anchors(node.links)
        if self._config.persist_mempool and self._daemon is not None and self._daemon.pool_loaded:
            self._keepsakes.save_pool(node.pool)


def _dialler(config: NodeConfig) -> Dialler | None:
    """How to dial: in the lab from the node's own address, so that it has a netgroup of its own."""
    peers = config.peers
    return direct(peers.binds[0].endpoint.host) if peers.lab and peers.binds else None


def _unique(config: NodeConfig) -> list[Endpoint]:
    """Where to listen, each place once."""
    return list(dict.fromkeys(bind.endpoint for bind in config.peers.binds))


def _settings(config: NodeConfig, keepsakes: Keepsakes) -> NodeSettings:
    peers, network = config.peers, config.network

    def targets(endpoints: Sequence[Endpoint]) -> tuple[Target, ...]:
        return tuple(Target(str(item), item, v2=False) for item in endpoints)

    own = [address_of(endpoint) for endpoint in peers.externalip]
    seeds = [address_of(Endpoint.parse(text, network.port)) for text in network.fixed_seeds]
    nets = peers.onlynet or ("ipv4", "ipv6")
    connections = ConnectionsConfig(
        port=peers.port,
        max_connections=peers.max_connections,
        connect=None if peers.connect is None else targets(peers.connect),
        added=targets(peers.addnode),
        seed_nodes=peers.seednode,
        dns_seeds=network.dns_seeds if peers.dns and peers.dnsseed else (),
        force_dns=peers.forcednsseed,
        fixed_seeds=tuple(seed for seed in seeds if seed is not None and peers.fixedseeds),
        anchors=keepsakes.take_anchors(),
        reachable=frozenset(_REACHABLE[name] for name in nets),
        v2=False,
        lab=peers.lab,
    )
    return NodeSettings(
        network=network,
        connections=connections,
        user_agent=peers.user_agent,
        listen_port=peers.binds[0].endpoint.port if peers.binds else None,
        own_addresses=tuple(address for address in own if address is not None),
        serve_filters=peers.serve_filters,
        blocks_only=peers.blocks_only,
        max_upload_bytes=peers.max_upload_bytes,
        ban_time_s=peers.bantime_s,
        max_tip_age_s=config.max_tip_age_s,
        minimum_chainwork=config.minimum_chainwork,
        peer_timeout=peers.peer_timeout_s * SECOND,
        limits=_limits(config),
        permissions=_permissions(config),
    )


def _limits(config: NodeConfig) -> BlockLimits:
    mining = config.mining
    return BlockLimits(
        mining.max_weight_wu,
        mining.reserved_weight_wu,
        mining.min_feerate_sat_kvb,
        BLOCK_VERSION if mining.version is None else mining.version,
    )


def _permissions(
    config: NodeConfig,
) -> Callable[[Endpoint, Endpoint, bool], frozenset[str]]:
    """What the operator allows a connection, by where it comes from and where it arrives."""
    peers = config.peers
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
