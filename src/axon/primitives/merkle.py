"""Merkle trees over txids: roots, branches, and the partial trees of BIP 37."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from axon.errors import DecodeError
from axon.primitives.encoding import Reader, compact_size, var_bytes
from axon.primitives.hashes import ZERO_HASH, Txid

MAX_TREE_TRANSACTIONS: Final = 4_000_000 // 240
"""More cannot be in a block: its weight limit over four times the smallest transaction."""


def _pair(left: bytes, right: bytes) -> bytes:
    return sha256(sha256(left + right).digest()).digest()


def _level_up(level: Sequence[bytes]) -> list[bytes]:
    """The next level: pairs hashed together, an odd last one with itself."""
    padded = [*level, level[-1]] if len(level) & 1 else level
    return [_pair(padded[i], padded[i + 1]) for i in range(0, len(padded), 2)]


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 32-byte hashes in block order; zeros for none."""
    level = hashes
    while len(level) > 1:
        level = _level_up(level)
    return level[0] if level else ZERO_HASH


def merkle_root_mutated(hashes: Sequence[bytes]) -> tuple[bytes, bool]:
    """The root, and whether two equal hashes stand side by side at some level.

    A list with a repeated tail has the same root as the list without it (CVE-2012-2459): such a
    block must be refused without remembering its hash as invalid.
    """
    level, mutated = hashes, False
    while len(level) > 1:
        mutated = mutated or any(level[i] == level[i + 1] for i in range(0, len(level) - 1, 2))
        level = _level_up(level)
    return (level[0] if level else ZERO_HASH), mutated


def merkle_branch(hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The neighbours that lead from the hash at `index` up to the root, lowest first."""
    branch: list[bytes] = []
    level = hashes
    while len(level) > 1:
        branch.append(level[min(index ^ 1, len(level) - 1)])
        level = _level_up(level)
        index >>= 1
    return tuple(branch)


def fold_branch(leaf: bytes, branch: Sequence[bytes], index: int) -> bytes:
    """The root that a hash at `index` and its branch lead to."""
    for neighbour in branch:
        leaf = _pair(neighbour, leaf) if index & 1 else _pair(leaf, neighbour)
        index >>= 1
    return leaf


@dataclass(frozen=True, slots=True)
class PartialMerkleTree:
    """The part of a Merkle tree that proves some of its transactions (BIP 37).

    Args:
        total: transactions in the block.
        flags: for each visited inner node whether it leads to a match, for each leaf whether it is
            one; depth first.
        hashes: 32 bytes each, where the walk does not go further down.
    """

    total: int
    flags: tuple[bool, ...]
    hashes: tuple[bytes, ...]

    @classmethod
    def build(cls, txids: Sequence[Txid], matches: Sequence[bool]) -> PartialMerkleTree:
        """The proof for those txids whose `matches` is true."""
        levels: list[Sequence[bytes]] = [txids]
        matched: list[Sequence[bool]] = [matches]
        while len(levels[-1]) > 1:
            levels.append(_level_up(levels[-1]))
            below = matched[-1]
            matched.append([any(below[i : i + 2]) for i in range(0, len(below), 2)])
        flags: list[bool] = []
        hashes: list[bytes] = []

        def walk(height: int, position: int) -> None:
            hit = matched[height][position]
            flags.append(hit)
            if height == 0 or not hit:
                hashes.append(levels[height][position])
                return
            walk(height - 1, 2 * position)
            if 2 * position + 1 < len(levels[height - 1]):
                walk(height - 1, 2 * position + 1)

        walk(len(levels) - 1, 0)
        return cls(len(txids), tuple(flags), tuple(hashes))

    @classmethod
    def from_branches(
        cls, leaves: Mapping[int, Txid], branches: Mapping[int, Sequence[bytes]]
    ) -> PartialMerkleTree:
        """The proof of transactions whose branches are at hand, and not the block.

        How many transactions the block has is not known then. The least number that fits stands for
        it: it says no more than which levels end with an odd node.

        Args:
            leaves: the txids by position; the coinbase's among them, so that the depth holds.
            branches: of each, the neighbours up to the root, lowest first.
        """
        nodes: dict[tuple[int, int], bytes] = {}
        total = max(leaves) + 1
        for position, txid in leaves.items():
            digest: bytes = txid
            for height, neighbour in enumerate(branches[position]):
                place = position >> height
                nodes[height, place], nodes[height, place ^ 1] = digest, neighbour
                if not place & 1 and neighbour != digest:
                    total = max(total, ((place + 1) << height) + 1)
                digest = fold_branch(digest, (neighbour,), place & 1)
            nodes[len(branches[position]), 0] = digest
        flags: list[bool] = []
        hashes: list[bytes] = []

        def walk(height: int, place: int) -> None:
            hit = any(position >> height == place for position in leaves)
            flags.append(hit)
            if height == 0 or not hit:
                hashes.append(nodes[height, place])
                return
            walk(height - 1, 2 * place)
            if (2 * place + 1) << (height - 1) < total:
                walk(height - 1, 2 * place + 1)

        walk(len(branches[0]), 0)
        return cls(total, tuple(flags), tuple(hashes))

    def extract(self) -> tuple[bytes, list[tuple[int, Txid]]]:
        """The root that the proof leads to, and the matches with their positions.

        Raises:
            DecodeError: the proof is malformed; nothing may be believed of it.
        """
        nodes, matches = self._walk()
        return nodes[(self.total - 1).bit_length(), 0], matches

    def branches(self) -> dict[Txid, tuple[int, tuple[bytes, ...]]]:
        """The position of each match, and the neighbours from it up to the root, lowest first.

        Raises:
            DecodeError: the proof is malformed; nothing may be believed of it.
        """
        nodes, matches = self._walk()
        found: dict[Txid, tuple[int, tuple[bytes, ...]]] = {}
        for position, txid in matches:
            branch: list[bytes] = []
            for height in range((self.total - 1).bit_length()):
                place = position >> height
                # The last of an odd level is its own neighbour.
                branch.append(nodes.get((height, place ^ 1), nodes[height, place]))
            found[txid] = position, tuple(branch)
        return found

    def _walk(self) -> tuple[dict[tuple[int, int], bytes], list[tuple[int, Txid]]]:
        """The hashes of all visited nodes by height and position, and the matches."""
        if not 0 < self.total <= MAX_TREE_TRANSACTIONS:
            raise DecodeError(f"1 to {MAX_TREE_TRANSACTIONS} transactions in a Merkle proof")
        if len(self.hashes) > self.total or len(self.flags) < len(self.hashes):
            raise DecodeError("at most one hash a transaction and one flag a hash")
        flags, hashes = iter(self.flags), iter(self.hashes)
        used_flags = 0
        nodes: dict[tuple[int, int], bytes] = {}
        matches: list[tuple[int, Txid]] = []

        def walk(height: int, position: int) -> bytes:
            nonlocal used_flags
            hit = next(flags)
            used_flags += 1
            if height == 0 or not hit:
                digest = next(hashes)
                if hit:
                    matches.append((position, Txid(digest)))
            else:
                digest = join(height, position)
            nodes[height, position] = digest
            return digest

        def join(height: int, position: int) -> bytes:
            left = walk(height - 1, 2 * position)
            width = (self.total + (1 << (height - 1)) - 1) >> (height - 1)
            if 2 * position + 1 >= width:
                return _pair(left, left)
            right = walk(height - 1, 2 * position + 1)
            if right == left:  # CVE-2012-2459: the same leaves could be told twice.
                raise DecodeError("two different halves in a Merkle proof")
            return _pair(left, right)

        try:
            walk((self.total - 1).bit_length(), 0)
        except StopIteration:
            raise DecodeError("as many flags and hashes as the Merkle proof needs") from None
        if (used_flags + 7) // 8 != (len(self.flags) + 7) // 8 or next(hashes, None) is not None:
            raise DecodeError("no flag or hash that the Merkle proof does not use")
        return nodes, matches

    def encode(self) -> bytes:
        """Total in 32 bits, hashes behind their count, flag bits in bytes behind their count."""
        packed = bytearray((len(self.flags) + 7) // 8)
        for position, flag in enumerate(self.flags):
            packed[position >> 3] |= flag << (position & 7)
        return b"".join(
            (
                self.total.to_bytes(4, "little"),
                compact_size(len(self.hashes)),
                *self.hashes,
                var_bytes(bytes(packed)),
            )
        )

    @classmethod
    def decode(cls, reader: Reader) -> PartialMerkleTree:
        """Read one; flags come in whole bytes, so up to seven more than were used.

        Raises:
            DecodeError: cut short, or more hashes than a block has transactions.
        """
        total = reader.u32()
        count = reader.compact_size(MAX_TREE_TRANSACTIONS)
        hashes = tuple([reader.take(32) for _ in range(count)])
        packed = reader.var_bytes(MAX_TREE_TRANSACTIONS)
        flags = tuple([bool(byte >> bit & 1) for byte in packed for bit in range(8)])
        return cls(total, flags, hashes)
