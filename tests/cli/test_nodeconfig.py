"""A node's configuration: defaults, what options do to each other, and what is refused."""

from __future__ import annotations

import ipaddress
import tomllib
from pathlib import Path

import pytest

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes
from axon.cli.background import Background
from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import NodeConfig, load_node_config, wants_help, wants_version
from axon.cli.options import parse_command_line
from axon.cli.peerconfig import user_agent
from axon.consensus import kernelcache
from axon.errors import ConfigError
from axon.host.machinesettings import machine_settings
from axon.host.settings import Bind, Whitelisted
from axon.host.version import VERSION
from axon.machine import Endpoint
from axon.mempool.policy import Policy
from axon.node.settings import NodeSettings
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.primitives.netaddress import AddressNetwork
from axon.primitives.network import MAINNET, REGTEST


def config(*arguments: str) -> NodeConfig:
    return load_node_config(parse_command_line(arguments, OPTIONS), Path("/nohome"))


def test_defaults() -> None:
    made = config()
    assert made.node.network is MAINNET
    assert made.node.folder == Path("/nohome/.axon")
    assert made.pid_file == Path("/nohome/.axon/axon.pid")
    assert made.node.policy == Policy()
    assert made.node.filter_index
    assert made.node.peers.serve_filters
    assert made.node.peers.connect is None
    assert made.node.peers.binds == (
        Bind(Endpoint("::", 8333)),
        Bind(Endpoint("0.0.0.0", 8333)),
        Bind(Endpoint("127.0.0.1", 8334), onion=True),
    )
    assert made.node.peers.max_connections == 200
    assert made.node.peers.user_agent == f"/axon:{VERSION}/"
    assert not made.node.peers.lab
    assert not made.node.peers.announce_pool
    assert (made.node.persist_mempool, made.background) == (True, Background.NONE)
    assert made.node.minimum_chainwork == MAINNET.minimum_chainwork
    assert made.node.max_tip_age_s == 24 * 3600
    assert made.node.mining.min_feerate_sat_kvb == 1
    assert made.log.file == Path("/nohome/.axon/debug.log")
    assert made.log.console
    assert made.node.rpc is not None
    assert made.node.rpc.server.endpoints == (Endpoint("::1", 8332), Endpoint("127.0.0.1", 8332))
    assert made.node.rpc.cookie == Path("/nohome/.axon/.cookie")
    assert made.warnings == ()


def test_the_pool_is_announced_where_it_is_wanted_and_in_a_lab() -> None:
    assert config("-announcepool").node.peers.announce_pool
    assert config("-regtest", "-lab").node.peers.announce_pool
    assert not config("-regtest", "-lab", "-noannouncepool").node.peers.announce_pool


def test_the_network_folder() -> None:
    made = config("-regtest")
    assert (made.node.network, made.node.folder) == (REGTEST, Path("/nohome/.axon/regtest"))
    assert config("-chain=test").node.folder == Path("/nohome/.axon/testnet3")


def test_a_launcher() -> None:
    made = config(
        "-regtest", "-port=11000", "-rpcport=16000", "-connect=0", "-listen=1", "-bind=127.0.0.1",
        "-bind=127.0.0.1:18445=onion", "-dnsseed=0", "-natpmp=0", "-maxconnections=94", "-par=1",
        "-rpcthreads=2", "-rpcservertimeout=99000", "-printtoconsole=0", "-nodaemon",
    )  # fmt: skip
    assert made.node.peers.connect == ()
    assert made.node.peers.binds == (
        Bind(Endpoint("127.0.0.1", 11000)),
        Bind(Endpoint("127.0.0.1", 18445), onion=True),
    )
    assert made.node.peers.max_connections == 94
    assert not made.log.console
    assert made.node.script_threads == 0
    assert made.node.rpc is not None
    assert made.node.rpc.server.endpoints[1] == Endpoint("127.0.0.1", 16000)
    assert made.node.rpc.server.timeout_s == 99000
    assert made.node.rpc.server.max_calls == 66
    assert made.notices == ()
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("arguments", "listens", "seeds"),
    [
        ([], True, True),
        (["-connect=1.2.3.4"], False, False),
        (["-noconnect"], False, False),
        (["-connect=0", "-listen"], True, False),
        (["-connect=1.2.3.4", "-bind=127.0.0.1"], True, False),
        (["-maxconnections=0"], False, False),
        (["-proxy=127.0.0.1:9050"], False, True),
        (["-proxy=0"], True, True),
        (["-noproxy"], True, True),
        (["-nolisten"], False, True),
        (["-whitebind=noban@127.0.0.1:5", "-connect=0"], True, False),
        (["-onlynet=onion"], True, False),
        (["-onlynet=onion", "-onlynet=ipv6"], True, True),
        (["-connect=0", "-dnsseed"], False, True),
    ],
)
def test_who_listens_and_who_asks_dns(arguments: list[str], listens: bool, seeds: bool) -> None:
    peers = config(*arguments).node.peers
    assert bool(peers.binds) is listens
    assert peers.dnsseed is seeds


def test_whom_to_dial() -> None:
    peers = config(
        "-regtest", "-connect=1.2.3.4", "-connect=[::1]:5", "-addnode=a.example"
    ).node.peers
    assert peers.connect == (Endpoint("1.2.3.4", 18444), Endpoint("::1", 5))
    assert peers.addnode == (Endpoint("a.example", 18444),)


@pytest.mark.parametrize(
    ("arguments", "index", "served"),
    [
        ([], True, True),
        (["-blockfilterindex=0"], False, False),
        (["-noblockfilterindex"], False, False),
        (["-blockfilterindex"], True, True),
        (["-blockfilterindex=basic", "-peerblockfilters=0"], True, False),
    ],
)
def test_filters(arguments: list[str], index: bool, served: bool) -> None:
    made = config(*arguments)
    assert (made.node.filter_index, made.node.peers.serve_filters) == (index, served)


def test_policy() -> None:
    made = config(
        "-regtest", "-maxmempool=5", "-mempoolexpiry=1", "-minrelaytxfee=0.00001",
        "-incrementalrelayfee=0.00002", "-dustrelayfee=0", "-bytespersigop=5", "-acceptnonstdtxn",
        "-permitbaremultisig=0", "-datacarriersize=83", "-limitclustercount=10",
        "-limitclustersize=50",
    ).node.policy  # fmt: skip
    assert made == Policy(
        max_mempool_bytes=5_000_000,
        expiry_s=3600,
        min_relay_feerate_sat_kvb=1000,
        incremental_feerate_sat_kvb=2000,
        dust_feerate_sat_kvb=0,
        bytes_per_sigop=5,
        require_standard=False,
        permit_bare_multisig=False,
        max_datacarrier_bytes=83,
        cluster_count=10,
        cluster_vsize=50_000,
    )
    assert config("-datacarrier=0").node.policy.max_datacarrier_bytes == 0
    assert config("-incrementalrelayfee=0.00002").node.policy.min_relay_feerate_sat_kvb == 2000
    assert config("-blocksonly").node.policy.max_mempool_bytes == 5_000_000


def test_mining() -> None:
    made = config("-regtest", "-blockmaxweight=9000", "-blockmintxfee=0.00001", "-blockversion=7")
    assert made.node.mining.max_weight_wu == 9000
    assert made.node.mining.min_feerate_sat_kvb == 1000
    assert made.node.mining.version == 7
    assert config("-blockversion=7").node.mining.version is None
    assert config("-blockmaxweight=0").node.mining.max_weight_wu == 8000


def test_permissions() -> None:
    usual = frozenset({"noban", "download", "mempool", "relay"})

    def only(*arguments: str) -> Whitelisted:
        (entry,) = config(*arguments).node.peers.whitelist
        return entry

    network = ipaddress.ip_network("1.2.3.0/24")
    assert only("-whitelist=1.2.3.4/24") == Whitelisted(network, usual)
    assert only("-whitelist=1.2.3.4/24", "-blocksonly").permissions == usual - {"relay"}
    assert only("-whitelist=1.2.3.4/24", "-whitelistforcerelay").permissions == usual | {
        "forcerelay"
    }
    assert only("-whitelist=1.2.3.4/24", "-whitelistrelay=0").permissions == usual - {"relay"}
    assert only("-whitelist=noban@1.2.3.0/24").permissions == {"noban", "download"}
    assert only("-whitelist=bloom,forcerelay@::1").permissions == {
        "bloomfilter",
        "forcerelay",
        "relay",
    }
    assert len(only("-whitelist=all@::1").permissions) == 7
    assert only("-whitelist=@::1").permissions == frozenset()
    both = only("-whitelist=in,out,addr@::1")
    assert (both.inbound, both.outbound) == (True, True)
    outbound = only("-whitelist=out,addr@::1")
    assert (outbound.inbound, outbound.outbound) == (False, True)
    assert config("-whitebind=in,noban@127.0.0.1:5").node.peers.binds[0].permissions == {
        "noban",
        "download",
    }
    made = config("-whitebind=addr@127.0.0.1:5", "-whitebind=127.0.0.2:6")
    assert made.node.peers.binds == (
        Bind(Endpoint("127.0.0.1", 5), permissions=frozenset({"addr"})),
        Bind(Endpoint("127.0.0.2", 6), permissions=usual),
        Bind(Endpoint("127.0.0.1", 8334), onion=True),
    )


def test_rpc() -> None:
    made = config("-rpcuser=u", "-rpcpassword=open-sesame").node.rpc
    assert made is not None
    assert made.cookie is None
    assert "open-sesame" not in repr(made)
    assert made.make_credentials().user_of("Basic dTpvcGVuLXNlc2FtZQ==") == "u"
    assert config("-norpccookiefile").node.rpc.cookie is None  # type: ignore[union-attr]
    assert config("-noserver").node.rpc is None
    made = config(
        "-rpcbind=127.1.0.1:7", "-rpcallowip=10.0.0.0/8", "-rpccookieperms=group"
    ).node.rpc
    assert made is not None
    assert made.server.endpoints == (Endpoint("127.1.0.1", 7),)
    assert made.server.allowed == (ipaddress.ip_network("10.0.0.0/8"),)
    assert made.cookie_mode == 0o640


def test_rpcbind_alone_is_not_enough() -> None:
    made = config("-rpcbind=0.0.0.0")
    assert made.node.rpc is not None
    assert made.node.rpc.server.endpoints == (Endpoint("::1", 8332), Endpoint("127.0.0.1", 8332))
    assert any("-rpcbind was specified without -rpcallowip" in text for text in made.warnings)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-port=x"], "Invalid port specified in -port: 'x'"),
        (["-port=0"], "Invalid port specified in -port: '0'"),
        (["-rpcport=65536"], "Invalid port specified in -rpcport: '65536'"),
        (["-maxconnections=-1"], "-maxconnections must be greater or equal than zero"),
        (["-peertimeout=0"], "peertimeout must be a positive integer."),
        (["-blockfilterindex=x"], "Unknown -blockfilterindex value x."),
        (
            ["-peerblockfilters", "-blockfilterindex=0"],
            "Cannot set -peerblockfilters without -blockfilterindex.",
        ),
        (
            ["-forcednsseed", "-nodnsseed"],
            "Cannot set -forcednsseed to true when setting -dnsseed to false.",
        ),
        (
            ["-bind=127.0.0.1", "-listen=0"],
            "Cannot set -bind or -whitebind together with -listen=0",
        ),
        (["-bind=nope"], "Cannot resolve -bind address: 'nope'"),
        (["-bind=127.0.0.1=onionx"], "Cannot resolve -bind address: '127.0.0.1=onionx'"),
        (["-whitelist=x@127.0.0.1"], "Invalid P2P permission: 'x'"),
        (["-whitelist=in@::1"], "Only direction was set, no permissions: 'in@::1'"),
        (["-whitelist=out,@x"], "Only direction was set, no permissions: 'out,@x'"),
        (["-whitebind=in@127.0.0.1:5"], "Only direction was set, no permissions: 'in@127.0.0.1:5'"),
        (
            ["-whitebind=noban,out@127.0.0.1:5"],
            'whitebind may only be used for incoming connections ("out" was passed)',
        ),
        (["-txsendrate=0"], "-txsendrate must be greater than zero"),
        (["-inboundrelaypercent=101"], "-inboundrelaypercent must be between 0 and 100"),
        (["-inboundrelaypercent=-1"], "-inboundrelaypercent must be between 0 and 100"),
        (["-whitelist=noban@x"], "Invalid netmask specified in -whitelist: 'x'"),
        (["-whitebind=127.0.0.1"], "Need to specify a port with -whitebind: '127.0.0.1'"),
        (["-onlynet=x"], "Unknown network specified in -onlynet: 'x'"),
        (
            ["-onlynet=cjdns"],
            "Outbound connections restricted to CJDNS (-onlynet=cjdns) but -cjdnsreachable is not "
            "provided",
        ),
        (["-asmap"], "Embedded asmap data not available"),
        (["-maxuploadtarget=x"], "Unable to parse -maxuploadtarget: 'x'"),
        (["-minrelaytxfee=x"], "Invalid amount for -minrelaytxfee=<amount>: 'x'"),
        (["-acceptnonstdtxn"], "acceptnonstdtxn is not currently supported for main chain"),
        (["-maxmempool=4"], "-maxmempool must be at least 5 MB"),
        (["-limitclustercount=65"], "limitclustercount must be less than or equal to 64"),
        (["-limitclustercount=0"], "limitclustercount must be a positive integer."),
        (["-test=addrman"], "-test=<option> can only be used with regtest"),
        (
            ["-acceptstalefeeestimates"],
            "acceptstalefeeestimates is not supported on main chain.",
        ),
        (["-blocksdir=/nohome/x"], 'Specified blocks directory "/nohome/x" does not exist.'),
        (["-blocksdir="], 'Specified blocks directory "" does not exist.'),
        (
            ["-torcontrol=a:b", "-listenonion=0"],
            "Invalid port specified in -torcontrol: 'a:b'",
        ),
        (
            ["-bind=127.0.0.1:5", "-whitebind=noban@127.0.0.1:5"],
            "Duplicate binding configuration for address 127.0.0.1:5. Please check your -bind, "
            "-bind=...=onion and -whitebind settings.",
        ),
        (
            ["-bind=127.0.0.1:5", "-bind=127.0.0.1:5=onion"],
            "Duplicate binding configuration for address 127.0.0.1:5. Please check your -bind, "
            "-bind=...=onion and -whitebind settings.",
        ),
        (
            ["-blockmaxweight=4000001"],
            "Specified -blockmaxweight (4000001) exceeds consensus maximum block weight (4000000)",
        ),
        (
            ["-blockreservedweight=1999"],
            "Specified -blockreservedweight (1999) is lower than minimum safety value of (2000)",
        ),
        (
            ["-minimumchainwork=x"],
            "Invalid minimum work specified (x), must be up to 64 hex digits",
        ),
        (["-uacomment=a(b"], "User Agent comment (a(b) contains unsafe characters."),
        (["-debug=x"], "Unsupported logging category -debug=x."),
        (["-debugexclude=x"], "Unsupported logging category -debugexclude=x."),
        (["-lab"], "-lab can only be used with regtest"),
        (["-rpcauth=x"], "Invalid -rpcauth argument."),
        (
            ["-rpccookieperms=x"],
            "Invalid -rpccookieperms=x; must be one of 'owner', 'group', or 'all'.",
        ),
        (["-mocktime=-1"], "-mocktime must not be negative (-1)"),
    ],
)
def test_nonsense(arguments: list[str], reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(*arguments)
    assert str(caught.value) == reason


def test_unusable_networks_and_levels() -> None:
    with pytest.raises(ConfigError, match="Invalid -rpcallowip subnet specification: x"):
        config("-rpcallowip=x")
    with pytest.raises(ConfigError, match="Unsupported global logging level -loglevel=x"):
        config("-loglevel=x")
    with pytest.raises(ConfigError, match="Unsupported category-specific logging level"):
        config("-loglevel=net:x")


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ([], None),
        (["-metrics"], "127.0.0.1:9332"),
        (["-metrics=1"], "127.0.0.1:9332"),
        (["-metrics=127.3.0.1"], "127.3.0.1:9332"),
        (["-metrics=[::1]:7"], "[::1]:7"),
        (["-metrics", "-metrics=0"], None),
        (["-metrics", "-nometrics"], None),
    ],
)
def test_where_metrics_are_served(arguments: list[str], where: str | None) -> None:
    made = config("-regtest", *arguments)
    assert (None if made.node.metrics is None else str(made.node.metrics)) == where
    assert made.warnings == ()


def test_metrics_that_others_reach_are_warned_of() -> None:
    made = config("-metrics=0.0.0.0:7")
    assert made.node.metrics == Endpoint("0.0.0.0", 7)
    assert ["there is no password" in text for text in made.warnings] == [True]


def test_the_name_of_the_node() -> None:
    assert user_agent(["a", "b"]) == f"/axon:{VERSION}(a; b)/"
    rest = 256 - len(user_agent(["a"])) + 1
    assert len(user_agent(["a" * rest])) == 256
    with pytest.raises(ConfigError, match=r"Total length of network version string \(257\)"):
        user_agent(["a" * (rest + 1)])


def test_the_version_is_the_packages() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == VERSION


def test_how_much_of_the_coins_is_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config().node.caches == DEFAULT_CACHES
    assert config("-dbcache=1000").node.caches == CacheSizes.within(1000)
    assert config("-dbcache=-1").node.caches == CacheSizes.within(4)
    small = config("-maxsigcachesize=1").node.caches
    assert small == CacheSizes.within(450, 1) != DEFAULT_CACHES
    monkeypatch.setattr(kernelcache, "is_possible", lambda: False)
    assert config().node.warnings == ()
    assert config("-dbcache=1000").node.warnings == (
        "Option '-dbcache' is set but done by halves: this build of libbitcoinkernel keeps up to "
        "450 MiB of coins in memory whatever it says.",
    )


def test_threads_that_check_scripts() -> None:
    assert config("-par=1").node.script_threads == 0
    assert config("-par=4").node.script_threads == 3
    assert config("-par=100").node.script_threads == 15
    assert config("-par=-1000").node.script_threads == 0


def test_help_and_version() -> None:
    def parse(*arguments: str) -> dict[str, list[str | bool]]:
        return parse_command_line(arguments, OPTIONS)

    assert all(wants_help(parse(word)) for word in ("-help", "--help", "-h", "-?", "-help-debug"))
    assert not wants_help(parse("-regtest"))
    assert wants_version(parse("-version"))
    assert not wants_version(parse("-noversion"))


def test_logging() -> None:
    made = config("-debug=net", "-debug=rpc", "-debugexclude=rpc", "-logtimemicros", "-daemon").log
    assert made.categories == ("net",)
    assert made.microseconds
    assert not made.console
    assert not made.shrink
    assert config("-debug=net", "-debug=0", "-debug=rpc").log.categories == ("rpc",)
    everything = config("-debug", "-debugexclude=leveldb").log.categories
    assert "net" in everything
    assert "leveldb" not in everything
    assert config("-nodebuglogfile").log.file is None
    assert config("-loglevel=info", "-loglevel=net:trace").log.levels == {"net": "trace"}


def test_cjdns_is_reached_only_where_the_operator_says_so() -> None:
    def machine(*arguments: str) -> NodeSettings:
        return machine_settings(config("-externalip=fc00:1::1", *arguments).node, ())

    with_it, without = machine("-cjdnsreachable"), machine()
    assert AddressNetwork.CJDNS in with_it.connections.reachable
    assert AddressNetwork.CJDNS not in without.connections.reachable
    assert [own.network for own in with_it.own_addresses] == [AddressNetwork.CJDNS]
    assert [own.is_routable() for own in without.own_addresses] == [False]
    only = machine("-cjdnsreachable", "-onlynet=cjdns")
    assert only.connections.reachable == frozenset((AddressNetwork.CJDNS,))
    assert (
        AddressNetwork.CJDNS
        not in machine("-cjdnsreachable", "-onlynet=ipv4").connections.reachable
    )


def test_connections_are_encrypted_unless_the_operator_says_otherwise() -> None:
    def connections(*arguments: str) -> ConnectionsConfig:
        return machine_settings(config(*arguments).node, ()).connections

    assert (connections().v2, connections().v2_only_clearnet) == (True, False)
    assert not connections("-v2transport=0").v2
    assert connections("-v2onlyclearnet").v2_only_clearnet
    assert all(target.v2 for target in connections("-addnode=1.2.3.4").added)
    with pytest.raises(ConfigError, match="-v2onlyclearnet together with -v2transport=0"):
        config("-v2onlyclearnet", "-nov2transport")


@pytest.mark.parametrize(
    ("value", "target"),
    [(None, None), ("0", None), ("1", 0), ("550", 550 << 20), ("9000", 9000 << 20)],
)
def test_how_much_is_pruned(value: str | None, target: int | None) -> None:
    made = config(*([] if value is None else [f"-prune={value}"])).node
    assert made.prune_target_bytes == target
    machine = machine_settings(made, ())
    assert machine.prune_target_bytes == target
    assert machine.is_pruned is (target is not None)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["-prune=-1"], "Prune cannot be configured with a negative value."),
        (
            ["-prune=549"],
            "Prune configured below the minimum of 550 MiB.  Please use a higher number.",
        ),
        (["-prune=550", "-txindex"], "Prune mode is incompatible with -txindex."),
        (["-prune=1", "-txospenderindex=1"], "Prune mode is incompatible with -txospenderindex."),
        (
            ["-prune=1", "-reindex-chainstate"],
            "Prune mode is incompatible with -reindex-chainstate. Use full -reindex instead.",
        ),
    ],
)
def test_what_cannot_be_pruned(arguments: list[str], why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config(*arguments)
    assert str(refused.value) == why


def test_who_hears_of_branches_that_lost() -> None:
    found = [
        machine_settings(config(*arguments).node, ()).stale_tips
        for arguments in ([], ["-nostaletiprelay"], ["-regtest"], ["-regtest", "-staletiprelay"])
    ]
    assert found == [True, False, False, True]
    assert not config("-signet").node.peers.stale_tips
    with pytest.raises(ConfigError, match="signet"):
        config("-signet", "-staletiprelay")
