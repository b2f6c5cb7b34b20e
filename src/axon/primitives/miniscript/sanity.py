"""Whether a miniscript is safe to use: what it shows is what it does (BIP 379)."""

from __future__ import annotations

from collections.abc import Callable

from axon.primitives.miniscript.fragments import Key, Node, fold
from axon.primitives.miniscript.types import has


def has_duplicate_keys(root: Node, name: Callable[[Key], object]) -> bool:
    """Whether a key stands in it twice.

    Args:
        name: the same for the same key.
    """
    seen: set[object] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        for key in node.keys:
            named = name(key)
            if named in seen:
                return True
            seen.add(named)
        pending += node.subs
    return False


def is_sane_part(node: Node) -> bool:
    """Whether a part does what it seems to do; duplicate keys apart."""
    return node.is_valid and node.within_ops and node.within_stack and has(node.type, "mk")


def is_sane(root: Node, duplicates: bool) -> bool:
    """Whether it is safe as a script.

    Args:
        duplicates: whether a key stands in it twice.
    """
    return root.is_valid_top and is_sane_part(root) and has(root.type, "s") and not duplicates


def insane_part(root: Node, name: Callable[[Key], object]) -> Node | None:
    """The first innermost part that is not sane; None if all are."""
    found, _ = fold(root, lambda node, parts: _look(node, parts, name))
    return found


_Looked = tuple[Node | None, set[object] | None]
"""The part that is not sane, and the keys in it; None where one stands there twice."""


def _look(node: Node, parts: list[_Looked], name: Callable[[Key], object]) -> _Looked:
    names: set[object] | None = {name(key) for key in node.keys}
    if names is not None and len(names) < len(node.keys):
        names = None
    for _, others in parts:
        if names is None or others is None or not names.isdisjoint(others):
            names = None
            break
        small, large = sorted((names, others), key=len)
        large |= small  # The larger one grows, so that a key is moved a few times at most.
        names = large
    for part, _ in parts:
        if part is not None:
            return part, names
    return None if is_sane_part(node) and names is not None else node, names
