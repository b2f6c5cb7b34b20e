"""How a program makes a wallet; `axon wallet create` asks a person besides."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import SystemRandom

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.walletfile import SqliteStore, WalletInUse
from axon.errors import ConfigError, StorageError
from axon.host.lightwallet import WALLET_FILE
from axon.host.settings import LightSettings
from axon.machine import SECOND
from axon.primitives.network import Network
from axon.wallet.keys import ENTROPY_SIZE, AccountKind, Source, from_words, new_words
from axon.wallet.scripts import LOOKAHEAD, RESTORED_LOOKAHEAD
from axon.wallet.seal import NONCE_SIZE, SALT_SIZE
from axon.wallet.wallet import Wallet
from axon.wallet.wordlists import check_words


def create_wallet(
    settings: LightSettings,
    name: str,
    passphrase: str,
    *,
    words: str | None = None,
    bip39_passphrase: str = "",
    birthday_s: int | None = None,
) -> str:
    """Make a wallet of BIP 84 addresses; the words that restore it. It takes half a second.

    Args:
        settings: where it is kept, and whose coins it holds.
        name: of the wallet.
        passphrase: asked for to spend from it; not empty.
        words: of a wallet that existed before; None for new ones.
        bip39_passphrase: the 25th word, needed beside the words to restore the wallet; empty for
            none.
        birthday_s: nothing was paid to it before, seconds since 1970; None for now, or for the
            beginning of the chain if it existed before.

    Raises:
        ConfigError: no wallet may have this name, the passphrase is empty, or the birthday is in
            the future.
        WalletError: there is one already, or the words are none.
        StorageError: the disk refuses.
    """
    folder = settings.wallet_folder(name)
    if not passphrase:
        raise ConfigError("an empty passphrase protects no wallet: choose another")
    rng = SystemRandom()
    network = settings.network
    used = new_words(rng.randbytes(ENTROPY_SIZE)) if words is None else check_words(words)
    salt, nonce = rng.randbytes(SALT_SIZE), rng.randbytes(NONCE_SIZE)
    kind = AccountKind.BIP84
    source = from_words(
        used, network, kind, passphrase, salt, nonce, bip39_passphrase=bip39_passphrase
    )
    now_s = Clock().now() // SECOND
    if birthday_s is not None and birthday_s > now_s:
        raise ConfigError("a birthday in the future hides payments: name a time before the first")
    if birthday_s is None:
        birthday_s = now_s if words is None else network.genesis.header.time
    write_wallet(
        folder / WALLET_FILE,
        network,
        source,
        birthday_s=birthday_s,
        gap=LOOKAHEAD if words is None else RESTORED_LOOKAHEAD,
        has_past=words is not None,
    )
    return used


def write_wallet(
    path: Path, network: Network, source: Source, *, birthday_s: int, gap: int, has_past: bool
) -> Wallet:
    """A new wallet whose file is on the disk when this returns; nothing is left if it fails.

    Args:
        path: of the file; for the rest see `Wallet.create`. The wallet's store is closed.

    Raises:
        NoWallet: there is one already.
        StorageError: the disk refuses.
    """
    was_there = path.exists()
    try:
        with SqliteStore(path) as store:
            return Wallet.create(
                store, network, source, birthday_s=birthday_s, gap=gap, has_past=has_past
            )
    except WalletInUse:
        raise  # Another process has made it meanwhile.
    except StorageError:
        if not was_there:
            remove_wallet(path)
        raise


def remove_wallet(path: Path) -> None:
    """Take a wallet's file away that was just made, and its folder if nothing else is in it."""
    with suppress(OSError):  # What the disk refuses was told, or nobody needs it.
        for suffix in ("-wal", "-shm", ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.parent.rmdir()
