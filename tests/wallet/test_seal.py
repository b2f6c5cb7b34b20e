"""Sealing: the right passphrase opens, nothing else does, and a hostile file costs little."""

from __future__ import annotations

import hashlib
from unicodedata import normalize

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import example, given
from hypothesis import strategies as st

from axon.errors import DamageError
from axon.wallet import seal as seal_module
from axon.wallet.errors import WrongPassphrase
from axon.wallet.seal import SCRYPT_LOG_N, seal, unseal

SALT, NONCE = bytes(range(16)), bytes(range(12))


def sealed(secret: bytes = b"secret", passphrase: str = "pass", log_n: int = 2) -> bytes:
    return seal(secret, passphrase, SALT, NONCE, log_n=log_n)


PASSPHRASES = st.text(st.characters(exclude_characters="\0"), max_size=20)


@given(st.binary(max_size=100), PASSPHRASES, st.text(max_size=20))
@example(b"", "", "\0")
@example(b"", "a", "a\0\0")
def test_only_the_passphrase_opens(secret: bytes, passphrase: str, other: str) -> None:
    closed = sealed(secret, passphrase)
    assert unseal(closed, passphrase) == secret
    if normalize("NFKD", passphrase) != normalize("NFKD", other):
        with pytest.raises(WrongPassphrase):
            unseal(closed, other)


@pytest.mark.parametrize("passphrase", ["\0", "a\0", "a\0b"])
def test_zero_characters_are_refused(passphrase: str) -> None:
    with pytest.raises(WrongPassphrase, match="zero character"):
        sealed(passphrase=passphrase)


def test_the_secret_is_not_to_be_seen() -> None:
    assert b"secret" not in sealed()


def test_letters_may_be_composed_either_way() -> None:
    assert unseal(sealed(passphrase="caf\u00e9"), "cafe\u0301") == b"secret"


def test_a_wallet_of_an_older_axon_opens() -> None:
    """The form is fixed: scrypt of the passphrase in NFKD, ChaCha20-Poly1305 under the header."""
    passphrase = "caf\u00e9 \ufb01n"
    closed = sealed(passphrase=passphrase)
    read = "cafe\u0301 fin".encode()
    key = hashlib.scrypt(read, salt=SALT, n=4, r=8, p=1, dklen=32)
    header, rest = closed[:40], closed[40:]
    assert header == b"axonseal" + bytes((1, 2, 8, 1)) + SALT + NONCE
    assert ChaCha20Poly1305(key).decrypt(NONCE, rest, header) == b"secret"


def test_the_largest_cost_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal_module, "MAX_SCRYPT_LOG_N", 3)  # The real one takes seconds.
    assert unseal(sealed(log_n=3), "pass") == b"secret"
    with pytest.raises(DamageError, match="more work"):
        unseal(sealed(log_n=4), "pass")


def test_the_cost_is_the_one_that_is_told() -> None:
    closed = seal(b"secret", "pass", SALT, NONCE)
    assert closed[9:12] == bytes((SCRYPT_LOG_N, 8, 1))
    assert unseal(closed, "pass") == b"secret"


@pytest.mark.parametrize("place", range(len(sealed())))
def test_no_byte_can_be_changed(place: int) -> None:
    closed = bytearray(sealed())
    closed[place] ^= 1
    with pytest.raises((WrongPassphrase, DamageError)):
        unseal(bytes(closed), "pass")


@pytest.mark.parametrize(
    "parameters",
    [
        (63, 8, 1),
        (20, 8, 4),
        (19, 8, 1),
        (18, 8, 2),
        (15, 255, 1),
        (15, 8, 255),
        (0, 8, 1),
        (2, 0, 1),
        (2, 9, 1),
        (2, 8, 5),
        (2, 8, 0),
    ],
)
def test_a_hostile_file_costs_nothing(
    parameters: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = bytearray(sealed())
    closed[9:12] = bytes(parameters)
    monkeypatch.setattr(seal_module, "_key", None)  # Nothing is derived before it is refused.
    with pytest.raises(DamageError, match="more work"):
        unseal(bytes(closed), "pass")


def test_what_is_cut_short_or_foreign_is_named() -> None:
    with pytest.raises(DamageError, match="cut short"):
        unseal(sealed()[:50], "pass")
    with pytest.raises(DamageError, match="no form known"):
        unseal(b"x" * 80, "pass")
