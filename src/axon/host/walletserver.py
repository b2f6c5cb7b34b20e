"""A wallet that is served: kept open and connected, for commands and programs that ask it.

In the wallet's folder `rpc.json` says on which port it answers, and `.cookie` holds the password.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.privatefiles import write_atomically
from axon.errors import disk_refusal
from axon.host.lightwallet import RunningWallet, light_wallet
from axon.host.running import RpcAccess
from axon.host.settings import LightSettings
from axon.machine import Endpoint
from axon.rpc.amounts import Json, encode_json
from axon.rpc.auth import COOKIE_USER, Cookie, Credentials
from axon.rpc.dispatch import Call, Registry
from axon.rpc.errors import Code, RpcError
from axon.rpc.settings import ServerSettings
from axon.rpc.walletmethods import WALLET_MODULES

RPC_FILE: Final = "rpc.json"
COOKIE_FILE: Final = ".cookie"


class _OneWallet(Registry):
    """The methods of one wallet, which answers to no other name."""

    def __init__(self, name: str) -> None:
        super().__init__(WALLET_MODULES)
        self._name = name

    async def execute(
        self, context: object, name: str, params: object = (), call: Call | None = None
    ) -> Json:
        """See `Registry`."""
        asked = None if call is None else call.wallet
        if asked is not None and asked != self._name:
            raise RpcError(
                Code.WALLET_NOT_FOUND, "Requested wallet does not exist or is not loaded"
            )
        return await super().execute(context, name, params, call)


@asynccontextmanager
async def served_wallet(
    settings: LightSettings, name: str, rpc_port: int = 0, *, clock: Clock | None = None
) -> AsyncIterator[RunningWallet]:
    """A wallet with an RPC server on loopback, in a folder that the caller holds.

    Args:
        settings: how it meets its peers.
        name: of the wallet.
        rpc_port: 0 for any free one.
        clock: the time it is told; None for this machine's.

    Raises:
        ConfigError: there is no wallet of this name, or the port is in use.
        StorageError: it is open elsewhere, damaged, or the disk refuses.
    """
    # Nobody but a wallet that is served needs the memory of an HTTP server.
    from axon.rpc.server import RpcServer

    folder = settings.wallet_folder(name)
    (folder / RPC_FILE).unlink(missing_ok=True)  # Of a run that was killed.
    cookie = Cookie(folder / COOKIE_FILE)
    credentials = Credentials()
    credentials.add(COOKIE_USER, cookie.write())
    listen = ServerSettings(endpoints=(Endpoint("127.0.0.1", rpc_port),))
    try:
        async with RpcServer(_OneWallet(name), listen, credentials) as server:
            with _told(folder, server.endpoints[0]):
                async with light_wallet(settings, name, clock=clock) as wallet:
                    wallet.rpc = RpcAccess(server.endpoints, cookie.path)
                    wallet.daemon.calls = server.registry.active
                    server.ready(wallet.daemon)
                    try:
                        yield wallet
                    finally:
                        wallet.daemon.interrupt()
                        await server.stop()
    finally:
        cookie.remove()


@contextmanager
def _told(folder: Path, endpoint: Endpoint) -> Iterator[None]:
    """Say in the wallet's folder where it answers."""
    path = folder / RPC_FILE
    told = encode_json({"port": endpoint.port, "pid": os.getpid()}) + "\n"
    try:
        write_atomically(path, told.encode())
    except OSError as error:
        raise disk_refusal(f"cannot write {path}", error) from error
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
