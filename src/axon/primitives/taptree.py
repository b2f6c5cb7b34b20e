"""Script trees of taproot outputs: how their leaves and branches are hashed (BIP 341)."""

from __future__ import annotations

from typing import Final

from axon.primitives.encoding import var_bytes
from axon.primitives.keys import tagged_hash

MAX_TREE_DEPTH: Final = 128
"""Branches above a leaf, at most."""

TAPSCRIPT: Final = 0xC0
"""The leaf version of tapscript (BIP 342)."""

LEAF_VERSIONS: Final = 0xFE
"""The bits of a control block's first byte that are the leaf version."""


def leaf_hash(script: bytes, version: int = TAPSCRIPT) -> bytes:
    """The hash by which signatures and trees name a script, 32 bytes."""
    return tagged_hash("TapLeaf", bytes((version,)) + var_bytes(script))


def branch_hash(first: bytes, second: bytes) -> bytes:
    """The hash of two parts of a tree, in whichever order they stand, 32 bytes."""
    return tagged_hash("TapBranch", b"".join(sorted((first, second))))
