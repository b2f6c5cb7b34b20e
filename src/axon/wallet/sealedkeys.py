"""The private keys of a wallet of many descriptors: sealed in its file, open while it is unlocked.

A key of 32 random bytes, the master key, seals the private form of each descriptor. Itself it is
sealed with the passphrase (`wallet/seal`); in a wallet without one it stands open, and only the
rights of the file protect it. Unlocking keeps the master key in memory, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from axon.wallet import records
from axon.wallet.errors import KeysLocked, WatchOnly
from axon.wallet.records import Changes
from axon.wallet.seal import NONCE_SIZE, SALT_SIZE, SCRYPT_LOG_N, seal, unseal

MASTER_SIZE: Final = 32
_OPEN: Final = b"axonopen"
"""Before a master key that no passphrase seals."""


@dataclass(frozen=True, slots=True)
class Entropy:
    """Where chance comes from, and what a guess at a passphrase costs.

    Args:
        rng: of this machine; of a seed in a test.
        log_n: the logarithm of scrypt's N.
    """

    rng: Random
    log_n: int = SCRYPT_LOG_N


class SealedKeys:
    """The keys of one wallet.

    Args:
        stored: reads a record.
        entropy: for new keys and seals.
    """

    def __init__(self, stored: Callable[[bytes], bytes | None], entropy: Entropy) -> None:
        self._stored = stored
        self._entropy = entropy
        self._master: bytes | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether a passphrase seals it."""
        kept = self._stored(records.MASTER_KEY)
        return kept is not None and not kept.startswith(_OPEN)

    @property
    def is_locked(self) -> bool:
        """Whether the passphrase is needed."""
        return self.is_encrypted and self._master is None

    def unlock(self, passphrase: str) -> None:
        """Open it until `lock`.

        Raises:
            WrongPassphrase: it was sealed with another.
        """
        kept = self._stored(records.MASTER_KEY)
        assert kept is not None, "only what is encrypted is unlocked"
        self._master = unseal(kept, passphrase)

    def lock(self) -> None:
        """Let the master key go."""
        self._master = None

    def sealed_anew(self, old: str | None, new: str) -> Changes:
        """What to write so that another passphrase opens it.

        Args:
            old: the one that opens it now; None if none is needed.

        Raises:
            WrongPassphrase: it does not.
        """
        kept = self._stored(records.MASTER_KEY)
        if old is not None:
            assert kept is not None, "it is encrypted"
            master = unseal(kept, old)
        else:
            master = self._entropy.rng.randbytes(MASTER_SIZE) if kept is None else self._opened()
        return {records.MASTER_KEY: self._sealed(master, new)}

    def encrypted(self, passphrase: str, keychains: tuple[int, ...]) -> Changes:
        """What to write so that a wallet that stood open is sealed, with another master key.

        That one is open until `lock`, for what else is to be written with it.

        Args:
            keychains: those whose private descriptors are here.
        """
        master = self._entropy.rng.randbytes(MASTER_SIZE)
        changes: Changes = {records.MASTER_KEY: self._sealed(master, passphrase)}
        for keychain in keychains:
            changes |= self._locked_away(master, keychain, self.private_text(keychain))
        self._master = master
        return changes

    def created(self, passphrase: str) -> Changes:
        """What to write of a new wallet, which is open until `lock`; an empty passphrase seals
        nothing."""
        master = self._master = self._entropy.rng.randbytes(MASTER_SIZE)
        if not passphrase:
            return {records.MASTER_KEY: _OPEN + master}
        return {records.MASTER_KEY: self._sealed(master, passphrase)}

    def kept(self, keychain: int, private_text: str) -> Changes:
        """What to write of the private form of a descriptor.

        Raises:
            KeysLocked: the passphrase is needed.
        """
        return self._locked_away(self._opened(), keychain, private_text)

    def private_text(self, keychain: int) -> str:
        """The private form of a descriptor.

        Raises:
            KeysLocked: the passphrase is needed.
            WatchOnly: it is not here.
        """
        key = records.many_key(records.SECRET, keychain)
        sealed = self._stored(key)
        if sealed is None:
            raise WatchOnly("the private keys of this descriptor are not in the wallet")
        master = self._opened()
        nonce, rest = sealed[:NONCE_SIZE], sealed[NONCE_SIZE:]
        try:
            return ChaCha20Poly1305(master).decrypt(nonce, rest, key).decode()
        except InvalidTag:
            raise records.damaged() from None

    def _opened(self) -> bytes:
        if self._master is not None:
            return self._master
        kept = self._stored(records.MASTER_KEY)
        if kept is None or not kept.startswith(_OPEN):
            raise KeysLocked("the wallet is locked: its passphrase opens it")
        return kept[len(_OPEN) :]

    def _sealed(self, master: bytes, passphrase: str) -> bytes:
        rng = self._entropy.rng
        salt, nonce = rng.randbytes(SALT_SIZE), rng.randbytes(NONCE_SIZE)
        return seal(master, passphrase, salt, nonce, log_n=self._entropy.log_n)

    def _locked_away(self, master: bytes, keychain: int, text: str) -> Changes:
        key = records.many_key(records.SECRET, keychain)
        nonce = self._entropy.rng.randbytes(NONCE_SIZE)
        return {key: nonce + ChaCha20Poly1305(master).encrypt(nonce, text.encode(), key)}
