"""How much of its coins the library keeps in memory (`-dbcache`).

Its C interface takes no sizes: each kernel begins with `DEFAULT_CACHES`. Its builds for Linux
export the method of Bitcoin Core that changes them, which is called as those of orders are
(`rearrange`). When its first sync is over the library goes back to the totals that its manager
has, so these are changed, too: they are two numbers side by side in the manager's own memory, and
are found by their values. Where they are not found exactly once the library goes back then.
"""

from __future__ import annotations

import ctypes
from struct import Struct
from typing import Final

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes
from axon.consensus import library
from axon.consensus.library import HANDLE

_NEEDED: Final = (
    library.chainman_active,
    library.chainstate_resize,
    library.malloc_usable_size,
)
_TOTALS: Final = Struct("@NN")
_UNTOUCHED: Final = _TOTALS.pack(DEFAULT_CACHES.coins_bytes, DEFAULT_CACHES.database_bytes)


def is_possible() -> bool:
    """Whether this build of the library exports what it takes."""
    return None not in _NEEDED


def resize(handle: int, sizes: CacheSizes) -> bool:
    """Change the sizes of a kernel that nobody else uses yet; nothing where that is not possible.

    Args:
        handle: its manager's.
        sizes: those of its coins.

    Returns:
        False if what is in memory had to be written and could not be.
    """
    usual = (DEFAULT_CACHES.coins_bytes, DEFAULT_CACHES.database_bytes)
    if (sizes.coins_bytes, sizes.database_bytes) == usual or not is_possible():
        return True
    manager = HANDLE.from_address(handle).value
    assert manager is not None, "an open kernel has one"
    memory = ctypes.string_at(manager, library.malloc_usable_size(manager))
    if memory.count(_UNTOUCHED) == 1:
        totals = _TOTALS.pack(sizes.coins_bytes, sizes.database_bytes)
        ctypes.memmove(manager + memory.index(_UNTOUCHED), totals, len(totals))
    active = library.chainman_active(manager)
    return bool(library.chainstate_resize(active, sizes.coins_bytes, sizes.database_bytes))
