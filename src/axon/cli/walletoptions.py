"""What stands behind `axon wallet`: the command, the wallet, and how it meets its nodes.

Options may stand anywhere, with one dash or two. Those about folders and networks are the node's
own (`-datadir`, `-regtest`, ...) and are read from `bitcoin.conf` as well, as are `connect` and
`addnode` with the section of the network. A `-connect` of the command line takes the place of
those in the file, and `connect=0` there keeps only the node at home. On regtest, where nobody can
be found, the node on this machine is dialled unless another one is named.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from axon.cli.arguments import Parser, UsageError, seconds
from axon.cli.catalogue import OPTIONS
from axon.cli.chainrules import read_network
from axon.cli.conf import Settings, load_settings
from axon.cli.logs import log_settings
from axon.cli.options import Value
from axon.cli.proxyconfig import read_onlynet, read_routes, read_timeout_us, read_tor_access
from axon.cli.values import read_endpoint
from axon.cli.walletview import say
from axon.errors import ConfigError
from axon.host.logfile import LogSettings
from axon.host.settings import LightSettings, check_wallet_name
from axon.machine import Endpoint
from axon.payments.partneraddress import PartnerAddress, PartnerAddressError
from axon.payments.partnerdials import MAX_NAMED
from axon.primitives.network import REGTEST, Network

STALL_S: Final = 30.0
"""For so long a sync may stand still before it is given up: a dead node is replaced within a
second, and a slow one answers within ten."""

_CHAINS: Final = ("regtest", "signet", "testnet", "testnet4")
_WAYS: Final = ("onion", "i2psam", "proxyrandomize", "dns", "torcontrol")
_LISTED: Final = ("addnode", "debug", "proxy", "onlynet", "signetchallenge")
"""Options of a node that a wallet has, too, with one value or several."""


@dataclass(frozen=True, slots=True)
class WalletOptions:
    """One call of `axon wallet`.

    Args:
        light: how a wallet that is opened here meets its nodes.
        arguments: of the command, by name.
        as_json: the result is printed as JSON.
        stall_s: for so long a sync may stand still.
        log: what is written into a wallet's debug.log; None for no log.
    """

    light: LightSettings
    arguments: argparse.Namespace
    as_json: bool
    stall_s: float
    log: LogSettings | None

    @property
    def name(self) -> str:
        """The wallet's."""
        name: str = self.arguments.name
        return name

    @property
    def offline(self) -> bool:
        """No node is to be dialled."""
        return self.light.offline


def common_options(*, shown: bool = False) -> Parser:
    """The options that every command has.

    Args:
        shown: in the help text; there they would hide those of a single command.
    """
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)

    def say(text: str) -> str:
        return text if shown else argparse.SUPPRESS

    common.add_argument("-h", "-?", "-help", "--help", action="help", help=say("this text"))
    common.add_argument(
        "--json", "-json", action="store_true", help=say("print the result as JSON")
    )
    _add_network(common.add_argument_group("network and folder").add_argument, say)
    _add_nodes(common.add_argument_group("nodes").add_argument, say)
    _add_ways(common.add_argument_group("proxies").add_argument, say)
    return common


def _add_network(add: Callable[..., argparse.Action], say: Callable[[str], str]) -> None:
    add(
        "-datadir",
        "--datadir",
        metavar="DIR",
        help=say("where everything is kept (default ~/.axon)"),
    )
    add("-conf", "--conf", metavar="FILE", help=say("read this configuration file"))
    add("-chain", "--chain", metavar="NAME", help=say("main, test, testnet4, signet or regtest"))
    for chain in _CHAINS:
        add(
            f"-{chain}",
            f"--{chain}",
            action="store_const",
            const="",
            help=say(f"the {chain} network"),
        )
    add(
        "-signetchallenge", "--signetchallenge", action="append", metavar="HEX",
        help=say("be on the signet whose blocks satisfy this script"),
    )  # fmt: skip


def _add_nodes(add: Callable[..., argparse.Action], say: Callable[[str], str]) -> None:
    add(
        "-connect", "--connect", action="append", metavar="ADDR",
        help=say("dial only this node; may be given several times"),
    )  # fmt: skip
    add("-addnode", "--addnode", action="append", metavar="ADDR", help=say("dial this node, too"))
    add(
        "-partner", "--partner", action="append", metavar="KEY@HOST:PORT",
        help=say(
            "learn headers and filters from this wallet, too, which 'axon wallet serve --listen'"
            " names so; may be given several times"
        ),
    )  # fmt: skip
    add(
        "-dnsseed", "--dnsseed", metavar="0|1", help=say("look for nodes in DNS when few are known")
    )
    add("-bind", "--bind", metavar="ADDR", help=say("connect from this address of this machine"))
    add(
        "-lab",
        "--lab",
        action="store_true",
        help=say("treat loopback addresses as if they were public"),
    )
    add("--offline", "-offline", action="store_true", help=say("dial nobody; say what is known"))
    add(
        "--keep-filters",
        "-keepfilters",
        action="store_true",
        help=say(
            "keep block filters on disk, so that a new key is scanned without asking for them"
        ),
    )
    add(
        "--timeout", "-timeout", type=seconds, metavar="S",
        help=say(f"give up when a sync stands still for S seconds (default {STALL_S:g})"),
    )  # fmt: skip
    add(
        "-debug", "--debug", action="append", metavar="[CATEGORY]",
        help=say("write a log to debug.log in the wallet's folder"),
    )  # fmt: skip


def _add_ways(add: Callable[..., argparse.Action], say: Callable[[str], str]) -> None:
    add(
        "-proxy", "--proxy", action="append", metavar="IP:PORT[=NET]",
        help=say("dial through this SOCKS5 proxy, which looks names up, too (unix:PATH will do)"),
    )  # fmt: skip
    add(
        "-onion", "--onion", metavar="IP:PORT",
        help=say("reach onion services through this one (default: -proxy)"),
    )  # fmt: skip
    add("-i2psam", "--i2psam", metavar="IP:PORT", help=say("reach I2P through this router"))
    add(
        "-onlynet", "--onlynet", action="append", metavar="NET",
        help=say("dial of our own accord only in this network: ipv4, ipv6, onion, i2p, cjdns"),
    )  # fmt: skip
    add(
        "-proxyrandomize", "--proxyrandomize", metavar="0|1",
        help=say("give the proxy other credentials for each connection (default 1)"),
    )  # fmt: skip
    add("-dns", "--dns", metavar="0|1", help=say("look names up (default 1)"))
    add(
        "-torcontrol", "--torcontrol", metavar="IP:PORT",
        help=say("where Tor's control port is, for --listen onion (default 127.0.0.1:9051)"),
    )  # fmt: skip


def add_gap(parser: Any, usual: int | None = None) -> None:
    """Add how far ahead a wallet is to look.

    Args:
        usual: what it does if nobody says anything; None for what it did before.
    """
    default = "as before" if usual is None else usual
    parser.add_argument(
        "--gap",
        type=int,
        metavar="N",
        help=f"look for N addresses beyond the last one that was given out or paid (default "
        f"{default}); more, if the wallet gave out addresses that were never paid",
    )


def read_options(
    parser: argparse.ArgumentParser, arguments: Sequence[str], home: Path
) -> WalletOptions:
    """Read a command line.

    Args:
        parser: of all commands.
        arguments: what stands behind `axon wallet`.
        home: in which the usual data directory lies.

    Raises:
        UsageError: it is not as it should be.
        ConfigError: the configuration file or a folder is not usable.
    """
    # Without a category it is `-debug=`, so that it does not take the word behind it for one.
    debug_words = ("-debug", "--debug")
    given = _parsed(parser, [f"{w}=" if w in debug_words else w for w in arguments])
    name = getattr(given, "name", None)
    if name is not None:
        try:
            check_wallet_name(name)
        except ConfigError as refused:
            raise UsageError(str(refused)) from None
    command_line: dict[str, list[Value]] = {
        option: [getattr(given, option)]
        for option in ("datadir", "conf", "chain", *_CHAINS, *_WAYS)
        if hasattr(given, option)
    }
    for option in _LISTED:
        if hasattr(given, option):
            command_line[option] = [*getattr(given, option)]
    settings, datadir = load_settings(OPTIONS, command_line, home)
    settings.refuse_misplaced()
    for warning in (*settings.warnings, *settings.notices):
        say(f"{warning.removesuffix('.')}.")
    network = read_network(settings)
    folder = datadir / network.folder
    routes = read_routes(settings)
    light = LightSettings(
        network=network,
        folder=folder,
        connect=_connect(settings, given, network),
        added=tuple(
            read_endpoint("addnode", text, network.port) for text in settings.values("addnode")
        ),
        dns_seed=getattr(given, "dnsseed", "1") != "0",
        lab=hasattr(given, "lab"),
        offline=hasattr(given, "offline"),
        keep_filters=hasattr(given, "keep_filters"),
        bind=getattr(given, "bind", None),
        cjdns_reachable=settings.flag("cjdnsreachable", False),
        routes=routes,
        onlynet=read_onlynet(settings, routes, tor_control=False),
        timeout_us=read_timeout_us(settings),
        partners=_partners(given),
        tor=read_tor_access(settings),
    )
    wallet_folder = folder if name is None else light.wallet_folder(name)
    return WalletOptions(
        light=light,
        arguments=given,
        as_json=hasattr(given, "json"),
        stall_s=getattr(given, "timeout", STALL_S),
        log=(
            replace(log_settings(settings, wallet_folder), console=False)
            if hasattr(given, "debug")
            else None
        ),
    )


def _parsed(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    given, rest = parser.parse_known_args(arguments)
    # argparse takes what may be left out for left out where an option stands before it.
    amount: list[str] | None = getattr(given, "amount", None)
    if amount == [] and rest and not any(word.startswith("--") for word in rest):
        amount += rest
    elif len(rest) == 1 and getattr(given, "id", "") is None and not rest[0].startswith("-"):
        given.id = rest[0]
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return given


def _connect(
    settings: Settings, given: argparse.Namespace, network: Network
) -> tuple[Endpoint, ...] | None:
    """The only nodes to dial; None for those that can be found."""
    texts: list[str] = getattr(given, "connect", None) or [
        text for text in settings.values("connect") if text != "0"
    ]
    if texts:
        return tuple(read_endpoint("connect", text, network.port) for text in texts)
    if network.name == REGTEST.name and not hasattr(given, "lab"):
        if settings.is_set("connect") or settings.is_set("addnode"):
            return None
        return (Endpoint("127.0.0.1", network.port),)
    return None


def _partners(given: argparse.Namespace) -> tuple[PartnerAddress, ...]:
    """Wallets that serve this one."""
    try:
        named = tuple([PartnerAddress.parse(text) for text in getattr(given, "partner", ())])
    except PartnerAddressError as refused:
        raise UsageError(f"-partner: {refused}") from None
    if len(named) > MAX_NAMED:
        raise UsageError(f"-partner may be given at most {MAX_NAMED} times")
    return named


MORE_OPTIONS: Final = "Options about networks, folders and nodes: axon wallet --help."

AddCommand = Callable[..., argparse.ArgumentParser]
"""Adds a command: name, function, what it does in a few words."""

Command = Callable[[WalletOptions], int]


def wallet_parser(add_commands: Sequence[Callable[[AddCommand], None]]) -> argparse.ArgumentParser:
    """The parser of all commands.

    Args:
        add_commands: each adds the commands of one family.
    """
    parser = Parser(
        prog="axon wallet",
        description="A wallet that trusts no server: it keeps block headers, checks proofs itself, "
        "and talks to any full node that serves compact filters.",
        epilog="Exit code: 0 done, 1 refused or failed, 2 called wrongly, 130 after ctrl-C. "
        "axon wallet COMMAND --help says more.",
        parents=[common_options(shown=True)],
        add_help=False,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, about: str, **named: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=about,
            description=named.pop("more", f"{about[:1].upper()}{about[1:]}."),
            epilog=MORE_OPTIONS,
            parents=[common_options()],
            add_help=False,
            allow_abbrev=False,
        )
        added.set_defaults(command=command)
        if named.pop("named", True):
            added.add_argument("name", metavar="NAME", help="of the wallet")
        return added

    for family in add_commands:
        family(add)
    return parser
