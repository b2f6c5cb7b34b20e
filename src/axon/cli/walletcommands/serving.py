"""`serve`: keeps a wallet open and connected, for commands, screens and programs that ask it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletview import say
from axon.drivers.aio.loop import run_loop
from axon.errors import ConfigError, StorageError
from axon.host.datadir import locked, write_atomically
from axon.host.lightwallet import WALLET_FILE, running
from axon.host.walletclient import COOKIE_FILE, RPC_FILE, logged
from axon.machine import Endpoint
from axon.rpc.amounts import encode_json
from axon.rpc.auth import COOKIE_USER, Cookie, Credentials
from axon.rpc.dispatch import Registry
from axon.rpc.settings import ServerSettings
from axon.rpc.walletmethods import WALLET_MODULES

if TYPE_CHECKING:
    from axon.rpc.server import RpcServer


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    serve = add(
        "serve",
        _serve,
        "keep it running until ctrl-C, and let other commands ask it",
        more="Keep the wallet open and connected until ctrl-C. Meanwhile all other commands go to "
        "it. It takes JSON-RPC calls on a port of this machine; rpc.json in the wallet's folder "
        "says on which, and .cookie holds the password.",
    )
    serve.add_argument(
        "-rpcport", "--rpcport", type=int, default=0, metavar="PORT", help="default: any free one"
    )


def _serve(options: WalletOptions) -> int:
    folder = options.light.wallet_folder(options.name)
    if not (folder / WALLET_FILE).exists():
        raise ConfigError(
            f"there is no wallet {options.name!r}; axon wallet list shows those there are"
        )
    with locked(folder), logged(options):
        run_loop(_run(options, folder))
    return 0


async def _run(options: WalletOptions, folder: Path) -> None:
    # Nobody but a wallet that is served needs the memory of an HTTP server.
    from axon.rpc.server import RpcServer

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    (folder / RPC_FILE).unlink(missing_ok=True)  # Of a run that was killed.
    cookie = Cookie(folder / COOKIE_FILE)
    credentials = Credentials()
    credentials.add(COOKIE_USER, cookie.write())
    port: int = options.arguments.rpcport
    settings = ServerSettings(endpoints=(Endpoint("127.0.0.1", port),))
    try:
        async with RpcServer(Registry(WALLET_MODULES), settings, credentials) as server:
            with _told(folder, server.endpoints[0]):
                await _answer(options, server, stop)
    finally:
        cookie.remove()


async def _answer(options: WalletOptions, server: RpcServer, stop: asyncio.Event) -> None:
    async with running(options.light, options.name) as daemon:
        daemon.stop = stop.set
        daemon.calls = server.registry.active
        server.ready(daemon)
        say(
            f"axon wallet {options.name} on {options.light.network.name}, RPC at"
            f" {server.endpoints[0]}; ctrl-C stops it"
        )
        await stop.wait()
        daemon.interrupt()
        await server.stop()


@contextmanager
def _told(folder: Path, endpoint: Endpoint) -> Iterator[None]:
    """Say in the wallet's folder where it answers."""
    path = folder / RPC_FILE
    told = encode_json({"port": endpoint.port, "pid": os.getpid()}) + "\n"
    try:
        write_atomically(path, told.encode())
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
