"""How a program makes a wallet; `axon wallet create` asks a person besides."""

from __future__ import annotations

from random import SystemRandom

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import ConfigError
from axon.host.lightwallet import WALLET_FILE
from axon.host.settings import LightSettings
from axon.machine import SECOND
from axon.wallet.keys import ENTROPY_SIZE, AccountKind, check_words, from_words, new_words
from axon.wallet.seal import NONCE_SIZE, SALT_SIZE
from axon.wallet.wallet import Wallet


def create_wallet(
    settings: LightSettings,
    name: str,
    passphrase: str,
    *,
    words: str | None = None,
    birthday_s: int | None = None,
) -> str:
    """Make a wallet of BIP 84 addresses; the words that restore it. It takes half a second.

    Args:
        settings: where it is kept, and whose coins it holds.
        name: of the wallet.
        passphrase: asked for to spend from it; not empty.
        words: of a wallet that existed before; None for new ones.
        birthday_s: nothing was paid to it before, seconds since 1970; None for now, or for the
            beginning of the chain if it existed before.

    Raises:
        ConfigError: no wallet may have this name, or the passphrase is empty.
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
    source = from_words(used, network, AccountKind.BIP84, passphrase, salt, nonce)
    if birthday_s is None:
        birthday_s = Clock().now() // SECOND if words is None else network.genesis.header.time
    with SqliteStore(folder / WALLET_FILE) as store:
        Wallet.create(store, network, source, birthday_s=birthday_s)
    return used
