"""What a node is told at its start: all options, read, checked, and set against each other.

Names, units and defaults are Core's, but for these: filters are indexed and served, and the data
directory is `~/.axon`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.chain.cachesizes import DEFAULT_MIB, VERIFIED_MIB, CacheSizes
from axon.cli.background import Background
from axon.cli.catalogue import OPTIONS
from axon.cli.chainrules import read_network
from axon.cli.conf import Settings, load_settings
from axon.cli.electrumconfig import electrum_config
from axon.cli.logs import log_settings
from axon.cli.nodefiles import (
    blocks_dir,
    check_ignored_conf,
    files_to_load,
    read_stored,
    settings_path,
)
from axon.cli.options import Value, as_flag
from axon.cli.peerconfig import peer_config
from axon.cli.rpcconfig import dash_port, metrics_endpoint, rpc_config
from axon.cli.undone import judge_undone
from axon.cli.values import read_money, read_uint256
from axon.cli.walletconfig import wallet_config
from axon.cli.zmqconfig import zmq_config
from axon.consensus import kernelcache
from axon.errors import ConfigError
from axon.host.logfile import LogSettings
from axon.host.notifycommands import NotifySettings
from axon.host.settings import (
    MAX_BLOCK_WEIGHT,
    FullNodeSettings,
    MiningSettings,
    StartCheck,
    script_threads,
)
from axon.mempool.persist import VERSION, VERSION_PLAIN
from axon.mempool.policy import Policy
from axon.node.settings import MAX_TIP_AGE_S
from axon.primitives.network import Network

INDEXES: Final = ("txindex", "coinstatsindex", "txospenderindex")
"""Options that switch on an index of this name."""

NEED_ALL_BLOCKS: Final = ("txindex", "txospenderindex")
"""Those that lead to blocks, also old ones."""

MAX_CLUSTER_COUNT: Final = 64
MIN_RESERVED_WEIGHT: Final = 2_000
BLOCKSONLY_MAX_MEMPOOL_MB: Final = 5
PRUNE_BY_HAND: Final = 1
MIN_PRUNE_MIB: Final = 550
"""Room for 288 blocks and their undo data, and for files to be filled."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One call of `axon node`.

    Args:
        node: what the node itself is told.
        datadir: the folder of all networks.
        pid_file: None for none.
        background: whether to go on there.
        settings_file: that of settings which the node keeps; None for none.
        warnings: sentences for the log.
        notices: likewise, and for whoever starts the program.
        settings: everything that was set, for the log.
    """

    node: FullNodeSettings
    datadir: Path
    pid_file: Path | None
    log: LogSettings
    background: Background
    settings_file: Path | None
    warnings: tuple[str, ...]
    notices: tuple[str, ...]
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
    home = home or Path.home()
    settings, datadir = load_settings(OPTIONS, command_line, home)
    network = read_network(settings)
    folder = datadir / network.folder
    check_ignored_conf(settings, datadir, home)
    read_stored(settings, folder)
    settings.refuse_misplaced()
    prune_target_bytes = _prune_target(settings)
    _check_tests(settings, network)
    undone = judge_undone(settings) + _assumevalid(settings, network) + _caches_kept(settings)
    settings.notices += undone
    filter_index = _filter_index(settings)
    peers = peer_config(settings, network, folder, filter_index)
    load_blocks = files_to_load(settings)
    return NodeConfig(
        node=FullNodeSettings(
            network=network,
            folder=folder,
            peers=peers,
            policy=_policy(settings, network),
            mining=_mining(settings, network),
            rpc=rpc_config(settings, network, folder) if settings.flag("server", True) else None,
            wallets=wallet_config(settings, folder),
            metrics=metrics_endpoint(settings),
            dash_port=dash_port(settings),
            electrum=electrum_config(
                settings, network, folder, prunes=settings.number("prune", 0) != 0
            ),
            zmq=zmq_config(settings),
            minimum_chainwork=_minimum_chainwork(settings, network),
            max_tip_age_s=settings.number("maxtipage", MAX_TIP_AGE_S),
            mocktime_s=_mocktime(settings),
            script_threads=script_threads(settings.number("par", 0)),
            caches=CacheSizes.within(
                settings.number("dbcache", DEFAULT_MIB),
                settings.number("maxsigcachesize", VERIFIED_MIB),
            ),
            filter_index=filter_index,
            indexes=frozenset([name for name in INDEXES if settings.flag(name, False)]),
            prune_target_bytes=prune_target_bytes,
            persist_mempool=settings.flag("persistmempool", True),
            reindex=settings.flag("reindex", False),
            reindex_chainstate=settings.flag("reindex-chainstate", False),
            pool_version=VERSION_PLAIN if settings.flag("persistmempoolv1", False) else VERSION,
            blocks_dir=blocks_dir(settings),
            mask_blocks=settings.flag("blocksxor", False),
            load_blocks=load_blocks,
            start_check=_start_check(settings),
            stop_at_height=settings.number("stopatheight", 0),
            stop_after_import=settings.flag("stopafterblockimport", False),
            notify=_notify(settings),
            warnings=tuple(undone),
            deprecated=frozenset(settings.values("deprecatedrpc")),
        ),
        datadir=datadir,
        pid_file=settings.path("pid", folder, "axon.pid"),
        log=log_settings(settings, folder),
        background=_background(settings),
        settings_file=settings_path(settings, folder),
        warnings=tuple(settings.warnings),
        notices=tuple(settings.notices),
        settings=settings,
    )


def _caches_kept(settings: Settings) -> list[str]:
    """A warning where the library cannot be told how much it may keep in memory."""
    if not settings.is_set("dbcache") or kernelcache.is_possible():
        return []
    return [
        "Option '-dbcache' is set but done by halves: this build of libbitcoinkernel keeps up to "
        f"{DEFAULT_MIB} MiB of coins in memory whatever it says."
    ]


def _prune_target(settings: Settings) -> int | None:
    """In bytes; 0 for pruning by hand, None for none."""
    size_mib = settings.number("prune", 0)
    if size_mib < 0:
        raise ConfigError("Prune cannot be configured with a negative value.")
    if not size_mib:
        return None
    for name in NEED_ALL_BLOCKS:
        if settings.flag(name, False):
            raise ConfigError(f"Prune mode is incompatible with -{name}.")
    if settings.flag("reindex-chainstate", False):
        raise ConfigError(
            "Prune mode is incompatible with -reindex-chainstate. Use full -reindex instead."
        )
    if size_mib == PRUNE_BY_HAND:
        return 0
    if size_mib < MIN_PRUNE_MIB:
        raise ConfigError(
            f"Prune configured below the minimum of {MIN_PRUNE_MIB} MiB.  Please use a higher"
            " number."
        )
    return size_mib * 1024 * 1024


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


def _background(settings: Settings) -> Background:
    if settings.flag("daemonwait", False):
        return Background.ONCE_READY
    return Background.AT_ONCE if settings.flag("daemon", False) else Background.NONE


def _start_check(settings: Settings) -> StartCheck | None:
    """The kernel's own check is what is meant by the defaults."""
    usual = StartCheck()
    check = StartCheck(
        settings.number("checkblocks", usual.blocks), settings.number("checklevel", usual.level)
    )
    return None if check == usual else check


def _notify(settings: Settings) -> NotifySettings:
    return NotifySettings(
        block=settings.text("blocknotify"),
        alert=settings.text("alertnotify"),
        startup=settings.text("startupnotify"),
        shutdown=tuple(settings.values("shutdownnotify")),
    )


def _check_tests(settings: Settings, network: Network) -> None:
    """Options that are for regtest alone, whatever they say there."""
    if network.name == "regtest":
        return
    if settings.values("test"):
        raise ConfigError("-test=<option> can only be used with regtest")
    if settings.flag("acceptstalefeeestimates", False):
        raise ConfigError(f"acceptstalefeeestimates is not supported on {network.name} chain.")


def _assumevalid(settings: Settings, network: Network) -> list[str]:
    """A warning, for below which block scripts need no check is built into libbitcoinkernel.

    Raises:
        ConfigError: it is no hash, or no script is to go unchecked where some do.
    """
    if not settings.is_set("assumevalid"):
        return []
    text = settings.text("assumevalid")
    block = read_uint256(text)
    if block is None:
        raise ConfigError(
            f"Invalid assumevalid block hash specified ({text}), must be up to 64 hex digits "
            "(or 0 to disable)"
        )
    if block == 0 and network.name != "regtest":
        raise ConfigError(
            "-assumevalid=0 is not done: the block whose ancestors count as valid is built "
            "into libbitcoinkernel. Start without it."
        )
    if not block:
        return []
    return [
        "Option '-assumevalid' is set but not done: libbitcoinkernel goes by the block that is "
        "built into it. This option has no effect."
    ]


def _policy(settings: Settings, network: Network) -> Policy:
    usual = Policy()
    nonstandard = settings.flag("acceptnonstdtxn", False)
    if nonstandard and network.name == "main":
        raise ConfigError("acceptnonstdtxn is not currently supported for main chain")
    cluster_count = settings.number("limitclustercount", usual.cluster_count)
    if cluster_count > MAX_CLUSTER_COUNT:
        raise ConfigError(f"limitclustercount must be less than or equal to {MAX_CLUSTER_COUNT}")
    if cluster_count <= 0:
        raise ConfigError("limitclustercount must be a positive integer.")
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


def _mining(settings: Settings, network: Network) -> MiningSettings:
    usual = MiningSettings()
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
    return MiningSettings(
        max_weight_wu=max(reserved, max_weight),
        reserved_weight_wu=reserved,
        min_feerate_sat_kvb=_feerate(settings, "blockmintxfee", usual.min_feerate_sat_kvb),
        version=settings.number("blockversion", 0) if given else None,
        logs_feerates=settings.flag("printpriority", False),
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
