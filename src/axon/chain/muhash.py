"""MuHash3072: a hash of a set that follows as its elements come and go, as Bitcoin Core's `muhash`.

Each element is a number below 2**3072, a set is the product of its elements modulo a prime. An
element that leaves is divided out, so the order in which they come and go does not matter.

The number of an element is 384 bytes of ChaCha20's stream, its key the element's SHA-256; the hash
of a set is the SHA-256 of its product, written with 384 bytes. All numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, Protocol

PRIME: Final = 2**3072 - 1_103_717
"""The largest safe prime below 2**3072."""

SIZE: Final = 384
"""Bytes of a number."""

_BITS: Final = 8 * SIZE
_LOW: Final = 2**_BITS - 1
_EXCESS: Final = 2**_BITS - PRIME
_ZEROS: Final = bytes(SIZE)
_NONCE: Final = bytes(16)


class CoinSetHash(Protocol):
    """As `MuHash`, whoever does the arithmetic."""

    def change(self, come: Iterable[bytes], gone: Iterable[bytes]) -> None:
        """Take elements in and out."""

    def digest(self) -> bytes:
        """The hash: 32 bytes, internal order."""

    def encode(self) -> bytes:
        """The product: 384 bytes."""


class MuHash:
    """The hash of a set.

    Args:
        product: of its elements, from `encode`; the empty set's by default.
    """

    def __init__(self, product: bytes | None = None) -> None:
        self._product = 1 if product is None else int.from_bytes(product, "little")

    def change(self, come: Iterable[bytes], gone: Iterable[bytes]) -> None:
        """Take elements in and out.

        Args:
            come: elements that are added.
            gone: elements that are taken out; they were in the set.
        """
        product = _multiplied(self._product, come)
        divisor = _multiplied(1, gone)
        if divisor != 1:
            product = product * pow(divisor, -1, PRIME)
        self._product = product % PRIME

    def digest(self) -> bytes:
        """The hash: 32 bytes, internal order."""
        return sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """The product: 384 bytes."""
        return self._product.to_bytes(SIZE, "little")


def _multiplied(product: int, elements: Iterable[bytes]) -> int:
    """A product with further elements; below 2**3072, but perhaps not below the prime."""
    cipher = _cipher()
    for element in elements:
        stream = cipher(sha256(element).digest())
        product *= int.from_bytes(stream, "little")
        # 2**3072 is as much as `_EXCESS` here: so the upper half is folded onto the lower one.
        product = (product >> _BITS) * _EXCESS + (product & _LOW)
    return product


def _cipher() -> Callable[[bytes], bytes]:
    """384 bytes of ChaCha20's stream for a key of 32 bytes."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

    def stream(key: bytes) -> bytes:
        return Cipher(ChaCha20(key, _NONCE), None).encryptor().update(_ZEROS)

    return stream
