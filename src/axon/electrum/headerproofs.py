"""Proofs that a header is in the chain up to a checkpoint, for wallets with one built in.

The tree is over the hashes of all headers up to the checkpoint, built as the tree of a block's
transactions. Hashing a million headers for each proof would take a second, so the roots of whole
runs of `RUN` headers are kept: a proof then hashes one run, and their roots.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from axon.chain.headertree import HeaderEntry
from axon.primitives.hashes import BlockHash, sha256d

RUN_DEPTH: Final = 11
RUN: Final = 1 << RUN_DEPTH


class HeaderProofs:
    """Makes proofs over a chain, and keeps the roots of whole runs.

    Args:
        off_loop: runs slow code in a thread.
    """

    def __init__(self, off_loop: Callable[..., Awaitable[Any]]) -> None:
        self._off_loop = off_loop
        self._roots: dict[int, tuple[BlockHash, bytes]] = {}  # With the last hash of the run.

    async def proof(
        self, tip: HeaderEntry, height: int, checkpoint: int
    ) -> tuple[tuple[bytes, ...], bytes, int]:
        """The branch from a header's hash to the root over all up to a checkpoint, that root, and
        of how many hashes it was made.

        Args:
            tip: of the chain that the header is in.
            height: of the header, at most `checkpoint`.
            checkpoint: at most the height of the tip.
        """
        top = tip.ancestor(checkpoint)
        assert top is not None, "a checkpoint is not above the tip"
        roots: list[bytes] = []
        count = 0
        for number in range(checkpoint // RUN + 1):
            root, hashed = await self._root(top, number)
            roots.append(root)
            count += hashed + 1
        run = _hashes(top, height // RUN)
        branch, root = await self._off_loop(proof, run, roots, height)
        return branch, root, count + len(run)

    async def _root(self, top: HeaderEntry, number: int) -> tuple[bytes, int]:
        """The root of a run, and how many hashes were hashed for it."""
        last = top.ancestor(min(number * RUN + RUN - 1, top.height))
        assert last is not None, "the chain goes down to its first block"
        known = self._roots.get(number)
        if known is not None and known[0] == last.hash:
            return known[1], 0
        hashes = _hashes(top, number)
        root: bytes = await self._off_loop(run_root, hashes)
        if last.height % RUN == RUN - 1:
            self._roots[number] = (last.hash, root)
        return root, len(hashes)


def _hashes(top: HeaderEntry, number: int) -> list[bytes]:
    """The hashes of a run, up to a header at most."""
    entry = top.ancestor(min(number * RUN + RUN - 1, top.height))
    hashes: list[bytes] = []
    while entry is not None and entry.height >= number * RUN:
        hashes.append(entry.hash)
        entry = entry.parent
    return hashes[::-1]


def run_root(hashes: Sequence[bytes]) -> bytes:
    """The node `RUN_DEPTH` levels above some leaves.

    Args:
        hashes: `RUN` of them, or fewer for the last run of a tree with several.
    """
    return _climb(hashes, 0)[1]


def proof(
    run: Sequence[bytes], roots: Sequence[bytes], index: int
) -> tuple[tuple[bytes, ...], bytes]:
    """The branch from a leaf to the root, deepest neighbour first, and the root.

    Args:
        run: the leaves of the run that the leaf is in; cut at the checkpoint if that is in it.
        roots: the roots of all runs up to the checkpoint, the last of them cut there.
        index: of the leaf among all.
    """
    if len(roots) == 1:
        return _branch(run, index)
    lower, _ = _climb(run, index % RUN)
    upper, root = _branch(roots, index // RUN)
    return (*lower, *upper), root


def _climb(level: Sequence[bytes], index: int) -> tuple[tuple[bytes, ...], bytes]:
    """From a leaf of a run exactly `RUN_DEPTH` levels up; an odd last node pairs with itself."""
    branch: list[bytes] = []
    for _ in range(RUN_DEPTH):
        branch.append(level[min(index ^ 1, len(level) - 1)])
        level, index = _pairs(level), index >> 1
    return tuple(branch), level[0]


def _branch(level: Sequence[bytes], index: int) -> tuple[tuple[bytes, ...], bytes]:
    branch: list[bytes] = []
    while len(level) > 1:
        branch.append(level[min(index ^ 1, len(level) - 1)])
        level, index = _pairs(level), index >> 1
    return tuple(branch), level[0]


def _pairs(level: Sequence[bytes]) -> list[bytes]:
    padded = [*level, level[-1]] if len(level) & 1 else level
    return [sha256d(padded[place] + padded[place + 1]) for place in range(0, len(padded), 2)]
