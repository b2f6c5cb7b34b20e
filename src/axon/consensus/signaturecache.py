"""The memory in which the kernel remembers which signatures and scripts it has verified.

The library takes 32 MiB for that when it is opened and fills all of it, which a node on a test
chain never needs. Its C interface has no function for the size, but the two numbers lie side by
side in the options that a caller holds, and no other two there are like them: they are found by
their values. In a build where they are not found exactly once, the library keeps to its own.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Final

from axon.consensus import library

USUAL_BYTES: Final = 32 << 20
"""What the library takes for both, half for each."""

_SIZES: Final = struct.Struct("@NN")
_USUAL: Final = _SIZES.pack(USUAL_BYTES // 2, USUAL_BYTES // 2)


def resize(options: int, total_bytes: int) -> bool:
    """Say how much memory a kernel that is opened with these options may take for both.

    Args:
        options: their handle, as the library made it; nothing was opened with it yet.
        total_bytes: half for each; the library takes at least 64 bytes for each.

    Returns:
        False where the library decides: its options are others, or the system does not say how much
        memory they are.
    """
    memory = _memory_at(options)
    place = memory.find(_USUAL)
    if place < 0 or memory.find(_USUAL, place + 1) >= 0:
        return False
    wanted = _SIZES.pack(total_bytes // 2, total_bytes // 2)
    ctypes.memmove(options + place, wanted, len(wanted))
    return True


def _memory_at(address: int) -> bytes:
    """All of a piece of memory that was allocated; empty where its size is not known."""
    size_of = library.malloc_usable_size
    return b"" if size_of is None else ctypes.string_at(address, size_of(address))
