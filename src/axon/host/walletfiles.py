"""The file of a wallet that nobody has open: brought back from a copy, renamed, removed.

Whatever instant the program dies at, a wallet is there under one name, whole, or it is not there at
all: what is restored takes its name when it is complete and was read once, a folder is renamed in
one step, and of what is removed the wallet's own file goes first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import make_folder, open_file, sync_folder
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import ConfigError, DamageError, disk_refusal
from axon.host.datadir import locked
from axon.host.lightwallet import WALLET_FILE, find_wallet
from axon.host.settings import LightSettings, check_wallet_name
from axon.host.walletclient import find_served, when_free
from axon.host.walletserver import COOKIE_FILE, RPC_FILE
from axon.wallet import records
from axon.wallet.errors import NoWallet
from axon.wallet.lookahead import set_gap
from axon.wallet.scripts import RESTORED_LOOKAHEAD
from axon.wallet.wallet import Wallet

_MADE_HERE: Final = (
    f"{WALLET_FILE}-wal",
    f"{WALLET_FILE}-shm",
    RPC_FILE,
    COOKIE_FILE,
    "debug.log",
    "onion_v3_private_key",
    ".lock",
)
"""What lies beside a wallet's file and is nothing without it. Whatever else is there is not ours to
remove."""


def restore_file(settings: LightSettings, name: str, backup: Path) -> tuple[Wallet, int]:
    """Bring a wallet back from a copy of its file.

    Addresses may have been given out after the copy was made, so that it looks further ahead, and
    through old blocks again where one turns out to be paid.

    Args:
        name: by which it goes from now on; no wallet may have it.
        backup: the copy, which is only read.

    Returns:
        The wallet, whose store is closed, and its birthday in seconds since 1970.

    Raises:
        ConfigError: there is a wallet of this name, or no wallet in the copy, or one of another
            network.
        StorageError: the copy is damaged, or the disk refuses.
    """
    path = settings.wallet_folder(name) / WALLET_FILE
    if not backup.is_file():
        raise ConfigError(f"there is no file {backup}: name the copy that was made of a wallet")
    part = path.with_name("restored.sqlite")
    try:
        make_folder(path.parent)
        with locked(path.parent):
            if path.exists():
                raise ConfigError(f"there is a wallet {name!r} already: choose another name")
            _copy(backup, part)
            restored = _as_restored(settings, part, backup)
            part.rename(path)
            sync_folder(path.parent)
    except OSError as error:
        raise disk_refusal(f"cannot restore the wallet from {backup}", error) from error
    finally:
        _tidy(part)
    return restored


def _as_restored(settings: LightSettings, part: Path, backup: Path) -> tuple[Wallet, int]:
    """The wallet of a copy, which is told that it may not know all of its past."""
    try:
        store = SqliteStore(part)
    except DamageError:
        raise ConfigError(
            f"{backup} is no copy of a wallet, or damaged: take another one"
        ) from None
    with store:
        try:
            wallet = Wallet.load(store)
        except NoWallet as refused:
            raise ConfigError(f"{backup} cannot be restored: {refused}") from None
        if not wallet.ledger.meet(settings.network):
            raise ConfigError(
                f"{backup} is a wallet of {wallet.network.name}: restore it with"
                f" -chain={wallet.network.name}"
            )
        wallet.ledger.commit({records.PAST_KEY: b""})
        set_gap(wallet.ledger, max(RESTORED_LOOKAHEAD, wallet.ledger.book.gap))
        store.rewrite()
        return wallet, wallet.birthday_s


def _copy(source: Path, target: Path) -> None:
    with (
        source.open("rb") as read,
        os.fdopen(open_file(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as written,
    ):
        shutil.copyfileobj(read, written)
        written.flush()
        os.fsync(written.fileno())


def _tidy(part: Path) -> None:
    """Take away what a restore that failed has left, and the folder if it holds nothing else."""
    with suppress(OSError):
        for path in (part, part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
            path.unlink(missing_ok=True)
        if not (part.parent / WALLET_FILE).exists():
            (part.parent / ".lock").unlink(missing_ok=True)
            part.parent.rmdir()


def rename_wallet(settings: LightSettings, name: str, new: str) -> Path:
    """Give a wallet another name; its folder.

    Raises:
        ConfigError: there is none, it is open in another program, or the new name is taken or none.
        StorageError: the file is damaged, or the disk refuses.
    """
    old = find_wallet(settings, name).parent
    folder = settings.wallet_folder(check_wallet_name(new))
    if folder.exists():
        raise ConfigError(f"there is a folder of the name {new!r} already: choose another name")
    with held_alone(settings, name):
        try:
            old.rename(folder)
            sync_folder(folder.parent)
        except OSError as error:
            raise disk_refusal(f"cannot rename the wallet {name!r}", error) from error
    return folder


def delete_wallet(settings: LightSettings, name: str) -> tuple[str, ...]:
    """Remove a wallet's file, and what lies beside it and is nothing without it.

    Returns:
        The names of other files in its folder, which stay there.

    Raises:
        ConfigError: there is none, or it is open in another program.
        StorageError: the disk refuses.
    """
    path = find_wallet(settings, name)
    folder = path.parent
    with held_alone(settings, name):
        try:
            path.unlink()
            sync_folder(folder)
            for each in _MADE_HERE:
                (folder / each).unlink(missing_ok=True)
        except OSError as error:
            raise disk_refusal(f"cannot remove the wallet {name!r}", error) from error
    left = tuple(sorted(each.name for each in folder.iterdir()))
    if not left:
        folder.rmdir()
    return left


@contextmanager
def held_alone(settings: LightSettings, name: str) -> Iterator[Wallet]:
    """A wallet that no other program has open, nor can open until the block is left.

    All of it is in its one file meanwhile.

    Raises:
        ConfigError: there is none, or another program has it open.
        StorageError: it is damaged, or the disk refuses.
    """
    path = find_wallet(settings, name)
    served = find_served(path.parent)
    if served is not None:
        served.close()
        raise ConfigError(
            f"wallet {name!r} is open in another program: close that first (axon wallet serve or"
            " open)"
        )
    with locked(path.parent), when_free(lambda: SqliteStore(path)) as store:
        wallet = Wallet.load(store)
        store.rewrite()
        yield wallet
