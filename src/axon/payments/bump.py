"""Merkle paths of one block for several transactions: BUMP (BRC-74)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from axon.errors import DecodeError
from axon.payments.packet import MAX_BRANCH, MAX_PACKET_BYTES
from axon.primitives.encoding import Reader, compact_size
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.merkle import fold_branch

MAX_OFFSET: Final = (1 << MAX_BRANCH) - 1
MAX_HEIGHT: Final = 0xFFFF_FFFF

_SIBLING, _DUPLICATE, _TXID = range(3)  # The flags of a leaf.
_MAX_LEAVES: Final = MAX_PACKET_BYTES // 2  # Offset and flag at least.


@dataclass(frozen=True, slots=True)
class Bump:
    """Merkle paths of one block.

    Args:
        height: of the block.
        levels: for each level of the tree, from the txids up to below the root, the nodes by their
            offset; None for a copy of its left neighbour, which evens the level out.
        marked: the offsets of the txids that are meant, ascending.
    """

    height: int
    levels: tuple[dict[int, bytes | None], ...]
    marked: tuple[int, ...]

    def encode(self) -> bytes:
        """Height, number of levels, then for each level its leaves: offset, flag and hash."""
        parts = [compact_size(self.height), bytes((len(self.levels),))]
        for depth, level in enumerate(self.levels):
            parts.append(compact_size(len(level)))
            for offset in sorted(level):
                digest = level[offset]
                flag = _DUPLICATE if digest is None else _SIBLING
                if depth == 0 and offset in self.marked:
                    flag = _TXID
                parts += [compact_size(offset), bytes((flag,)), digest or b""]
        return b"".join(parts)

    @classmethod
    def decode(cls, reader: Reader) -> Bump:
        """Read one.

        Raises:
            DecodeError: cut short, a node twice, a copy that has no left neighbour, or a tree that
                is higher than that of any block.
        """
        height, depth = reader.compact_size(MAX_HEIGHT), reader.u8()
        if depth > MAX_BRANCH:
            raise DecodeError(f"a tree of at most {MAX_BRANCH} levels", reader.offset - 1)
        marked: list[int] = []
        levels: list[dict[int, bytes | None]] = []
        for number in range(depth):
            level, txids = _decode_level(reader)
            if txids and number:
                raise DecodeError("txids on the lowest level alone", reader.offset)
            levels.append(level)
            marked += txids
        return cls(height, tuple(levels), tuple(sorted(marked)))

    def paths(self, txids: Sequence[Txid]) -> list[tuple[int, tuple[bytes, ...]]]:
        """Where transactions stand, and their neighbours up to the root, lowest first.

        Raises:
            DecodeError: one is not among them, a neighbour is missing, or two nodes are not what
                the one above them says.
        """
        if not self.levels:
            return [(0, ())] * len(txids)
        levels = _filled(self.levels)
        places = {digest: offset for offset, digest in self.levels[0].items()}
        return [_path(levels, txid, places) for txid in txids]


def _decode_level(reader: Reader) -> tuple[dict[int, bytes | None], list[int]]:
    level: dict[int, bytes | None] = {}
    txids: list[int] = []
    for _ in range(reader.compact_size(_MAX_LEAVES)):
        start = reader.offset
        offset, flag = reader.compact_size(MAX_OFFSET), reader.u8()
        if offset in level:
            raise DecodeError("each node once", start)
        if flag > _TXID:
            raise DecodeError("a flag of 0, 1 or 2", reader.offset - 1)
        if flag == _DUPLICATE and not offset & 1:
            raise DecodeError("a copy on the right of what it copies", start)
        level[offset] = None if flag == _DUPLICATE else reader.take(32)
        if flag == _TXID:
            txids.append(offset)
    return level, txids


def _filled(levels: Sequence[dict[int, bytes | None]]) -> list[dict[int, bytes | None]]:
    """With the nodes that follow from two below them, which need not be given."""
    filled = [dict(level) for level in levels]
    for below, level in pairwise(filled):
        for offset, digest in below.items():
            if offset & 1 or digest is None or offset + 1 not in below:
                continue
            above = fold_branch(digest, (below[offset + 1] or digest,), 0)
            if level.setdefault(offset >> 1, above) != above:
                raise DecodeError("nodes that follow from those below them")
    return filled


def _path(
    levels: Sequence[dict[int, bytes | None]], txid: Txid, places: dict[bytes | None, int]
) -> tuple[int, tuple[bytes, ...]]:
    position = places.get(txid)
    if position is None:
        raise DecodeError(f"a path of transaction {to_hex(txid)}")
    digest, branch = bytes(txid), []
    for height, level in enumerate(levels):
        place = position >> height
        if place ^ 1 not in level:
            raise DecodeError("all neighbours on a path")
        neighbour = level[place ^ 1] or digest
        branch.append(neighbour)
        digest = fold_branch(digest, (neighbour,), place & 1)
    return position, tuple(branch)
