"""Secrets at rest: scrypt makes a key of the passphrase, ChaCha20-Poly1305 seals with it.

A sealed secret tells how it was sealed, so that costs can grow and old wallets still open:

    magic (8) version (1) log2 of N (1) r (1) p (1) salt (16) nonce (12)  ciphertext and tag (16)

All before the ciphertext is authenticated with it (RFC 7914, RFC 8439). The passphrase is read in
Unicode's form NFKD, as BIP 39 does, so that two keyboards which compose letters differently open
the same wallet.
"""

from __future__ import annotations

from contextlib import suppress
from struct import Struct
from typing import Final
from unicodedata import normalize

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from axon.errors import DamageError
from axon.wallet.errors import WrongPassphrase

SCRYPT_LOG_N: Final = 15
"""2**15 rounds over 32 MiB: a tenth of a second for the owner, and for each guess of a thief."""

SCRYPT_R: Final = 8
SCRYPT_P: Final = 1

SALT_SIZE: Final = 16
NONCE_SIZE: Final = 12

MAX_SCRYPT_LOG_N: Final = 18
MAX_SCRYPT_R: Final = 8
MAX_SCRYPT_P: Final = 1
"""A file of a stranger may ask for so much and no more: 256 MiB and about a second. That is eight
times what wallets are sealed with today, so that the costs can grow."""

_MAGIC = b"axonseal"
_VERSION = 1
_HEADER = Struct(f"<8sBBBB{SALT_SIZE}s{NONCE_SIZE}s")
_TAG_SIZE = 16
_KEY_SIZE = 32


def seal(
    secret: bytes, passphrase: str, salt: bytes, nonce: bytes, *, log_n: int = SCRYPT_LOG_N
) -> bytes:
    """A secret that only the passphrase opens.

    Args:
        secret: any bytes.
        passphrase: any text without zero characters; the empty one protects from nobody.
        salt: 16 random bytes.
        nonce: 12 random bytes, never used twice with the same salt and passphrase.
        log_n: the cost of a guess, as the logarithm of scrypt's N.

    Raises:
        WrongPassphrase: the passphrase holds a zero character.
    """
    header = _HEADER.pack(_MAGIC, _VERSION, log_n, SCRYPT_R, SCRYPT_P, salt, nonce)
    key = _key(passphrase, salt, log_n, SCRYPT_R, SCRYPT_P)
    return header + ChaCha20Poly1305(key).encrypt(nonce, secret, header)


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """The secret.

    Raises:
        WrongPassphrase: it was sealed with another, or somebody changed it.
        DamageError: these bytes are nothing that was sealed here.
    """
    header, rest = sealed[: _HEADER.size], sealed[_HEADER.size :]
    if len(rest) < _TAG_SIZE:
        raise DamageError("the sealed secret is cut short: restore the wallet from its words")
    magic, version, log_n, r, p, salt, nonce = _HEADER.unpack(header)
    if magic != _MAGIC or version != _VERSION:
        raise DamageError("the sealed secret has no form known here: a newer axon may open it")
    if not (1 <= log_n <= MAX_SCRYPT_LOG_N and 1 <= r <= MAX_SCRYPT_R and 1 <= p <= MAX_SCRYPT_P):
        raise DamageError(
            f"to open the sealed secret would take more work than any wallet of axon does (scrypt"
            f" with N=2^{log_n}, r={r}, p={p}; at most 2^{MAX_SCRYPT_LOG_N}, {MAX_SCRYPT_R},"
            f" {MAX_SCRYPT_P}): nothing was tried; restore the wallet from its words"
        )
    key = _key(passphrase, salt, log_n, r, p)
    with suppress(InvalidTag):
        return ChaCha20Poly1305(key).decrypt(nonce, rest, header)
    # Outside: an error on top of the library's would keep its frames, and the passphrase in them.
    raise WrongPassphrase(
        "the passphrase does not open this wallet: try again; it is the one that seals its"
        " file, not a BIP 39 passphrase"
    )


def _key(passphrase: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    # HMAC, on which scrypt rests, fills keys up with zeros: one more at the end changes nothing.
    if "\0" in passphrase:
        raise WrongPassphrase("no passphrase holds a zero character: leave it out")
    derivation = Scrypt(salt=salt, length=_KEY_SIZE, n=1 << log_n, r=r, p=p)
    return derivation.derive(normalize("NFKD", passphrase).encode("utf-8", "surrogatepass"))
