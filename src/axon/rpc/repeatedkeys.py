"""JSON objects that name a key more than once.

JSON leaves open what such an object means. In Bitcoin Core the first value counts where one is
looked up, and calls that go through all keys meet each of them: so that nobody is paid once who
was named twice, and nobody is paid in silence what only the last of two values says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class RepeatedKeys(dict[str, Any]):
    """Such an object; the first value of each key counts.

    Args:
        pairs: all keys and values, as they were written.
    """

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__()
        self.pairs = tuple(pairs)
        for key, value in pairs:
            self.setdefault(key, value)

    @property
    def repeated(self) -> str:
        """The first key that is named again."""
        met: dict[str, None] = {}
        for key, _ in self.pairs:
            if key in met:
                return key
            met[key] = None
        raise AssertionError("none is named twice")


def object_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its keys and values, as a JSON reader meets them."""
    made = dict(pairs)
    return made if len(made) == len(pairs) else RepeatedKeys(pairs)


def pairs_of(value: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """All keys and values of an object, also those of keys that are named again."""
    return value.pairs if isinstance(value, RepeatedKeys) else tuple(value.items())
