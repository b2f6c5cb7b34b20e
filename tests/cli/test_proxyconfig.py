"""The ways to other networks, as options open and close them."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import load_node_config
from axon.cli.options import parse_command_line
from axon.drivers.aio.routes import Proxy
from axon.errors import ConfigError
from axon.host.machinesettings import machine_settings
from axon.host.reaching import TorAccess, TorControl
from axon.host.settings import PeerSettings
from axon.machine import SECOND, Endpoint
from axon.primitives.netaddress import AddressNetwork

ONE, OTHER = Endpoint("127.0.0.1", 9050), Endpoint("127.0.0.2", 1)


def peers(*arguments: str) -> PeerSettings:
    config = load_node_config(parse_command_line(arguments, OPTIONS), Path("/nohome"))
    return config.node.peers


def reached(*arguments: str) -> set[str]:
    config = load_node_config(parse_command_line(arguments, OPTIONS), Path("/nohome"))
    networks = machine_settings(config.node, ()).connections.reachable
    return {network.name.lower() for network in networks}


def test_one_proxy_for_everything() -> None:
    routes = peers("-proxy=127.0.0.1").routes
    ways = (routes.ipv4, routes.ipv6, routes.onion, routes.cjdns, routes.names)
    assert ways == (Proxy(ONE),) * 5
    assert not routes.looks_up
    assert peers("-proxy=127.0.0.1", "-proxyrandomize=0").routes.ipv4 == Proxy(ONE, isolates=False)


def test_a_proxy_for_each_network() -> None:
    routes = peers("-proxy=127.0.0.1=ipv4", "-proxy=127.0.0.2:1=onion").routes
    assert (routes.ipv4, routes.names, routes.onion) == (Proxy(ONE), Proxy(ONE), Proxy(OTHER))
    assert (routes.ipv6, routes.cjdns) == (None, None)
    routes = peers("-proxy=127.0.0.1", "-proxy=0=cjdns", "-onion=127.0.0.2:1").routes
    assert (routes.ipv6, routes.cjdns, routes.onion) == (Proxy(ONE), None, Proxy(OTHER))
    assert peers("-proxy=127.0.0.1", "-noonion").routes.onion is None
    assert peers("-proxy=unix:/run/tor socket").routes.onion == Proxy("/run/tor socket")
    for none in ("-noproxy", "-proxy=0", "-proxy="):
        assert peers("-proxy=127.0.0.1", none).routes.ipv4 is None


def test_what_is_reached() -> None:
    assert reached() == {"ipv4", "ipv6"}
    assert reached("-onion=127.0.0.1") == {"ipv4", "ipv6", "torv3"}
    assert reached("-i2psam=127.0.0.1", "-cjdnsreachable") == {"ipv4", "ipv6", "i2p", "cjdns"}
    assert reached("-proxy=127.0.0.1", "-onlynet=onion") == {"torv3"}
    assert reached("-onlynet=onion") == set()  # Until Tor says where its proxy is.
    assert reached("-onlynet=IPv4") == {"ipv4"}


def test_a_proxy_closes_what_would_show_us() -> None:
    hidden = peers("-proxy=127.0.0.1")
    assert (hidden.binds, hidden.discover, hidden.tor, hidden.i2p_accept) == (
        (),
        False,
        None,
        False,
    )
    shown = peers()
    assert shown.discover
    assert shown.tor == TorControl(TorAccess(), Endpoint("127.0.0.1", 8334))
    assert shown.i2p_accept
    assert not peers("-externalip=1.2.3.4").discover
    assert peers("-regtest", "-lab").tor is None


def test_tor_is_told_where_to_bring_callers() -> None:
    told = peers(
        "-bind=127.0.0.3", "-bind=127.0.0.4=onion", "-torcontrol=[::1]:5", "-onion=1.2.3.4"
    )
    assert told.tor == TorControl(
        TorAccess(Endpoint("::1", 5)), Endpoint("127.0.0.4", 8334), finds_proxy=False
    )
    told = peers("-bind=127.0.0.3", "-torpassword=hush")
    assert told.tor == TorControl(TorAccess(password="hush"), Endpoint("127.0.0.3", 8333))
    assert "hush" not in repr(told.tor)
    beside = peers("-port=5", "-rpcport=6")  # Callers are never brought to the RPC port.
    assert beside.tor == TorControl(TorAccess(), Endpoint("127.0.0.1", 5))
    assert not any(bind.onion for bind in beside.binds)
    white = peers("-whitebind=noban@127.0.0.1:5")
    assert white.tor == TorControl(TorAccess(), Endpoint("127.0.0.1", 8334))
    assert peers("-whitebind=noban@127.0.0.1:5", "-rpcport=8334").tor is None


def test_how_long_a_connection_may_take() -> None:
    assert peers().timeout_us == peers("-timeout=0").timeout_us == 5 * SECOND
    assert peers("-timeout=250").timeout_us == SECOND // 4


def test_seeds_are_asked_by_the_proxy_alone() -> None:
    for arguments, asked in (((), False), (("-proxy=127.0.0.1",), True)):
        config = load_node_config(parse_command_line(arguments, OPTIONS), Path("/nohome"))
        connections = machine_settings(config.node, ()).connections
        assert connections.asks_seeds_as_nodes is asked
        assert connections.dns_seeds
    config = load_node_config(parse_command_line(["-dns=0"], OPTIONS), Path("/nohome"))
    assert machine_settings(config.node, ()).connections.dns_seeds == ()


def test_own_addresses_are_none_that_hides() -> None:
    config = load_node_config(parse_command_line(["-externalip=1.2.3.4"], OPTIONS), Path("/nohome"))
    made = machine_settings(config.node, ())
    assert [own.network for own in made.own_addresses] == [AddressNetwork.IPV4]
    assert not made.discover


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-proxy=127.0.0.1:glory"], "Invalid port specified in -proxy: '127.0.0.1:glory'"),
        (["-onion=127.0.0.1:0"], "Invalid port specified in -onion: '127.0.0.1:0'"),
        (["-i2psam=127.0.0.1:x"], "Invalid port specified in -i2psam: '127.0.0.1:x'"),
        (["-proxy"], "Can not set -proxy with no value"),
        (["-proxy=a b"], "Invalid -proxy address or hostname: 'a b'"),
        (["-proxy=127.0.0.1="], "address or hostname, ends with '=': '127.0.0.1='"),
        (["-proxy=127.0.0.1=moon"], "Unrecognized network in -proxy='127.0.0.1=moon': 'moon'"),
        ([f"-onion=unix:/{'x' * 107}"], "Invalid -onion address or hostname"),
        (["-onlynet=abc"], "Unknown network specified in -onlynet: 'abc'"),
        (["-onlynet=onion", "-noonion"], "explicitly forbidden: -onion=0"),
        (["-onlynet=onion", "-nolistenonion"], "none of -proxy, -onion or -listenonion is given"),
        (["-onlynet=i2p"], "-i2psam is not provided"),
        (["-onlynet=onion", "-dnsseed"], "-onlynet forbids connections to IPv4/IPv6"),
        (["-listen=0", "-listenonion"], "Cannot set -listen=0 together with -listenonion=1"),
        (["-externalip=name.example"], "Cannot resolve -externalip address: 'name.example'"),
        (["-privatebroadcast", "-nolisten"], "none of Tor or I2P networks is reachable"),
        (
            ["-privatebroadcast", "-onion=127.0.0.1", "-onlynet=ipv4"],
            "none of Tor or I2P networks is reachable",
        ),
        (
            ["-privatebroadcast", "-onion=127.0.0.1", "-connect=0"],
            "but -connect is also configured",
        ),
    ],
)
def test_refusals(arguments: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=r".") as refused:
        peers(*arguments)
    assert words in str(refused.value)


def test_private_broadcasts() -> None:
    assert peers("-privatebroadcast", "-proxy=127.0.0.1").private_broadcast
    assert peers("-privatebroadcast", "-i2psam=127.0.0.1").private_broadcast
    assert peers("-privatebroadcast").private_broadcast  # Tor may come.
    told = ["-privatebroadcast", "-onion=127.0.0.1", "-proxyrandomize=0"]
    (warning,) = load_node_config(parse_command_line(told, OPTIONS), Path("/nohome")).warnings
    assert "-proxyrandomize is disabled" in warning
