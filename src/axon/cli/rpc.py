"""`axon rpc`: calls a node's methods from the command line, as `bitcoin-cli` does.

Which arguments are text and which are JSON is asked of the node itself, so it always fits the node
that is called.
"""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from axon.cli.catalogue import OPTIONS
from axon.cli.conf import Settings, load_settings
from axon.cli.options import Option, OptionKind, split_command_line
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
        Option("color", OptionKind.OPTIONAL),
    )
}
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
        if any(name in command_line for name in ("help", "h", "?")) or not arguments:
            sys.stdout.write(_usage())
            return 0
        settings, datadir = load_settings(CLI_OPTIONS, command_line, home or Path.home())
        with _client(settings, datadir / NETWORKS[settings.chain].folder) as client:
            if settings.flag("stdin", False):
                rest += sys.stdin.read().splitlines()
            if not rest:
                raise ConfigError("too few parameters (need at least command)")
            result = _patiently(settings, client, rest)
    except RpcError as error:
        return refused(error)
    except (ConfigError, Unauthorized, Unreachable) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    show(result)
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
    """The server and its credentials by the options.

    Args:
        folder: the network's, in the data directory.

    Raises:
        ConfigError: an option is not usable, or there are no credentials.
    """
    port = rpc_port(settings, NETWORKS[settings.chain])
    endpoint = read_endpoint("rpcconnect", settings.text("rpcconnect", "127.0.0.1"), port)
    shown_port = port if settings.is_set("rpcport") else endpoint.port
    password = settings.text("rpcpassword")
    if settings.flag("stdinrpcpass", False):
        password = (
            getpass.getpass("RPC password> ")
            if sys.stdin.isatty()
            else sys.stdin.readline().rstrip("\n")
        )
    cookie = None if password else cookie_path(settings, folder)
    if cookie is not None and not cookie.exists() and not settings.flag("rpcwait", False):
        raise ConfigError(
            "Could not locate RPC credentials. No authentication cookie could be found, and RPC "
            f"password is not set. See -rpcpassword and -stdinrpcpass. (No file {cookie}. If no "
            "node runs there, start one, or name its chain and folder: -regtest -datadir=DIR.)"
        )
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return RpcLogin(f"http://{host}:{shown_port}", cookie, settings.text("rpcuser"), password)


def _client(settings: Settings, folder: Path) -> RpcClient:
    login = find_login(settings, folder)
    timeout_s = settings.number("rpcclienttimeout", 900)
    return RpcClient(
        login.url,
        cookie=login.cookie,
        user=login.user,
        password=login.password,
        wallet=settings.text("rpcwallet") if settings.is_set("rpcwallet") else None,
        timeout_s=timeout_s if timeout_s > 0 else None,
        numbers=Number,
    )


def _patiently(settings: Settings, client: RpcClient, rest: list[str]) -> Any:
    """Call, again and again with `-rpcwait` until the node is there and has warmed up."""
    patience_s = settings.number("rpcwaittimeout", 0)
    deadline = time.monotonic() + patience_s if patience_s > 0 else None
    while True:
        try:
            return call_by_text(client, rest[0], rest[1:], settings.flag("named", False))
        except (RpcError, Unreachable, Unauthorized) as error:
            # Between the first sign of life and the new cookie, the old one is still there.
            transient = not isinstance(error, RpcError) or error.code == Code.WARMUP
            if not transient or not settings.flag("rpcwait", False):
                raise
            if deadline is not None and time.monotonic() >= deadline:
                raise Unreachable(f"timeout on transient error: {error}") from error
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
