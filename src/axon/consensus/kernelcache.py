"""How much of its coins the library keeps in memory (`-dbcache`).

Its C interface takes no sizes: each kernel begins with `DEFAULT_CACHES`. Its builds for Linux
export the method of Bitcoin Core that changes them, which is called as those of orders are
(`rearrange`).
"""

from __future__ import annotations

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes
from axon.consensus import library
from axon.consensus.library import HANDLE

_NEEDED = (library.chainman_active, library.chainstate_resize)


def is_possible() -> bool:
    """Whether this build of the library exports what it takes."""
    return None not in _NEEDED


def resize(manager: int, sizes: CacheSizes) -> bool:
    """Change the sizes of a kernel that nobody else uses yet; nothing where that is not possible.

    Args:
        manager: its handle.
        sizes: those of its coins.

    Returns:
        False if what is in memory had to be written and could not be.
    """
    if sizes == DEFAULT_CACHES or not is_possible():
        return True
    active = library.chainman_active(HANDLE.from_address(manager).value)
    return bool(library.chainstate_resize(active, sizes.coins_bytes, sizes.database_bytes))
