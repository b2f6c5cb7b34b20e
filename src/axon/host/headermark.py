"""A note of which headers of a file were checked, so that a start need not check them again.

    light/headers.checked   how many headers, their SHA-256, the shape of their tree; a SHA-256 of
                            it all

The note is written after a start has checked all. It says that these bytes were found whole and
proved their work; whoever finds the same bytes again knows it by one hash of them instead of a
million. A note that is missing, damaged or of other bytes costs the time of that check and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct, iter_unpack
from typing import Final

_VERSION: Final = b"axon headers 1\n"
_COUNT = Struct("<Q32s")
_SEGMENT = Struct("<II")
_SUM_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class HeaderMark:
    """The first headers of a file.

    Args:
        count: how many.
        digest: SHA-256 of their bytes.
        segments: the shape of their tree, see `HeaderTree.segments`.
    """

    count: int
    digest: bytes
    segments: tuple[tuple[int, int], ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        told = b"".join([_SEGMENT.pack(*each) for each in self.segments])
        body = _VERSION + _COUNT.pack(self.count, self.digest) + told
        return body + sha256(body).digest()

    @classmethod
    def decode(cls, data: bytes) -> HeaderMark | None:
        """The note; None of anything else."""
        body, told_sum = data[:-_SUM_SIZE], data[-_SUM_SIZE:]
        start = len(_VERSION) + _COUNT.size
        whole = len(body) >= start and (len(body) - start) % _SEGMENT.size == 0
        if not whole or not body.startswith(_VERSION) or sha256(body).digest() != told_sum:
            return None
        count, digest = _COUNT.unpack_from(body, len(_VERSION))
        segments = tuple(_pair(each) for each in iter_unpack(_SEGMENT.format, body[start:]))
        return cls(count, digest, segments)


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    first, parent = values
    return first, parent
