"""Extended keys and what is derived from them (BIP 32)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from axon.errors import DecodeError
from axon.primitives.address import base58check_decode, base58check_encode
from axon.primitives.hashes import hash160
from axon.primitives.keys import (
    CURVE_ORDER,
    add_to_public_key,
    add_to_secret,
    is_public_key,
    public_key,
)
from axon.primitives.network import Network

HARDENED: Final = 1 << 31
"""From this index on a child is derived with the private key."""

_PAYLOAD_SIZE = 78


@dataclass(frozen=True, slots=True)
class ExtendedKey:
    """A key with the chain code from which its children follow.

    Args:
        depth: derivations from the master key, 0 to 255.
        parent_fingerprint: 4 bytes; zeros for the master key.
        number: which child of its parent it is.
        chain_code: 32 bytes.
        key: 33 bytes: the compressed public key, or a zero and the secret.
    """

    depth: int
    parent_fingerprint: bytes
    number: int
    chain_code: bytes
    key: bytes

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The master key of a seed of 16 to 64 bytes.

        Raises:
            DecodeError: the seed is one of those, less than 1 in 2**127, that have none.
        """
        digest = hmac.digest(b"Bitcoin seed", seed, "sha512")
        public_key(digest[:32])
        return cls(0, bytes(4), 0, digest[32:], b"\x00" + digest[:32])

    @classmethod
    def decode(cls, text: str, network: Network) -> Self:
        """An `xpub`, `xprv` and the like, of this network.

        Raises:
            DecodeError: it is none.
        """
        payload = base58check_decode(text)
        if len(payload) != _PAYLOAD_SIZE:
            raise DecodeError(f"an extended key of {_PAYLOAD_SIZE} bytes")
        extended = cls(
            payload[4],
            payload[5:9],
            int.from_bytes(payload[9:13], "big"),
            payload[13:45],
            payload[45:],
        )
        prefix = network.xprv_prefix if extended.is_private else network.xpub_prefix
        if payload[:4] != prefix:
            raise DecodeError(f"an extended key of {network.name}")
        if extended.depth == 0 and (extended.number or any(extended.parent_fingerprint)):
            raise DecodeError("a master key without parent")
        if extended.is_private:
            if not 0 < int.from_bytes(extended.key, "big") < CURVE_ORDER:
                raise DecodeError("a secret between 1 and the order of the curve")
        elif not is_public_key(extended.key):
            raise DecodeError("a public key that is a point of the curve")
        return extended

    def encode(self, network: Network) -> str:
        """In base 58, as wallets write it."""
        prefix = network.xprv_prefix if self.is_private else network.xpub_prefix
        number = self.number.to_bytes(4, "big")
        head = prefix + bytes((self.depth,)) + self.parent_fingerprint + number
        return base58check_encode(head + self.chain_code + self.key)

    @property
    def is_private(self) -> bool:
        """Whether it holds the secret."""
        return self.key[0] == 0

    @property
    def public_key(self) -> bytes:
        """33 bytes, compressed."""
        return public_key(self.key[1:]) if self.is_private else self.key

    @property
    def fingerprint(self) -> bytes:
        """4 bytes that name this key."""
        return hash160(self.public_key)[:4]

    def public(self) -> ExtendedKey:
        """The same without the secret."""
        return ExtendedKey(
            self.depth, self.parent_fingerprint, self.number, self.chain_code, self.public_key
        )

    def child(self, number: int) -> ExtendedKey:
        """A child key, private if this key is.

        Args:
            number: from 0; from `HARDENED` on only with the secret.

        Raises:
            DecodeError: it cannot be derived: hardened and the secret is not here, too deep, or one
                of the less than 1 in 2**127 that do not exist.
        """
        if number >= HARDENED and not self.is_private:
            raise DecodeError("a private key, to derive a hardened child")
        if self.depth == 0xFF:
            raise DecodeError("at most 255 derivations")
        public = self.public_key
        digest = self._digest(number)
        tweak = digest[:32]
        if self.is_private:
            key = b"\x00" + add_to_secret(self.key[1:], tweak)
        else:
            key = add_to_public_key(public, tweak)
        return ExtendedKey(self.depth + 1, hash160(public)[:4], number, digest[32:], key)

    def tweak(self, number: int) -> bytes:
        """What is added to this key to have a child, 32 bytes; see `child`."""
        return self._digest(number)[:32]

    def _digest(self, number: int) -> bytes:
        body = self.key if number >= HARDENED else self.public_key
        return hmac.digest(self.chain_code, body + number.to_bytes(4, "big"), "sha512")

    def descend(self, path: Sequence[int]) -> ExtendedKey:
        """The key at the end of a path of children.

        Raises:
            DecodeError: as `child`.
        """
        extended: ExtendedKey = self
        for number in path:
            extended = extended.child(number)
        return extended
