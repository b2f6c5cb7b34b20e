"""Copies of a wallet's file while the wallet is in use."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import StorageError, WalletError
from axon.wallet.wallet import Wallet


class OpenFile:
    """The file of a wallet that is open; for the thread that uses it.

    Args:
        store: as it is open.
        path: of the file.
    """

    def __init__(self, store: SqliteStore, path: Path) -> None:
        self._store = store
        self._path = path

    def back_up(self, target: Path) -> Path:
        """Write a copy, and read it once to see that it is whole.

        Args:
            target: a file that is not there yet, or a folder to put one into.

        Returns:
            Where it is.

        Raises:
            WalletError: something has that name, it would lie among the wallets, or the disk
                refuses; nothing is left of it then.
        """
        name = self._path.parent.name
        path = target / f"{name}.sqlite" if target.is_dir() else target
        if path.exists():
            raise WalletError(
                f"{path} is there already, and is not written over: name another file"
            )
        if path.resolve().is_relative_to(self._path.parent.parent.resolve()):
            raise WalletError(f"{path} lies among the wallets: name a place outside of that folder")
        try:
            self._store.copy_to(path)
            _read_once(path)
        except (OSError, sqlite3.Error, StorageError) as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.part").unlink(missing_ok=True)
            raise WalletError(f"the wallet was not backed up to {path}: {error}") from error
        return path

    def forget_deleted(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it.

        Raises:
            StorageError: the disk refuses.
        """
        self._store.rewrite()


def _read_once(path: Path) -> None:
    with SqliteStore(path) as store:
        Wallet.load(store)
