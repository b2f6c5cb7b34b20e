"""What a node or a wallet is told at its start, as plain values.

The command line fills them from options and `bitcoin.conf` (`cli/nodeconfig`); a program that uses
axon as a library writes them down. Everything but the network and the folder has a default, which
is Bitcoin Core's where Core has one. Nearly all lines are fields and what they mean: one table.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes
from axon.drivers.aio.routes import DIRECT, Routes
from axon.drivers.bounds import CONNECT_TIMEOUT
from axon.electrum.settings import ElectrumSettings
from axon.errors import ConfigError
from axon.host.notifycommands import NotifySettings
from axon.host.reaching import TorAccess, TorControl
from axon.host.required import require, require_endpoints, require_place
from axon.host.rpcsettings import RpcSettings
from axon.host.version import VERSION
from axon.machine import Endpoint
from axon.mempool.persist import VERSION as POOL_VERSION
from axon.mempool.policy import Policy
from axon.node.settings import MAX_TIP_AGE_S
from axon.p2p.banlist import DEFAULT_BAN_S
from axon.p2p.connectionsconfig import DEFAULT_MAX_CONNECTIONS, DEFAULT_RELAY_PERCENT
from axon.p2p.extratransactions import DEFAULT_EXTRA_TRANSACTIONS
from axon.p2p.redial import Target
from axon.p2p.requests import address_of
from axon.p2p.txbacklog import SEND_RATE
from axon.payments.partneraddress import PartnerAddress
from axon.primitives.netaddress import NetAddress
from axon.primitives.network import Network
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.settings import IpNetwork
from axon.rpc.zmqpub.settings import ZmqNotifier

MAX_SCRIPT_THREADS: Final = 15
"""Threads beside the first one that check scripts."""

USER_AGENT: Final = f"/axon:{VERSION}/"
"""The name that a node tells its peers (BIP 14)."""

WALLET_USER_AGENT: Final = f"/axon:{VERSION}(wallet)/"

MAX_BLOCK_WEIGHT: Final = 4_000_000
_WALLET_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_WALLET_FOLDER: Final = re.compile(r"\w[\w .-]{0,63}")

MAX_WALLET_FOLDERS: Final = 4
"""One in the other, in the name of a wallet of a node: `specter/alice` has two."""


def check_wallet_name(name: str) -> str:
    """The name, if a wallet may have it: it is that of a folder, and leads out of none.

    Raises:
        ConfigError: no wallet may.
    """
    if not _WALLET_NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:80]!r} is no name of a wallet: up to 64 letters, digits and . _ - will do"
        )
    return name


def check_wallet_path(name: str) -> str:
    """The name, if a wallet of a node may have it: a folder, or a few with `/` between.

    Raises:
        ConfigError: no wallet may.
    """
    folders = name.split("/")
    if len(folders) > MAX_WALLET_FOLDERS or not all(map(_WALLET_FOLDER.fullmatch, folders)):
        raise ConfigError(
            f"{name[:80]!r} is no name of a wallet here: a folder's, of up to 64 letters, digits,"
            f" spaces and . _ -, or up to {MAX_WALLET_FOLDERS} with / between"
        )
    return name


def script_threads(par: int = 0) -> int:
    """How many threads check scripts beside the first one.

    Args:
        par: as `-par`: so many threads in all; 0 for as many as there are processors, below 0 for
            so many less than that.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = par if par > 0 else (cores or 1) + par
    return min(max(threads - 1, 0), MAX_SCRIPT_THREADS)


def targets(endpoints: tuple[Endpoint, ...]) -> tuple[Target, ...]:
    """Endpoints as connections that the operator asks for."""
    return tuple([Target(str(endpoint), endpoint) for endpoint in endpoints])


def fixed_seeds(network: Network) -> tuple[NetAddress, ...]:
    """The addresses of a network that are built in."""
    found = [address_of(Endpoint.parse(text, network.port)) for text in network.fixed_seeds]
    return tuple([address for address in found if address is not None])


@dataclass(frozen=True, slots=True)
class Bind:
    """Where to listen for peers.

    Args:
        onion: who connects here comes through Tor.
        permissions: what they get (`-whitebind`).
    """

    endpoint: Endpoint
    onion: bool = False
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Whitelisted:
    """Permissions for the peers of one address or network.

    Args:
        inbound: for those who connect to us.
        outbound: for those whom the operator had us dial.
    """

    network: IpNetwork
    permissions: frozenset[str]
    inbound: bool = True
    outbound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSettings:
    """How a full node meets its peers.

    Args:
        binds: where it listens; empty if it does not.
        port: where it listens by default, and the port of a bare address; None for the network's.
        connect: the only peers to dial; empty for none, None for automatic ones.
        addnode: peers to stay connected to besides.
        seednode: asked for addresses, then left.
        externalip: our own addresses, told to peers.
        discover: this machine's own addresses are found out, and peers are believed who say how
            they see us (`-discover`); None for: if we listen, and neither a proxy hides us nor an
            address of ours is named.
        dnsseed, forcednsseed, fixedseeds: where addresses come from when none are known.
        dns_seeds: names that are looked up then; None for the network's.
        onlynet: networks to dial in of our own accord; empty for all to which there is a way.
        cjdns_reachable: fc00::/8 is CJDNS (`-cjdnsreachable`): this machine has an address there.
        routes: the ways to other networks: proxies, and whether names may be looked up.
        timeout_us: how long a TCP connection may take (`-timeout`).
        tor: how Tor is asked for an onion service; None if it is not.
        i2p_accept: peers may dial us over I2P, where there is a way to it (`-i2pacceptincoming`).
        private_broadcast: callers' transactions go out privately alone (`-privatebroadcast`).
        v2_transport: connections are encrypted where the peer can (`-v2transport`, BIP 324).
        v2_only_clearnet: there are no others on IPv4 and IPv6 (`-v2onlyclearnet`).
        active: whether there is to be any connection at the start (`-networkactive`).
        relay_percent: of the inbound peers so many may have transactions, in percent.
        max_upload_bytes: in 24 hours, 0 for any number. whitelist: permissions by address.
        serve_filters, serve_bloom, stale_tips: BIP 157, 37, 332; asmap: an AS map, None for none.
        lab, announce_pool: loopback addresses count as routable; who comes is told of the pool.
        tx_send_rate: transactions a second announced to inbound peers.
        extra_transactions: kept beside the pool to make compact blocks whole.
    """

    binds: tuple[Bind, ...] = ()
    port: int | None = None
    connect: tuple[Endpoint, ...] | None = None
    addnode: tuple[Endpoint, ...] = ()
    seednode: tuple[Endpoint, ...] = ()
    externalip: tuple[Endpoint, ...] = ()
    discover: bool | None = None
    dnsseed: bool = True
    forcednsseed: bool = False
    fixedseeds: bool = True
    dns_seeds: tuple[str, ...] | None = None
    onlynet: tuple[str, ...] = ()
    cjdns_reachable: bool = False
    routes: Routes = DIRECT
    timeout_us: int = CONNECT_TIMEOUT
    tor: TorControl | None = None
    i2p_accept: bool = False
    private_broadcast: bool = False
    v2_transport: bool = True
    v2_only_clearnet: bool = False
    active: bool = True
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    relay_percent: int = DEFAULT_RELAY_PERCENT
    peer_timeout_s: int = 60
    bantime_s: int = DEFAULT_BAN_S
    max_upload_bytes: int = 0
    whitelist: tuple[Whitelisted, ...] = ()
    user_agent: str = USER_AGENT
    blocks_only: bool = False
    serve_filters: bool = True
    serve_bloom: bool = False
    stale_tips: bool = False
    lab: bool = False
    announce_pool: bool = False
    tx_send_rate: int = SEND_RATE
    asmap: Path | None = None
    extra_transactions: int = DEFAULT_EXTRA_TRANSACTIONS

    @property
    def discovers(self) -> bool:
        """`discover`, decided."""
        if self.discover is not None:
            return self.discover
        return bool(self.binds) and self.routes.ipv4 is None and not self.externalip

    def __post_init__(self) -> None:
        if self.connect is not None:
            require_endpoints("connect", self.connect)
        for name in ("addnode", "seednode", "externalip"):
            require_endpoints(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """Which blocks to build.

    Args:
        version: of the blocks; None for the usual one.
        logs_feerates: of what is put into a block (`-printpriority`).
    """

    max_weight_wu: int = MAX_BLOCK_WEIGHT
    reserved_weight_wu: int = 8_000
    min_feerate_sat_kvb: int = 1
    version: int | None = None
    logs_feerates: bool = False


@dataclass(frozen=True, slots=True)
class StartCheck:
    """What is looked at, beyond the last 6 blocks that libbitcoinkernel checks at each start.

    Args:
        blocks: how many, from the tip downwards; 0 or less for all.
        level: how closely, 0 to 4; see `verifychain`.
    """

    blocks: int = 6
    level: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FullNodeSettings:
    """All that a full node is told at its start.

    Args:
        network: whose chain.
        folder: this network's own; made if it is missing.
        rpc: None for no RPC server; wallets: None for none (`-disablewallet`).
        metrics: where `/metrics` and `/healthz` are served, to whoever reaches it; None for
            nowhere.
        dash_port: of the page of the node on loopback, 0 for any; None for no page.
        electrum: where wallets of the Electrum kind are served; None for nowhere.
        zmq: what is published over ZeroMQ, and where.
        minimum_chainwork: a chain with less work is not believed; None for the network's.
        max_tip_age_s: the first sync goes on while the tip is older.
        mocktime_s: seconds since 1970 instead of the clock; 0 for the clock.
        script_threads: that check scripts, besides the first; 0 for none. caches: of coins.
        filter_index: filters are kept (BIP 158); prune_target_bytes: `-prune`, None for none.
        indexes: background indexes to keep, as `getindexinfo` calls them (`indexfiles.INDEXES`).
        persist_mempool: the pool outlives the run; pool_version: of its file.
        reindex: build everything anew from the blocks; reindex_chainstate: what follows from them.
        blocks_dir: where `blocks` is; None for the folder. mask_blocks: new files are masked.
        load_blocks: files of blocks that are read at the start.
        stop_at_height: 0 for none; stop_after_import: once blocks are read.
        start_check: of the newest blocks; None for what libbitcoinkernel checks by itself.
        notify: commands to run. warnings: what callers are told, besides what comes up later.
        deprecated: what is answered as it was (`-deprecatedrpc`).
    """

    network: Network
    folder: Path
    peers: PeerSettings = PeerSettings()
    policy: Policy = field(default_factory=Policy)
    mining: MiningSettings = MiningSettings()
    rpc: RpcSettings | None = None
    wallets: NodeWalletSettings | None = field(default_factory=NodeWalletSettings)
    metrics: Endpoint | None = None
    dash_port: int | None = None
    electrum: ElectrumSettings | None = None
    zmq: tuple[ZmqNotifier, ...] = ()
    minimum_chainwork: int | None = None
    max_tip_age_s: int = MAX_TIP_AGE_S
    mocktime_s: int = 0
    script_threads: int = field(default_factory=script_threads)
    caches: CacheSizes = DEFAULT_CACHES
    filter_index: bool = True
    prune_target_bytes: int | None = None
    indexes: frozenset[str] = frozenset()
    persist_mempool: bool = True
    pool_version: int = POOL_VERSION
    reindex: bool = False
    reindex_chainstate: bool = False
    blocks_dir: Path | None = None
    mask_blocks: bool = False
    load_blocks: tuple[Path, ...] = ()
    stop_at_height: int = 0
    start_check: StartCheck | None = None
    stop_after_import: bool = False
    notify: NotifySettings = field(default_factory=NotifySettings)
    warnings: tuple[str, ...] = ()
    deprecated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", require_place(self.network, self.folder))
        require("peers", self.peers, PeerSettings, "PeerSettings")
        if self.peers.lab and not self.network.is_test:
            raise ConfigError(f"lab is for regtest only, not for {self.network.name}")

    @property
    def blocks_folder(self) -> Path:
        """Where the block files are."""
        base = self.folder if self.blocks_dir is None else self.blocks_dir / self.network.folder
        return base / "blocks"


@dataclass(frozen=True, slots=True)
class LightSettings:
    """How a light client meets its peers, and where it keeps what it learns.

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
        user_agent: told to peers (BIP 14).
        cjdns_reachable: fc00::/8 is CJDNS, and dialled.
        routes: the ways to other networks: proxies, and whether names may be looked up.
        onlynet: networks to dial in of our own accord; empty for all to which there is a way.
        timeout_us: how long a TCP connection may take.
        v2_transport: connections are encrypted where the peer can (BIP 324).
        tor: how Tor is asked for an onion service, where a wallet is to have one.
        partners: wallets that serve wallets, which are dialled by one that is opened.
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
    user_agent: str = WALLET_USER_AGENT
    cjdns_reachable: bool = False
    routes: Routes = DIRECT
    onlynet: tuple[str, ...] = ()
    timeout_us: int = CONNECT_TIMEOUT
    v2_transport: bool = True
    tor: TorAccess = field(default_factory=TorAccess)
    partners: tuple[PartnerAddress, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", require_place(self.network, self.folder))
        if self.connect is not None:
            require_endpoints("connect", self.connect)
        require_endpoints("added", self.added)

    @property
    def light_folder(self) -> Path:
        """Where headers and peers are."""
        return self.folder / "light"

    def wallet_folder(self, name: str) -> Path:
        """Where the wallet of a name is.

        Raises:
            ConfigError: no wallet may have this name.
        """
        return self.folder / "wallets" / check_wallet_name(name)
