"""Descriptors as values: functions over keys and scripts, and the scripts that they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from axon.primitives.address import encode_address
from axon.primitives.descriptorchecksum import with_checksum
from axon.primitives.hashes import hash160, sha256
from axon.primitives.keyexpression import KeyExpression
from axon.primitives.keys import taproot_output_key
from axon.primitives.miniscript.fragments import Key, Node, keys_of, with_keys
from axon.primitives.miniscript.writing import (
    OP_CHECKSIGADD,
    OP_NUMEQUAL,
    to_script,
    to_text,
)
from axon.primitives.musigkey import MusigKey
from axon.primitives.network import Network
from axon.primitives.script import (
    OP_CHECKMULTISIG,
    OP_CHECKSIG,
    push,
    push_number,
)
from axon.primitives.taptree import branch_hash, leaf_hash

MINISCRIPT = "miniscript"
"""The name of what has no function of its own: its text is that of the expression."""

DescriptorKey = KeyExpression | MusigKey
"""A key of a descriptor."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a descriptor says; `str()` is its text without private keys and checksum.

    Args:
        name: of its function.
        keys: in order.
        threshold: of the multisig functions.
        inner: what `sh` and `wsh` wrap.
        tree: the scripts of `tr`: one, or pairs of pairs.
        script: what `raw` and `addr` stand for.
        expression: the miniscript inside `wsh` or `tr`; its keys are `DescriptorKey`s.
        x_only: inside `tr`, where keys have 32 bytes.
    """

    network: Network = field(repr=False)
    name: str
    keys: tuple[DescriptorKey, ...] = ()
    threshold: int = 0
    inner: Descriptor | None = None
    tree: Tree | None = None
    script: bytes = b""
    x_only: bool = False
    expression: Node | None = None

    def all_keys(self) -> list[DescriptorKey]:
        """The keys in it, those of what it wraps too."""
        keys = list(self.keys)
        if self.expression is not None:
            keys += map(as_key, keys_of(self.expression))
        if self.inner is not None:
            keys += self.inner.all_keys()
        for leaf in leaves_of(self.tree):
            keys += leaf.all_keys()
        return keys

    @property
    def is_range(self) -> bool:
        """Whether it stands for a family of scripts, told apart by an index."""
        return any(key.is_range for key in self.all_keys())

    @property
    def is_solvable(self) -> bool:
        """Whether it says how to spend, given the keys."""
        return self.name not in ("addr", "raw")

    @property
    def has_private_keys(self) -> bool:
        """Whether its text held any."""
        return any(key.secret for key in self.all_keys())

    def scripts(self, index: int = 0) -> tuple[bytes, ...]:
        """The scripts of outputs: one, or for `combo` two or four.

        Args:
            index: which of a family; 0 if it is none.

        Raises:
            DecodeError: a private key is needed to derive one.
        """
        if self.name != "combo":
            return (self._script(index),)
        return tuple([each._script(index) for each in self.combined()])

    def fixed(self, index: int) -> tuple[Descriptor, ...]:
        """For each of `scripts(index)` the descriptor of it alone, its keys with their origins.

        Raises:
            DecodeError: a private key is needed to derive one.
        """
        if self.name == "combo":
            return tuple([each._fixed(index) for each in self.combined()])
        return (self._fixed(index),)

    def __str__(self) -> str:
        if self.expression is not None:
            return to_text(self.expression, str)
        parts = [str(key) for key in self.keys]
        if self.threshold:
            parts.insert(0, str(self.threshold))
        if self.inner is not None:
            parts.append(str(self.inner))
        if self.tree is not None:
            parts.append(_tree_text(self.tree))
        if self.name == "raw":
            parts.append(self.script.hex())
        if self.name == "addr":
            parts.append(encode_address(self.script, self.network) or "")
        return f"{self.name}({','.join(parts)})"

    def to_text(self) -> str:
        """The text with its checksum."""
        return with_checksum(str(self))

    def combined(self) -> list[Descriptor]:
        """What `combo` stands for: two descriptors, or four."""
        key = self.keys[0]
        names = ("pk", "pkh", "wpkh") if key.is_compressed else ("pk", "pkh")
        forms = [Descriptor(self.network, name, self.keys) for name in names]
        if key.is_compressed:
            forms.append(Descriptor(self.network, "sh", inner=forms[2]))
        return forms

    def _fixed(self, index: int) -> Descriptor:
        keys = [key.fixed(index) for key in self.keys]
        name = self.name
        if name.startswith("sorted"):
            name = name.removeprefix("sorted")
            keys.sort(key=lambda key: self._shown(key.public_key(0)))
        expression = self.expression
        if expression is not None:
            expression = with_keys(expression, lambda key: as_key(key).fixed(index))
        return replace(
            self,
            expression=expression,
            name=name,
            keys=tuple(keys),
            inner=None if self.inner is None else self.inner._fixed(index),
            tree=None if self.tree is None else _fixed_tree(self.tree, index),
        )

    def _shown(self, key: bytes) -> bytes:
        return key[1:] if self.x_only else key

    def _script(self, index: int) -> bytes:
        if self.name in ("addr", "raw"):
            return self.script
        if self.expression is not None:
            return to_script(
                self.expression, lambda key: self._shown(as_key(key).public_key(index))
            )
        keys = [self._shown(key.public_key(index)) for key in self.keys]
        match self.name:
            case "pk":
                return push(keys[0]) + bytes((OP_CHECKSIG,))
            case "pkh":
                return b"\x76\xa9\x14" + hash160(keys[0]) + b"\x88\xac"
            case "wpkh":
                return b"\x00\x14" + hash160(keys[0])
            case "rawtr":
                return b"\x51\x20" + keys[0]
            case "tr":
                root = b"" if self.tree is None else _tree_hash(self.tree, index)
                return b"\x51\x20" + taproot_output_key(keys[0], root)
        if self.inner is not None:
            script = self.inner._script(index)
            if self.name == "sh":
                return b"\xa9\x14" + hash160(script) + b"\x87"
            return b"\x00\x20" + sha256(script)
        if self.name.startswith("sorted"):
            keys.sort()
        if self.x_only:
            checks = bytes((OP_CHECKSIG,)), *[bytes((OP_CHECKSIGADD,))] * (len(keys) - 1)
            body = b"".join(push(key) + check for key, check in zip(keys, checks, strict=True))
            return body + push_number(self.threshold) + bytes((OP_NUMEQUAL,))
        body = push_number(self.threshold) + b"".join(map(push, keys)) + push_number(len(keys))
        return body + bytes((OP_CHECKMULTISIG,))


def as_key(key: Key) -> DescriptorKey:
    """A key of an expression inside a descriptor."""
    assert isinstance(key, KeyExpression | MusigKey)
    return key


Tree = Descriptor | tuple["Tree", "Tree"]
"""The scripts of a taproot output: a leaf, or two trees."""


def leaves_of(tree: Tree | None) -> list[Descriptor]:
    """The scripts of a tree, from left to right."""
    if tree is None:
        return []
    if isinstance(tree, Descriptor):
        return [tree]
    return leaves_of(tree[0]) + leaves_of(tree[1])


def leaf_scripts(tree: Tree | None, index: int, depth: int = 0) -> list[tuple[int, bytes]]:
    """Depth and bytes of each script of a tree, from left to right.

    Raises:
        DecodeError: a private key is needed to derive one.
    """
    if tree is None:
        return []
    if isinstance(tree, Descriptor):
        return [(depth, tree.scripts(index)[0])]
    left, right = tree
    return leaf_scripts(left, index, depth + 1) + leaf_scripts(right, index, depth + 1)


def _tree_text(tree: Tree) -> str:
    if isinstance(tree, Descriptor):
        return str(tree)
    return f"{{{_tree_text(tree[0])},{_tree_text(tree[1])}}}"


def _fixed_tree(tree: Tree, index: int) -> Tree:
    if isinstance(tree, Descriptor):
        return tree._fixed(index)
    return _fixed_tree(tree[0], index), _fixed_tree(tree[1], index)


def _tree_hash(tree: Tree, index: int) -> bytes:
    """The Merkle root of the scripts (BIP 341)."""
    if isinstance(tree, Descriptor):
        return leaf_hash(tree._script(index))
    return branch_hash(_tree_hash(tree[0], index), _tree_hash(tree[1], index))
