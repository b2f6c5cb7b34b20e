"""Onion services of ours, kept by Tor for as long as a connection to its control port stands.

A node has one where it listens (`host/ways`), a wallet where its owner asks for one. The key lies
in the folder of whoever it is, so that the name stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import write_atomically
from axon.drivers.aio.torcontrol import (
    FIRST_PAUSE_S,
    MAX_PAUSE_S,
    NEW_KEY,
    PAUSE_GROWTH,
    TorConnection,
    TorRefused,
    connect,
)
from axon.errors import ConfigError, disk_refusal
from axon.host.reaching import TorAccess
from axon.machine import ANY_PORT, Endpoint

ONION_KEY: Final = "onion_v3_private_key"
"""The file of the key, named as Core's."""


_log = logging.getLogger("axon.tor")


async def controlled(tor: TorAccess) -> TorConnection:
    """A connection to the control port on which orders may be given.

    Raises:
        TorRefused: nobody is there, or Tor wants another proof.
    """
    control = await connect(tor.control)
    try:
        await control.authenticate(tor.password)
    except BaseException:
        control.close()
        raise
    return control


async def add_service(control: TorConnection, folder: Path, port: int, target: Endpoint) -> str:
    """Have Tor run the service whose key is in a folder; a new one where there is none.

    Args:
        port: at which the world dials it.
        target: where Tor brings whoever does.

    Returns:
        Its name, with `.onion`.

    Raises:
        TorRefused: it will not.
        StorageError: the key cannot be written.
    """
    path = folder / ONION_KEY
    key = await asyncio.to_thread(_read_key, path)
    service = await control.add_onion(key or NEW_KEY, port, target)
    if service.key != key:
        await asyncio.to_thread(_write_key, path, service.key)
    return service.host


class WalletOnion:
    """The onion service of a wallet that listens: there from when it is asked for to the end.

    Args:
        tor: how Tor is asked.
        folder: the wallet's, for the key.
        port: at which other wallets dial it.
        listen: accepts connections on this machine; where it really is.
    """

    def __init__(
        self,
        tor: TorAccess,
        folder: Path,
        port: int,
        listen: Callable[[Endpoint], Awaitable[Endpoint]],
    ) -> None:
        self._tor = tor
        self._folder = folder
        self._port = port
        self._listen = listen
        self._asking = asyncio.Lock()
        self._target: Endpoint | None = None
        self._place: Endpoint | None = None
        self._standing: asyncio.Future[TorConnection] = asyncio.Future()

    async def reach(self) -> Endpoint:
        """Where wallets reach this one through Tor; the first call has the service made.

        Raises:
            ConfigError: Tor is not there, or refuses; or the system does.
            StorageError: the key cannot be written.
        """
        async with self._asking:
            if self._target is None:
                self._target = await self._listen(ANY_PORT)
            if self._place is None:
                try:
                    control, self._place = await self._raise(self._target)
                except TorRefused as refused:
                    raise ConfigError(f"no onion service: {refused}") from refused
                self._standing.set_result(control)
        return self._place

    async def keep(self) -> None:
        """Have it made again whenever Tor has gone; runs for as long as the wallet is open."""
        control = await self._standing
        assert self._target is not None, "the first service leads somewhere"
        try:
            while True:
                await control.wait_closed()
                control.close()
                control = await self._raise_again(self._target)
        finally:
            control.close()

    async def _raise_again(self, target: Endpoint) -> TorConnection:
        pause = FIRST_PAUSE_S
        while True:
            await asyncio.sleep(pause)
            try:
                return (await self._raise(target))[0]
            except TorRefused as refused:
                pause = min(pause * PAUSE_GROWTH, MAX_PAUSE_S)
                _log.debug("No onion service: %s; trying again in %.1f s", refused, pause)

    async def _raise(self, target: Endpoint) -> tuple[TorConnection, Endpoint]:
        control = await controlled(self._tor)
        try:
            host = await add_service(control, self._folder, self._port, target)
        except BaseException:
            control.close()
            raise
        return control, Endpoint(host, self._port)


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        _log.warning("The key of the onion service is not read (%s); a new one is made", error)
        return ""


def _write_key(path: Path, key: str) -> None:
    try:
        write_atomically(path, key.encode("ascii"))
    except OSError as error:
        raise disk_refusal(f"cannot write {path}", error) from error
