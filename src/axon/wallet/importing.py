"""Descriptors that somebody brings along, in the form in which a wallet holds them."""

from __future__ import annotations

from dataclasses import replace

from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.descriptor import Descriptor, with_checksum
from axon.primitives.descriptortree import Tree
from axon.primitives.keyexpression import KeyExpression, Origin


def normalized(descriptor: Descriptor) -> Descriptor:
    """The same scripts from public keys alone: the hardened steps are done.

    Raises:
        DecodeError: it ends in hardened steps, or lacks the private key for one.
    """
    return replace(
        descriptor,
        keys=tuple(
            [
                _normalized_key(key) if isinstance(key, KeyExpression) else key
                for key in descriptor.keys
            ]
        ),
        inner=None if descriptor.inner is None else normalized(descriptor.inner),
        tree=None if descriptor.tree is None else _normalized_tree(descriptor.tree),
    )


def public_text(descriptor: Descriptor) -> str:
    """The same as text, with its checksum; raises DecodeError as `normalized`."""
    return with_checksum(str(normalized(descriptor)))


def _normalized_tree(tree: Tree) -> Tree:
    if isinstance(tree, Descriptor):
        return normalized(tree)
    return _normalized_tree(tree[0]), _normalized_tree(tree[1])


def _normalized_key(key: KeyExpression) -> KeyExpression:
    if not isinstance(key.key, ExtendedKey):
        return replace(key, secret=False)
    hardened = [place for place, step in enumerate(key.path) if step >= HARDENED]
    if not hardened:
        return replace(key, key=key.key.public(), secret=False)
    end = hardened[-1] + 1
    origin = Origin(key.key.fingerprint, key.path[:end])
    if key.origin is not None:
        origin = Origin(key.origin.fingerprint, key.origin.path + key.path[:end])
    return replace(
        key,
        key=key.key.descend(key.path[:end]).public(),
        origin=origin,
        path=key.path[end:],
        secret=False,
    )
