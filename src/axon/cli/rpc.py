"""`axon rpc`: calls a node's methods from the command line, as `bitcoin-cli` does.

Which arguments are text and which are JSON is asked of the node itself, so it always fits the node
that is called.
"""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from axon.cli.catalogue import OPTIONS
from axon.cli.clientviews import VERSION_LINE, chosen_view, view
from axon.cli.conf import Settings, load_settings
from axon.cli.options import Option, OptionKind, as_flag, split_command_line
from axon.cli.rpcconfig import cookie_path, rpc_port
from axon.cli.values import read_endpoint
from axon.errors import ConfigError
from axon.primitives.network import NETWORKS
from axon.rpc.amounts import Number, decode_json, encode_json
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError

RETRY_S: Final = 0.25
"""Between two attempts of `-rpcwait`."""

CLI_OPTIONS: Final = OPTIONS | {
    option.name: option
    for option in (
        Option("named", OptionKind.FLAG, help="Arguments are name=value (default: 0)"),
        Option(
            "rpcclienttimeout", OptionKind.VALUE, help="Seconds to wait for an answer, 0 for ever"
        ),
        Option("rpcconnect", OptionKind.VALUE, help="Call this host (default: 127.0.0.1)"),
        Option("rpcwait", OptionKind.FLAG, help="Wait until the node answers"),
        Option(
            "rpcwaittimeout", OptionKind.VALUE, help="Seconds to wait with -rpcwait, 0 for ever"
        ),
        Option("rpcwallet", OptionKind.VALUE, help="Call the methods of this wallet"),
        Option(
            "stdin", OptionKind.FLAG, help="Read further arguments from standard input, one a line"
        ),
        Option("stdinrpcpass", OptionKind.FLAG, help="Read the password from standard input"),
        Option(
            "stdinwalletpassphrase",
            OptionKind.FLAG,
            help="Read the passphrase for walletpassphrase from standard input",
        ),
        Option("color", OptionKind.VALUE, help="Colours of -getinfo: always, auto or never"),
        Option("addrinfo", OptionKind.FLAG, help="Show how many addresses the node knows"),
        Option(
            "generate",
            OptionKind.FLAG,
            help="Mine to a new address; takes how many blocks (default: 1), and tries",
        ),
        Option("getinfo", OptionKind.FLAG, help="Show an overview of the node"),
        Option(
            "netinfo",
            OptionKind.FLAG,
            help="Show the node's peers; takes a level from 0 to 4, or help",
        ),
    )
}
_TRANSIENT: Final = "timeout on transient error: "
_NOBODY_THERE: Final = """
Make sure that a node runs there, and that its chain, folder and RPC port are named right: -regtest,
-datadir=DIR, -rpcport=PORT. Use "axon rpc -help" for more info.
"""
_USAGE: Final = "Usage: axon rpc [options] METHOD [ARGUMENTS]\n       axon rpc [options] help\n"


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Call one method.

    Args:
        arguments: what stands behind `axon rpc`.
        home: in which the default data directory lies; None for the user's.

    Returns:
        The exit code: 0, 1, or the number of the RPC error without its sign.
    """
    try:
        command_line, rest = split_command_line(arguments, CLI_OPTIONS)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        if not arguments or any(name in command_line for name in ("help", "h", "?")):
            sys.stdout.write(_usage())
            if not arguments:
                sys.stderr.write("Error: too few parameters\n")
            return int(not arguments)
        if "version" in command_line and as_flag(command_line["version"][-1]):
            sys.stdout.write(f"{VERSION_LINE}\n")
            return 0
        settings, datadir = load_settings(CLI_OPTIONS, command_line, home or Path.home())
    except ConfigError as error:
        text = str(error)
        sys.stderr.write(f"{text}\n" if text.startswith("Error ") else f"Error: {text}\n")
        return 1
    return _call(settings, datadir / NETWORKS[settings.chain].folder, rest)


def _call(settings: Settings, folder: Path, rest: list[str]) -> int:
    """Call what is asked for, and show what comes; the exit code.

    Args:
        folder: the network's.
        rest: method and arguments, as far as they stand on the command line.
    """
    try:
        login = read_login(settings, folder)
        rest = _with_standard_input(settings, rest)
        name = chosen_view(settings)
        if name is None and not rest:
            raise ConfigError("too few parameters (need at least command)")
        wallet = settings.text("rpcwallet") if settings.value("rpcwallet") else None
        with _client(settings, login, wallet) as client:
            if name is None:
                named = settings.flag("named", False)
                ask = partial(call_by_text, client, rest[0], rest[1:], named)
            else:
                of_wallet = partial(_client, settings, login)
                ask = partial(view, name, rest, settings, client, of_wallet)
            show(_patiently(settings, ask))
    except RpcError as error:
        return refused(error)
    except Unreachable as error:
        told = str(error).removeprefix(_TRANSIENT)
        sys.stderr.write(f"error: {_TRANSIENT}{told}\n{_NOBODY_THERE}")
        return 1
    except (ConfigError, Unauthorized) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def show(result: object) -> None:
    """Print a result: text as it is, else JSON; nothing for null."""
    if result is not None:
        text = result if isinstance(result, str) else encode_json(result, indent=2)
        sys.stdout.write(f"{text}\n" if text else "")


def refused(error: RpcError) -> int:
    """Print what a node refuses, in the form of `bitcoin-cli`; the exit code that says it."""
    sys.stderr.write(f"error code: {error.code}\nerror message:\n{error.message}\n")
    return abs(error.code)


def _usage() -> str:
    lines = [_USAGE, "Options:\n"]
    for name, option in CLI_OPTIONS.items():
        if name not in OPTIONS and option.help:
            lines.append(f"  -{name}\n       {option.help}")
    lines.append("  -conf -datadir -chain -regtest -rpcport -rpcuser -rpcpassword -rpccookiefile")
    lines.append("       As for the node\n")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class RpcLogin:
    """Where calls go, and what lets them in.

    Args:
        url: of the server, without user and password.
        cookie: the cookie file, where no password is set.
        user, password: instead of a cookie.
    """

    url: str
    cookie: Path | None
    user: str
    password: str = field(repr=False)


def find_login(settings: Settings, folder: Path) -> RpcLogin:
    """As `read_login`.

    Raises:
        ConfigError: likewise, or there are no credentials.
    """
    login = read_login(settings, folder)
    cookie = login.cookie
    if cookie is not None and not cookie.exists() and not settings.flag("rpcwait", False):
        raise ConfigError(
            "Could not locate RPC credentials. No authentication cookie could be found, and RPC "
            f"password is not set. See -rpcpassword and -stdinrpcpass. (No file {cookie}. If no "
            "node runs there, start one, or name its chain and folder: -regtest -datadir=DIR.)"
        )
    return login


def read_login(settings: Settings, folder: Path) -> RpcLogin:
    """The server and its credentials by the options; there may be no such cookie.

    Args:
        folder: the network's, in the data directory.

    Raises:
        ConfigError: an option is not usable.
    """
    port = rpc_port(settings, NETWORKS[settings.chain])
    endpoint = read_endpoint("rpcconnect", settings.text("rpcconnect", "127.0.0.1"), port)
    shown_port = port if settings.is_set("rpcport") else endpoint.port
    password = settings.text("rpcpassword")
    if settings.flag("stdinrpcpass", False):
        password = _secret("RPC password> ")
    cookie = None if password else cookie_path(settings, folder)
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return RpcLogin(f"http://{host}:{shown_port}", cookie, settings.text("rpcuser"), password)


def _secret(prompt: str) -> str:
    """A line of standard input; a person at a terminal is asked for it, and does not see it."""
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _with_standard_input(settings: Settings, rest: list[str]) -> list[str]:
    """The arguments, with those that stand in standard input.

    Raises:
        ConfigError: a passphrase stands there, and the call takes none.
    """
    given = list(rest)
    if settings.flag("stdinwalletpassphrase", False):
        if not given or not given[0].startswith("walletpassphrase"):
            raise ConfigError(
                "-stdinwalletpassphrase is only applicable for walletpassphrase(change)"
            )
        given.insert(1, _secret("Wallet passphrase> "))
    if settings.flag("stdin", False):
        given += sys.stdin.read().splitlines()
    return given


def _client(settings: Settings, login: RpcLogin, wallet: str | None) -> RpcClient:
    timeout_s = settings.number("rpcclienttimeout", 900)
    return RpcClient(
        login.url,
        cookie=login.cookie,
        user=login.user,
        password=login.password,
        wallet=wallet,
        timeout_s=timeout_s if timeout_s > 0 else None,
        numbers=Number,
    )


def _patiently(settings: Settings, ask: Callable[[], Any]) -> Any:
    """Call, again and again with `-rpcwait` until the node is there and has warmed up."""
    patience_s = settings.number("rpcwaittimeout", 0)
    deadline = time.monotonic() + patience_s if patience_s > 0 else None
    while True:
        try:
            return ask()
        except (RpcError, Unreachable, Unauthorized) as error:
            # Between the first sign of life and the new cookie, the old one is still there.
            transient = not isinstance(error, RpcError) or error.code == Code.WARMUP
            if not transient or not settings.flag("rpcwait", False):
                raise
            if deadline is not None and time.monotonic() >= deadline:
                raise Unreachable(f"{_TRANSIENT}{error}") from error
            time.sleep(RETRY_S)


def call_by_text(
    client: RpcClient, method: str, arguments: Sequence[str], named: bool = False
) -> Any:
    """Call a method with arguments as they stand on a command line.

    Args:
        client: of the node; its `numbers` should be `Number`s, to be shown as they came.
        method: its name.
        arguments: JSON, or text where the node says so, or where they are no JSON.
        named: they are `name=value`.

    Raises:
        RpcError, Unreachable, Unauthorized: as `RpcClient.call`.
    """
    if not arguments:
        return client.call(method)
    texts = _texts(client, method)
    if not named:
        return client.call(
            method, *(_converted(text, texts.get(place)) for place, text in enumerate(arguments))
        )
    params: dict[str, object] = {}
    by_place: list[object] = []
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if equals:
            params[name] = _converted(text, texts.get(name))
        else:
            by_place.append(_converted(argument, texts.get(len(by_place))))
    if by_place:
        params["args"] = by_place
    return client.call_with(method, params)


def _texts(client: RpcClient, method: str) -> dict[int | str, bool]:
    """Which parameters are text, by place and by name; nothing if the node does not tell."""
    try:
        told = client.call("help", "dump_all_command_conversions")
    except (RpcError, Unauthorized):
        return {}
    texts: dict[int | str, bool] = {}
    for name, place, parameter, is_text in told if isinstance(told, list) else []:
        if name == method:
            texts[parameter] = is_text
            texts.setdefault(place, is_text)
    return texts


def _converted(text: str, is_text: bool | None) -> object:
    """An argument as JSON where it is to be JSON; else, and where it cannot be, as text."""
    if is_text or (len(text) == 64 and all(sign in "0123456789abcdefABCDEF" for sign in text)):
        return text
    try:
        return decode_json(text)
    except ValueError:
        return text
