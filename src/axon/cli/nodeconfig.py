"""What a node is told at its start: all options, read, checked, and set against each other.

Names, units and defaults are Core's, but for these: filters are indexed and served, and the data
directory is `~/.axon`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.cli.catalogue import OPTIONS
from axon.cli.conf import Settings, load_settings
from axon.cli.logs import LogSettings, log_settings
from axon.cli.options import Value, as_flag
from axon.cli.peerconfig import PeerConfig, peer_config
from axon.cli.rpcconfig import RpcConfig, rpc_config
from axon.cli.values import read_money, read_uint256
from axon.errors import ConfigError
from axon.mempool.policy import Policy
from axon.primitives.network import NETWORKS, Network

MAX_CLUSTER_COUNT: Final = 64
MAX_BLOCK_WEIGHT: Final = 4_000_000
MIN_RESERVED_WEIGHT: Final = 2_000
BLOCKSONLY_MAX_MEMPOOL_MB: Final = 5
MAX_PARALLEL: Final = 15
"""Threads beside the first one that check scripts."""


@dataclass(frozen=True, slots=True)
class MiningConfig:
    """Which blocks to build.

    Args:
        version: of the blocks; None for the usual one.
    """

    max_weight_wu: int = MAX_BLOCK_WEIGHT
    reserved_weight_wu: int = 8_000
    min_feerate_sat_kvb: int = 1
    version: int | None = None


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """All that a node is told at its start.

    Args:
        datadir: the folder of all networks; folder: this network's, below it.
        minimum_chainwork: a chain with less work is not believed.
        max_tip_age_s: the first sync goes on while the tip is older.
        mocktime_s: seconds since 1970 instead of the clock; 0 for the clock.
        script_threads: that check scripts, besides the first; 0 for none.
        reindex: build everything anew from the blocks; reindex_chainstate: what follows from them.
        rpc: None with `-server=0`.
        warnings: sentences for the log.
        unused: likewise, on options that are known but do nothing here.
        settings: everything that was set, for the log.
    """

    network: Network
    datadir: Path
    folder: Path
    pid_file: Path | None
    peers: PeerConfig
    policy: Policy
    mining: MiningConfig
    log: LogSettings
    rpc: RpcConfig | None
    minimum_chainwork: int
    max_tip_age_s: int
    mocktime_s: int
    script_threads: int
    filter_index: bool
    persist_mempool: bool
    reindex: bool
    reindex_chainstate: bool
    daemon: bool
    warnings: tuple[str, ...]
    unused: tuple[str, ...]
    settings: Settings = field(repr=False)


def wants_help(settings: dict[str, list[Value]]) -> bool:
    """Whether a command line asks for the help text."""
    return any(name in settings for name in ("help", "h", "?", "help-debug"))


def wants_version(settings: dict[str, list[Value]]) -> bool:
    """Whether a command line asks for the version."""
    return "version" in settings and as_flag(settings["version"][-1])


def load_node_config(command_line: dict[str, list[Value]], home: Path | None = None) -> NodeConfig:
    """The whole configuration of a node.

    Args:
        command_line: as `parse_command_line` gives it.
        home: in which the default data directory lies; None for the user's.

    Raises:
        ConfigError: one sentence says what is wrong.
    """
    settings, datadir = load_settings(OPTIONS, command_line, home or Path.home())
    network = NETWORKS[settings.chain]
    folder = datadir / network.folder
    filter_index = _filter_index(settings)
    peers = peer_config(settings, network, filter_index)
    unused = [
        f"axon has no use for -{name}"
        for name, option in OPTIONS.items()
        if option.help is None and settings.value(name) is not None
    ]
    return NodeConfig(
        network=network,
        datadir=datadir,
        folder=folder,
        pid_file=settings.path("pid", folder, "axon.pid"),
        peers=peers,
        policy=_policy(settings, network),
        mining=_mining(settings, network),
        log=log_settings(settings, folder),
        rpc=rpc_config(settings, network, folder) if settings.flag("server", True) else None,
        minimum_chainwork=_minimum_chainwork(settings, network),
        max_tip_age_s=settings.number("maxtipage", 24 * 60 * 60),
        mocktime_s=_mocktime(settings),
        script_threads=_script_threads(settings.number("par", 0)),
        filter_index=filter_index,
        persist_mempool=settings.flag("persistmempool", True),
        reindex=settings.flag("reindex", False),
        reindex_chainstate=settings.flag("reindex-chainstate", False),
        daemon=settings.flag("daemon", False) or settings.flag("daemonwait", False),
        warnings=tuple(settings.warnings),
        unused=tuple(unused),
        settings=settings,
    )


def _filter_index(settings: Settings) -> bool:
    value = settings.text("blockfilterindex", "basic")
    if value in ("", "1"):
        return True
    if value == "0":
        return False
    for name in settings.values("blockfilterindex") or ["basic"]:
        if name != "basic":
            raise ConfigError(f"Unknown -blockfilterindex value {name}.")
    return True


def _policy(settings: Settings, network: Network) -> Policy:
    usual = Policy()
    nonstandard = settings.flag("acceptnonstdtxn", False)
    if nonstandard and network.name == "main":
        raise ConfigError("acceptnonstdtxn is not currently supported for main chain")
    cluster_count = settings.number("limitclustercount", usual.cluster_count)
    if not 0 < cluster_count <= MAX_CLUSTER_COUNT:
        raise ConfigError(f"limitclustercount must be between 1 and {MAX_CLUSTER_COUNT}")
    cluster_kvb = settings.number("limitclustersize", usual.cluster_vsize // 1_000)
    if cluster_kvb <= 0:
        raise ConfigError("limitclustersize must be a positive integer.")
    blocks_only = settings.flag("blocksonly", False)
    max_mb = settings.number("maxmempool", BLOCKSONLY_MAX_MEMPOOL_MB if blocks_only else 300)
    incremental = _feerate(settings, "incrementalrelayfee", usual.incremental_feerate_sat_kvb)
    # Whoever raises the increment alone means the minimum, too.
    floor = max(incremental, usual.min_relay_feerate_sat_kvb)
    carries = settings.flag("datacarrier", True)
    data_bytes = max(0, settings.number("datacarriersize", usual.max_datacarrier_bytes))
    return Policy(
        max_mempool_bytes=max_mb * 1_000_000,
        expiry_s=settings.number("mempoolexpiry", usual.expiry_s // 3_600) * 3_600,
        min_relay_feerate_sat_kvb=_feerate(settings, "minrelaytxfee", floor),
        incremental_feerate_sat_kvb=incremental,
        dust_feerate_sat_kvb=_feerate(settings, "dustrelayfee", usual.dust_feerate_sat_kvb),
        bytes_per_sigop=settings.number("bytespersigop", usual.bytes_per_sigop),
        require_standard=not nonstandard,
        permit_bare_multisig=settings.flag("permitbaremultisig", True),
        max_datacarrier_bytes=data_bytes if carries else 0,
        cluster_count=cluster_count,
        cluster_vsize=cluster_kvb * 1_000,
    )


def _feerate(settings: Settings, name: str, default: int) -> int:
    return read_money(name, settings.text(name)) if settings.is_set(name) else default


def _mining(settings: Settings, network: Network) -> MiningConfig:
    usual = MiningConfig()
    max_weight = settings.number("blockmaxweight", usual.max_weight_wu)
    if max_weight > MAX_BLOCK_WEIGHT:
        raise ConfigError(
            f"Specified -blockmaxweight ({max_weight}) "
            f"exceeds consensus maximum block weight ({MAX_BLOCK_WEIGHT})"
        )
    reserved = settings.number("blockreservedweight", usual.reserved_weight_wu)
    if reserved > MAX_BLOCK_WEIGHT:
        raise ConfigError(
            f"Specified -blockreservedweight ({reserved}) "
            f"exceeds consensus maximum block weight ({MAX_BLOCK_WEIGHT})"
        )
    if reserved < MIN_RESERVED_WEIGHT:
        raise ConfigError(
            f"Specified -blockreservedweight ({reserved}) "
            f"is lower than minimum safety value of ({MIN_RESERVED_WEIGHT})"
        )
    given = settings.is_set("blockversion") and network.name == "regtest"
    return MiningConfig(
        max_weight_wu=max(reserved, max_weight),
        reserved_weight_wu=reserved,
        min_feerate_sat_kvb=_feerate(settings, "blockmintxfee", usual.min_feerate_sat_kvb),
        version=settings.number("blockversion", 0) if given else None,
    )


def _minimum_chainwork(settings: Settings, network: Network) -> int:
    if not settings.is_set("minimumchainwork"):
        return network.minimum_chainwork
    text = settings.text("minimumchainwork")
    work = read_uint256(text)
    if work is None:
        raise ConfigError(f"Invalid minimum work specified ({text}), must be up to 64 hex digits")
    return work


def _mocktime(settings: Settings) -> int:
    time_s = settings.number("mocktime", 0)
    if time_s < 0:
        raise ConfigError(f"-mocktime must not be negative ({time_s})")
    return time_s


def _script_threads(par: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = par if par > 0 else (cores or 1) + par
    return min(max(threads - 1, 0), MAX_PARALLEL)
