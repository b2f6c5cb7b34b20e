"""The 80-byte block header."""

from __future__ import annotations

from hashlib import sha256
from struct import Struct
from typing import Final, Self

from axon.errors import DecodeError
from axon.primitives.hashes import BlockHash

HEADER_SIZE: Final = 80

_LAYOUT = Struct("<i32s32sIII")
_U32 = Struct("<I")
_I32 = Struct("<i")


class Header:
    """A block header; holds its 80 bytes and reads fields on demand.

    Two headers are equal when their bytes are.
    """

    __slots__ = ("_hash", "raw")

    raw: bytes
    """80 bytes: version, prev, merkle root, time, bits, nonce; integers little-endian."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != HEADER_SIZE:
            raise DecodeError(f"a header of {HEADER_SIZE} bytes, not {len(raw)}")
        self.raw = raw
        self._hash: BlockHash | None = None

    @classmethod
    def build(
        cls, version: int, prev: BlockHash, merkle_root: bytes, time: int, bits: int, nonce: int
    ) -> Self:
        """A header from its fields; `time` in seconds since 1970."""
        return cls(_LAYOUT.pack(version, prev, merkle_root, time, bits, nonce))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """A header from exactly 80 bytes.

        Raises:
            DecodeError: the size is another.
        """
        return cls(data)

    def encode(self) -> bytes:
        """The 80 bytes."""
        return self.raw

    @property
    def hash(self) -> BlockHash:
        """The block's name: sha256d of the 80 bytes."""
        found = self._hash
        if found is None:
            found = self._hash = BlockHash(sha256(sha256(self.raw).digest()).digest())
        return found

    @property
    def version(self) -> int:
        """32 bits, signed; its bits signal deployments (BIP 9)."""
        return int(_I32.unpack_from(self.raw, 0)[0])

    @property
    def prev(self) -> BlockHash:
        """The hash of the block before; zeros in a genesis block."""
        return BlockHash(self.raw[4:36])

    @property
    def merkle_root(self) -> bytes:
        """The Merkle root of the block's txids."""
        return self.raw[36:68]

    @property
    def time(self) -> int:
        """Seconds since 1970, as the miner says."""
        return int(_U32.unpack_from(self.raw, 68)[0])

    @property
    def bits(self) -> int:
        """The target in compact form."""
        return int(_U32.unpack_from(self.raw, 72)[0])

    @property
    def nonce(self) -> int:
        """What the miner varied to find the hash: 32 bits, unsigned."""
        return int(_U32.unpack_from(self.raw, 76)[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Header) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Header({self.hash[::-1].hex()})"
