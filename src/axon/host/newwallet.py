"""How a program makes a wallet; `axon wallet create` asks a person besides."""

from __future__ import annotations

from random import SystemRandom

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import ConfigError
from axon.host.lightwallet import WALLET_FILE
from axon.host.settings import LightSettings
from axon.machine import SECOND
from axon.wallet.keys import ENTROPY_SIZE, AccountKind, from_words, new_words
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
    with SqliteStore(folder / WALLET_FILE) as store:
        Wallet.create(
            store,
            network,
            source,
            birthday_s=birthday_s,
            gap=LOOKAHEAD if words is None else RESTORED_LOOKAHEAD,
            has_past=words is not None,
        )
    return used
