"""Sets that hit every one of several sets, and none of whose parts does.

What something hangs on in one way is a set of components, its support; where it has come about in
several ways there are several. Whoever wants to stop it must take a component from each: a hitting
set (Reiter 1987). They are built up support by support (Berge): a set that hits the next one stays,
one that does not grows by each component of it.
"""

from __future__ import annotations

from collections.abc import Iterable

Names = frozenset[str]


def smallest(sets: Iterable[Names]) -> list[Names]:
    """Those that hold none of the others, each once, smaller ones first, then by name."""
    kept: list[Names] = []
    for each in sorted(frozenset(sets), key=_order):
        if not any(part <= each for part in kept):
            kept.append(each)
    return kept


def minimal_hitting_sets(supports: Iterable[Names], size: int) -> list[Names]:
    """All sets of at most so many names that hit every support, and of which no part does.

    Args:
        supports: of none of them the empty set hits all; an empty one is hit by nothing.
        size: larger sets are of no interest.

    Returns:
        Smaller ones first, then by name.
    """
    found: list[Names] = [frozenset()]
    for support in supports:
        found = extended(found, support, size)
    return smallest(found)


def extended(found: list[Names], support: Names, size: int) -> list[Names]:
    """The minimal hitting sets when there is one support more.

    Args:
        found: those of the supports so far.
        support: the further one.
        size: larger sets are of no interest.
    """
    hitting = [each for each in found if each & support]
    grown = {
        each | {name}
        for each in found
        if len(each) < size and not each & support
        for name in support
    }
    return hitting + smallest(each for each in grown if not any(part <= each for part in hitting))


def _order(names: Names) -> tuple[int, list[str]]:
    return len(names), sorted(names)
