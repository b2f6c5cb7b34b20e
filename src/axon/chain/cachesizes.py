"""How much of the coins may be kept in memory (`-dbcache`), and by whom.

The validator's coins get what Bitcoin Core gives them of the same number. Our own view keeps little
in memory: what it holds back, so that many blocks share one write, is a fiftieth of it on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

_MIB: Final = 1024 * 1024

DEFAULT_MIB: Final = 450
"""What libbitcoinkernel takes by itself."""

LEAST_MIB: Final = 4

VERIFIED_MIB: Final = 32
"""What libbitcoinkernel takes by itself, and fills when it is opened."""

_MAX_INDEX_BYTES: Final = 2 * _MIB  # Of the index of blocks.
_MAX_DATABASE_BYTES: Final = 8 * _MIB
_HELD_PART: Final = 50


@dataclass(frozen=True, slots=True)
class CacheSizes:
    """Bytes in memory.

    Args:
        coins_bytes: of the validator's coins; when they have grown to this they are written.
        database_bytes: of its database of coins.
        held_bytes: of changes that our view of the coins has not written yet.
        verified_bytes: of the validator's notes on which signatures and scripts it has verified.
    """

    coins_bytes: int
    database_bytes: int
    held_bytes: int
    verified_bytes: int

    @classmethod
    def within(cls, total_mib: int, verified_mib: int = VERIFIED_MIB) -> Self:
        """Those of a total; of `LEAST_MIB` where it is less.

        Args:
            total_mib: for coins.
            verified_mib: for what was verified, which is no part of that (`-maxsigcachesize`).
        """
        total = max(total_mib, LEAST_MIB) * _MIB
        left = total - min(total // 8, _MAX_INDEX_BYTES)
        database = min(left // 2, _MAX_DATABASE_BYTES)
        verified = max(verified_mib, 0) * _MIB
        return cls(left - database, database, total // _HELD_PART, verified)


DEFAULT_CACHES: Final = CacheSizes.within(DEFAULT_MIB)
