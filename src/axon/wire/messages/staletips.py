"""The message about branches that lost: staletip (BIP 332, draft 0.1.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from axon.errors import DecodeError
from axon.primitives.encoding import Reader, compact_size
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header

MAX_STALE_HEADERS: Final = 20
"""Headers of one branch: longer ones are left to the usual sync, should they ever matter."""

_VERSION_SIZE: Final = 4
_HASH_SIZE: Final = 32
_ENTRY_SIZE: Final = HEADER_SIZE - _HASH_SIZE  # A header without the hash of the block before it.


@dataclass(frozen=True, slots=True)
class StaleTip:
    """`staletip`: a branch that is not active with the sender, and ends in a stale tip.

    Args:
        fork_point: the block that the first header builds on; the receiver knows it.
        headers: of one branch, 1 to 20, upwards; each builds on the one before.
        have_block: the sender has the last one's block and gives it away.
    """

    command: ClassVar[str] = "staletip"

    fork_point: BlockHash
    headers: tuple[Header, ...]
    have_block: bool

    @property
    def tip(self) -> Header:
        """The stale tip."""
        return self.headers[-1]

    def encode(self) -> bytes:
        """The payload: fork point, count, 48 bytes of each header, a byte that is 0 or 1."""
        bare = [
            header.raw[:_VERSION_SIZE] + header.raw[_VERSION_SIZE + _HASH_SIZE :]
            for header in self.headers
        ]
        count = compact_size(len(bare))
        return b"".join((self.fork_point, count, *bare, b"\x01" if self.have_block else b"\x00"))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A branch from exactly this payload; whether its headers are valid is not looked at.

        Raises:
            DecodeError: it is in another form, or has no header or too many.
        """
        reader = Reader(payload)
        fork_point = previous = BlockHash(reader.take(_HASH_SIZE))
        count = reader.compact_size()
        if not 1 <= count <= MAX_STALE_HEADERS:
            raise DecodeError(f"1 to {MAX_STALE_HEADERS} headers of a branch, not {count}", 32)
        headers: list[Header] = []
        for _ in range(count):
            version = reader.take(_VERSION_SIZE)
            rest = reader.take(_ENTRY_SIZE - _VERSION_SIZE)
            headers.append(Header(version + previous + rest))
            previous = headers[-1].hash
        have_block = reader.u8()
        if have_block > 1:
            raise DecodeError("0 or 1 for whether the block is there", reader.offset - 1)
        reader.finish()
        return cls(fork_point, tuple(headers), bool(have_block))
