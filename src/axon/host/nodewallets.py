"""The wallets of a node: which are loaded, which there are, which are loaded at each start.

    <network's folder>/wallets/NAME/wallet.sqlite  where NAME may be folders in folders
    <network's folder>/settings.json               {"wallet": ["NAME", ...]}: read with the options

Nothing of the wallet's library is loaded before the first wallet is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from axon.drivers.aio.privatefiles import make_folder, write_atomically
from axon.errors import AxonError, ConfigError, disk_refusal
from axon.host.settings import MAX_WALLET_FOLDERS, check_wallet_path
from axon.host.settingsfile import set_loaded_at_start
from axon.rpc.corewallet.access import LoadedWallet
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError

if TYPE_CHECKING:
    from axon.host.openwallet import OpenWallet

MAX_LOADED: Final = 100
"""Wallets at a time: each has a thread."""

_FILE: Final = "wallet.sqlite"
_CREATION: Final = "Wallet file verification failed. "

_log: Final = logging.getLogger("axon.wallet")


class NodeWallets:
    """The wallets of one node; a `rpc.corewallet.access.Wallets`.

    Args:
        settings: what it was told of them.
        daemon: of the node.
    """

    def __init__(self, settings: NodeWalletSettings, daemon: Daemon) -> None:
        self.settings = settings
        self._daemon = daemon
        self._folder = settings.folder or daemon.folder / "wallets"
        self._open: dict[str, OpenWallet] = {}
        self._hearing: dict[str, OpenWallet] = {}  # Also those that are being opened.
        self._busy: dict[str, None] = {}  # Names that are being loaded or made.
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._begun = asyncio.Event()
        self._setting = asyncio.Lock()  # Of two who change the settings file one would be lost.

    @property
    def loaded(self) -> Mapping[str, LoadedWallet]:
        """See `Wallets`."""
        return self._open

    # Running.

    async def run(self) -> None:
        """Follow the node with all wallets that are loaded, until cancelled; then close them."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._begun.set()
                await asyncio.Event().wait()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            await self._close()

    async def load_all(self) -> None:
        """Load those that are loaded at the start; one that is not there is only told of.

        Raises:
            ConfigError: one cannot be opened.
        """
        for name in dict.fromkeys(self.settings.names):
            try:
                await self.load(name)
            except RpcError as error:
                if error.code != Code.WALLET_NOT_FOUND:
                    raise ConfigError(error.message) from error
                _log.warning(
                    "Skipping -wallet path that doesn't exist. %s",
                    error.message.removeprefix(_CREATION),
                )

    def reported(self, fact: object) -> None:
        """Take in a fact of the node, on the loop."""
        for wallet in self._hearing.values():
            wallet.reported(fact)

    async def _close(self) -> None:
        for wallet in tuple(self._hearing.values()):
            await wallet.close()

    # What callers want.

    def on_disk(self) -> Sequence[str]:
        """See `Wallets`."""
        files = [
            file
            for depth in range(1, MAX_WALLET_FOLDERS + 1)
            for file in self._folder.glob(f"{'*/' * depth}{_FILE}")
        ]
        return sorted([str(file.parent.relative_to(self._folder)) for file in files])

    def path(self, name: str) -> Path:
        """See `Wallets`."""
        return self._folder / name

    async def create(
        self, name: str, *, private_keys: bool, blank: bool, passphrase: str
    ) -> LoadedWallet:
        """See `Wallets`."""
        from axon.host.makewallet import make_wallet

        path = self._checked(name)
        if (path / _FILE).exists():
            raise RpcError(
                Code.WALLET,
                f"{_CREATION}Failed to create database path '{path}'. Database already exists.",
            )
        self._claim(name)
        try:
            tip = self._daemon.node.active.tip
            await asyncio.to_thread(
                make_wallet,
                path / _FILE,
                self._daemon,
                self.settings,
                flags=(private_keys, blank),
                passphrase=passphrase,
                tip=(tip.height, tip.hash),
            )
            return await self._loaded(name, path)
        finally:
            self._busy.pop(name, None)

    async def load(self, name: str) -> LoadedWallet:
        """See `Wallets`."""
        path = self._checked(name) if name else self._folder
        if name in self._open:
            raise RpcError(Code.WALLET_ALREADY_LOADED, f'Wallet "{name}" is already loaded.')
        if not path.exists():
            raise RpcError(
                Code.WALLET_NOT_FOUND,
                f"{_CREATION}Failed to load database path '{path}'. Path does not exist.",
            )
        if not name or not (path / _FILE).is_file():
            raise RpcError(
                Code.WALLET_NOT_FOUND,
                f"{_CREATION}Failed to load database path '{path}'. Data is not in recognized"
                " format.",
            )
        self._claim(name)
        try:
            return await self._loaded(name, path)
        finally:
            self._busy.pop(name, None)

    async def unload(self, wallet: LoadedWallet) -> None:
        """See `Wallets`."""
        found = self._open.pop(wallet.name, None)
        if found is None:
            raise RpcError(Code.MISC, "Requested wallet already unloaded")
        del self._hearing[wallet.name]
        self._busy[wallet.name] = None
        try:
            follower = self._followers.pop(wallet.name, None)
            if follower is not None:
                follower.cancel()
            await found.close()
        finally:
            self._busy.pop(wallet.name, None)

    async def restore(self, name: str, backup: Path) -> LoadedWallet:
        """See `Wallets`."""
        if not await asyncio.to_thread(backup.is_file):
            raise RpcError(Code.PARAMETER, "Backup file does not exist")
        for loaded in list(self._open.values()):
            # To close the file again would drop the lock that keeps other processes from it.
            if await asyncio.to_thread(backup.samefile, loaded.path):
                raise RpcError(
                    Code.WALLET,
                    f"{backup} is the file of the loaded wallet {loaded.name!r}:"
                    " backupwallet makes a copy of it",
                )
        path = self._checked(name)
        if path.exists():
            raise RpcError(
                Code.WALLET_ALREADY_EXISTS,
                f"Failed to restore wallet. Database file exists in '{path / _FILE}'.",
            )
        self._claim(name)
        try:
            await asyncio.to_thread(_copy, backup, path / _FILE)
            try:
                return await self._loaded(name, path)
            except RpcError:
                await asyncio.to_thread(shutil.rmtree, path, True)
                raise
        finally:
            self._busy.pop(name, None)

    async def load_at_start(self, name: str, yes: bool) -> bool:
        """See `Wallets`."""
        if self.settings.settings_file is None:
            return False
        async with self._setting:
            await asyncio.to_thread(set_loaded_at_start, self.settings.settings_file, name, yes)
        return True

    def _checked(self, name: str) -> Path:
        try:
            return self._folder / check_wallet_path(name)
        except ConfigError as error:
            raise RpcError(Code.PARAMETER, str(error)) from None

    def _claim(self, name: str) -> None:
        if name in self._busy:
            raise RpcError(Code.WALLET, "Wallet already loading.")
        if len(self._open) + len(self._busy) >= MAX_LOADED:
            raise RpcError(Code.WALLET, f"at most {MAX_LOADED} wallets are loaded at a time")
        self._busy[name] = None

    async def _loaded(self, name: str, path: Path) -> LoadedWallet:
        from axon.host.openwallet import OpenWallet

        await self._begun.wait()
        wallet = OpenWallet(name, path / _FILE, self._daemon, self.settings)
        self._hearing[name] = wallet
        try:
            await wallet.open()
        except AxonError as error:
            del self._hearing[name]
            await wallet.close()
            message = error.message if isinstance(error, RpcError) else str(error)
            raise RpcError(Code.WALLET, f"{_CREATION}{message}") from error
        self._open[name] = wallet
        assert self._group is not None, "it has begun"
        self._followers[name] = self._group.create_task(wallet.follow())
        return wallet


def _copy(source: Path, target: Path) -> None:
    try:
        make_folder(target.parent)
        write_atomically(target, source.read_bytes())
    except OSError as error:
        raise disk_refusal(f"cannot write {target}", error) from error
