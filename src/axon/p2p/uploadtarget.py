"""The operator's limit of what is sent in a day (`-maxuploadtarget`), and when it is reached."""

from __future__ import annotations

from typing import Final

from axon.machine import DAY, SECOND, Instant
from axon.primitives.network import TARGET_SPACING_S

UPLOAD_CYCLE: Final = DAY
"""Over which the operator's upload limit counts."""

_BLOCK_SIZE_BYTES = 4_000_000  # The largest; kept free for each block still to come in a cycle.


class UploadTarget:
    """The operator's limit of bytes sent in a day (`-maxuploadtarget`).

    Args:
        limit_bytes: 0 for none.
    """

    def __init__(self, limit_bytes: int = 0) -> None:
        self.limit_bytes = limit_bytes
        self._cycle_start: Instant | None = None
        self._sent_bytes = 0

    def sent(self, size_bytes: int, now: Instant) -> None:
        """So many bytes went out, to whomever."""
        if self._cycle_start is None or now - self._cycle_start > UPLOAD_CYCLE:
            self._cycle_start = now
            self._sent_bytes = 0
        self._sent_bytes += size_bytes

    def left_bytes(self) -> int:
        """What may still be sent in this cycle; 0 without a limit."""
        return max(0, self.limit_bytes - self._sent_bytes)

    def left_us(self, now: Instant) -> int:
        """Until the cycle ends; 0 without a limit."""
        if not self.limit_bytes:
            return 0
        if self._cycle_start is None:
            return UPLOAD_CYCLE
        return max(0, self._cycle_start + UPLOAD_CYCLE - now)

    def is_reached(self, now: Instant, *, historical: bool) -> bool:
        """Whether the limit is reached.

        Args:
            now: the present.
            historical: for old blocks it is reached earlier, so that the new ones of the cycle
                still fit in.
        """
        if not self.limit_bytes:
            return False
        if not historical:
            return self._sent_bytes >= self.limit_bytes
        blocks_left = self.left_us(now) // (TARGET_SPACING_S * SECOND)
        reserve = blocks_left * _BLOCK_SIZE_BYTES
        return self._sent_bytes >= self.limit_bytes - reserve
