"""What `axon rpc` shows of several calls at once: `-getinfo -netinfo -addrinfo -generate`.

In the form of `bitcoin-cli`, so that scripts which read that read this, too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from axon.cli.conf import Settings
from axon.cli.interfaceversion import INTERFACE_VERSION
from axon.cli.netinfo import HELP, dashboard, read_request
from axon.errors import ConfigError
from axon.rpc.amounts import encode_json
from axon.rpc.client import RpcClient
from axon.rpc.errors import RpcError

VIEWS: Final = ("addrinfo", "generate", "getinfo", "netinfo")
"""Options that stand in the place of a method."""

VERSION_LINE: Final = f"axon RPC client version {INTERFACE_VERSION}"
"""How this program names itself."""

_CLIENT: Final = f"axon client {INTERFACE_VERSION}"
_NAMELESS: Final = '""'
_COLOURS: Final = {"green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
_BAR_STEP: Final = 0.05
_NEARLY_SYNCED: Final = 0.99
_MAX_GENERATE_ARGUMENTS: Final = 2


def chosen_view(settings: Settings) -> str | None:
    """Which view is asked for; None for none.

    Raises:
        ConfigError: more than one is.
    """
    named = [name for name in VIEWS if settings.is_set(name)]
    if len(named) > 1:
        listed = ", ".join(f"-{name}" for name in named)
        raise ConfigError(f"Only one of {listed} may be specified.")
    return next((name for name in named if settings.flag(name, False)), None)


def view(
    name: str,
    arguments: Sequence[str],
    settings: Settings,
    client: RpcClient,
    of_wallet: Callable[[str], RpcClient],
) -> object:
    """What a view shows; it is printed as the result of a call is.

    Args:
        name: one of `VIEWS`.
        of_wallet: makes a client that calls the methods of a wallet.

    Raises:
        ConfigError: the arguments are not for this view.
        RpcError, Unreachable, Unauthorized: of one of its calls.
    """
    match name:
        case "netinfo":
            if arguments and arguments[0] in ("h", "help"):
                return HELP
            request = read_request(arguments)
            peers, network = client.call("getpeerinfo"), client.call("getnetworkinfo")
            chain = "testnet" if settings.chain == "test" else settings.chain
            title = _CLIENT if chain == "main" else f"{_CLIENT} {chain}"
            return dashboard(request, title, peers, network, int(time.time()))
        case "generate":
            return _generate(arguments, client)
    if arguments:
        raise ConfigError(f"-{name} takes no arguments")
    return _addresses(client) if name == "addrinfo" else _information(settings, client, of_wallet)


def _addresses(client: RpcClient) -> object:
    counts = client.call("getaddrmaninfo")
    names = {name: "total" if name == "all_networks" else name for name in counts}
    return {"addresses_known": {names[name]: counts[name]["total"] for name in counts}}


def _generate(arguments: Sequence[str], client: RpcClient) -> object:
    address = client.call("getnewaddress")
    if len(arguments) > _MAX_GENERATE_ARGUMENTS:
        raise ConfigError("too many arguments (maximum 2 for nblocks and maxtries)")
    if arguments and arguments[0] == "0":
        raise ConfigError(
            "the first argument (number of blocks to generate, default: 1) must be an integer "
            "value greater than zero"
        )
    try:
        numbers = [int(argument) for argument in arguments] or [1]
    except ValueError as error:
        raise ConfigError(f"Error parsing JSON: {' '.join(arguments)}") from error
    blocks = client.call("generatetoaddress", numbers[0], address, *numbers[1:])
    return {"address": address, "blocks": blocks}


def _information(
    settings: Settings, client: RpcClient, of_wallet: Callable[[str], RpcClient]
) -> str:
    """An overview of the node, and of its wallet where there is one."""
    paint = _Painter(settings)
    network, chain = client.call("getnetworkinfo"), client.call("getblockchaininfo")
    progress = float(chain["verificationprogress"])
    lines = [
        paint("blue", f"Chain: {chain['chain']}"),
        f"Blocks: {_value(chain['blocks'])}",
        f"Headers: {_value(chain['headers'])}",
        f"Verification progress: {_bar(progress)}{100 * progress:.4f}%",
        f"Difficulty: {_value(chain['difficulty'])}\n",
        paint(
            "green",
            f"Network: in {network['connections_in']}, out {network['connections_out']}, "
            f"total {network['connections']}",
        ),
        f"Version: {network['version']}",
        f"Time offset (s): {network['timeoffset']}",
        f"Proxies: {_proxies(network['networks'])}",
        f"Min tx relay fee rate (BTC/kvB): {_value(network['relayfee'])}\n",
        *_wallet(client, paint),
    ]
    if not settings.is_set("rpcwallet"):
        lines += _balances(client, of_wallet, paint)
    warnings = network["warnings"]
    told = warnings if isinstance(warnings, str) else " ".join(warnings)
    return "\n".join((*lines, f"{paint('yellow', 'Warnings:')} {told or '(none)'}"))


def _wallet(client: RpcClient, paint: _Painter) -> list[str]:
    lines = []
    wallet, balances = _if_there(client, "getwalletinfo"), _if_there(client, "getbalances")
    if wallet is not None:
        lines.append(paint("magenta", f"Wallet: {wallet['walletname'] or _NAMELESS}"))
        lines.append(f"Keypool size: {wallet['keypoolsize']}")
        if "unlocked_until" in wallet:
            lines.append(f"Unlocked until: {wallet['unlocked_until']}")
    if balances is not None:
        lines.append(f"{paint('cyan', 'Balance:')} {_value(balances['mine']['trusted'])}\n")
    return lines


def _balances(
    client: RpcClient, of_wallet: Callable[[str], RpcClient], paint: _Painter
) -> list[str]:
    """What each wallet has, where there are several."""
    names = _if_there(client, "listwallets") or []
    if len(names) < 2:
        return []
    lines = [paint("cyan", "Balances")]
    for name in names:
        with of_wallet(name) as wallet:
            balance = wallet.call("getbalances")["mine"]["trusted"]
        lines.append(f"{_value(balance):>10} {name or _NAMELESS}")
    return [*lines, ""]


def _if_there(client: RpcClient, method: str) -> Any:
    try:
        return client.call(method)
    except RpcError:  # There is no wallet, or not just one.
        return None


def _value(value: object) -> str:
    return value if isinstance(value, str) else encode_json(value)


def _bar(progress: float) -> str:
    if not 0 <= progress < _NEARLY_SYNCED:
        return ""
    done = sum(step < progress / _BAR_STEP for step in range(20))
    left = sum(step < (1 - progress) / _BAR_STEP for step in range(20))
    return "\u2592" * done + "\u2591" * left + " "


def _proxies(networks: Sequence[dict[str, Any]]) -> str:
    by_proxy: dict[str, list[str]] = {}
    for network in networks:
        if network["proxy"]:
            by_proxy.setdefault(network["proxy"], []).append(network["name"])
    shown = [f"{proxy} ({', '.join(names)})" for proxy, names in by_proxy.items()]
    return ", ".join(shown) or "n/a"


class _Painter:
    """Colours words of `-getinfo`, where that is wanted (`-color`)."""

    def __init__(self, settings: Settings) -> None:
        wanted = settings.text("color", "auto")
        if wanted not in ("always", "auto", "never"):
            raise ConfigError("Invalid value for -color option. Valid values: always, auto, never.")
        self._on = wanted == "always" or (wanted == "auto" and sys.stdout.isatty())

    def __call__(self, colour: str, text: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._on else text
