"""Script trees of taproot outputs as PSBTs carry them, and what spends them needs (BIP 341, 371).

A tree is its leaves from left to right, each with its depth: depth, leaf version, script.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.encoding import var_bytes
from axon.primitives.keys import add_to_public_key, tagged_hash
from axon.primitives.taptree import LEAF_VERSIONS, MAX_TREE_DEPTH, branch_hash, leaf_hash
from axon.psbt.stream import PsbtStream, fault

Leaf = tuple[int, int, bytes]
"""Depth, leaf version, script."""


def decode_tree(value: bytes) -> list[Leaf]:
    """The leaves of a tree; see `check_tree`.

    Raises:
        PsbtFault: a leaf is malformed.
    """
    stream = PsbtStream(value)
    leaves: list[Leaf] = []
    while not stream.is_empty:
        depth, version = stream.take(2)
        script = stream.var_bytes()
        if depth > MAX_TREE_DEPTH:
            raise fault("Output Taproot tree has as leaf greater than Taproot maximum depth")
        if version & ~LEAF_VERSIONS:
            raise fault("Output Taproot tree has a leaf with an invalid leaf version")
        leaves.append((depth, version, script))
    return leaves


def encode_tree(leaves: list[Leaf]) -> bytes:
    """As a PSBT carries it."""
    return b"".join(
        bytes((depth, version)) + var_bytes(script) for depth, version, script in leaves
    )


def check_tree(value: bytes) -> None:
    """See that leaves make one whole tree.

    Raises:
        PsbtFault: they do not.
    """
    if not value:
        raise fault("Output Taproot tree must not be empty")
    if not _is_whole([depth for depth, _, _ in decode_tree(value)]):
        raise fault("Output Taproot tree is malformed")


def _is_whole(depths: list[int]) -> bool:
    open_at: list[bool] = []  # For each depth, whether a left half waits for its right one.
    for depth in depths:
        if depth + 1 < len(open_at):
            return False
        while len(open_at) > depth and open_at[depth]:
            open_at.pop()
            if depth == 0:
                return False
            depth -= 1
        open_at += [False] * (depth + 1 - len(open_at))
        open_at[depth] = True
    return open_at == [True]


@dataclass(frozen=True, slots=True)
class TapSpend:
    """What is needed to spend a taproot output.

    Args:
        internal_key: 32 bytes, x-only.
        merkle_root: 32 bytes; empty if there is no tree.
        scripts: for each script with its leaf version the control blocks that show it.
        leaves: the tree; of two halves the right one first, as Bitcoin Core writes it.
    """

    internal_key: bytes
    merkle_root: bytes
    scripts: dict[tuple[bytes, int], frozenset[bytes]]
    leaves: list[Leaf]


def spend_of(internal_key: bytes, leaves: list[Leaf]) -> TapSpend:
    """What is needed to spend the output of a whole tree.

    Args:
        internal_key: 32 bytes, a point of the curve.
        leaves: from left to right; none if there is no tree.
    """
    branches: list[tuple[int, bytes, list[tuple[Leaf, bytes]]]] = []
    for leaf in leaves:
        depth, version, script = leaf
        node, paths = leaf_hash(script, version), [(leaf, b"")]
        while branches and branches[-1][0] == depth:
            _, left, left_paths = branches.pop()
            paths = [(each, path + left) for each, path in paths] + [
                (each, path + node) for each, path in left_paths
            ]
            node = branch_hash(left, node)
            depth -= 1
        branches.append((depth, node, paths))
    root = branches[0][1] if branches else b""
    output = add_to_public_key(b"\x02" + internal_key, tagged_hash("TapTweak", internal_key + root))
    scripts: dict[tuple[bytes, int], frozenset[bytes]] = {}
    paths = branches[0][2] if branches else []
    for (_, version, script), path in paths:
        control = bytes((version | (output[0] & 1),)) + internal_key + path
        key = (script, version)
        scripts[key] = scripts.get(key, frozenset()) | {control}
    return TapSpend(internal_key, root, scripts, [leaf for leaf, _ in paths])
