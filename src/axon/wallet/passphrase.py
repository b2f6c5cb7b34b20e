"""Another passphrase for a wallet: the same words, sealed anew."""

from __future__ import annotations

from dataclasses import replace

from axon.wallet import records
from axon.wallet.seal import SCRYPT_LOG_N, seal
from axon.wallet.signing import reveal_words
from axon.wallet.wallet import Wallet


def change_passphrase(
    wallet: Wallet, old: str, new: str, salt: bytes, nonce: bytes, *, log_n: int = SCRYPT_LOG_N
) -> None:
    """Seal a wallet's words with another passphrase. Copies of its file keep the old one.

    Args:
        old: what opens them now.
        new: not empty.
        salt, nonce, log_n: as `seal` takes them.

    Raises:
        WatchOnly: there are no words.
        WrongPassphrase: the old one does not open them.
        StorageError: the disk refused; the old one still opens them.
    """
    assert new, "who asks for a new passphrase sees to it that there is one"
    sealed = seal(reveal_words(wallet, old).encode(), new, salt, nonce, log_n=log_n)
    wallet.ledger.commit({records.SEALED_KEY: sealed})
    wallet.source = replace(wallet.source, sealed=sealed)
