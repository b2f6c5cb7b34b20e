"""Fields of what a stranger says in JSON: each with its form and its bound, each fault by its path.

Whoever answers may be broken or lie: a text may be a gigabyte, a list may have a million entries, a
number may be none. Nothing is taken further than its bound, and what is shown of it in an error is
short and has no control characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from axon.errors import AxonError

MAX_SHOWN_SIZE: Final = 40
"""Characters of a stranger's text in an error."""


class ReadingError(AxonError):
    """What a node or a file says is not what the call answers with; node, field and form are named.

    Args:
        where: node and field, as in `n1: getpeerinfo[3].addr`.
        expected: its form, as a noun phrase.
        found: what stands there.
    """

    def __init__(self, where: str, expected: str, found: object) -> None:
        super().__init__(f"{where}: expected {expected}, found {shown(found)}")


def shown(value: object) -> str:
    """A short description of what was found; texts by their beginning, lists by their size."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str() if len(value) > MAX_SHOWN_SIZE:
            return f"{printable(value[:MAX_SHOWN_SIZE])!r}... of {len(value):,} characters"
        case str():
            return repr(printable(value))
        case list():
            return f"a list of {len(value):,}"
        case Mapping():
            return f"an object of {len(value):,} fields"
        case int() if value.bit_length() > 64:
            return f"a number of {value.bit_length():,} bits"
    return str(value)


def printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


class JsonObject:
    """One object and where it stands.

    Args:
        value: what was decoded.
        where: node and field.

    Raises:
        ReadingError: it is no object.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ReadingError(where, "an object", value)
        self._fields: dict[object, object] = value
        self.where = where

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str, limit: int, default: str | None = None) -> str:
        """A text; what is not printable in it becomes `?`.

        Args:
            limit: its characters at most.
            default: where there is none; None if there must be one.

        Raises:
            ReadingError: it is none, or too long.
        """
        value = self._value(name, default)
        if not isinstance(value, str) or len(value) > limit:
            raise self._fault(name, f"a text of at most {limit:,} characters", value)
        return printable(value)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false; raises as `text` does."""
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise self._fault(name, "true or false", value)
        return value

    def number(self, name: str, limit: int, default: int | None = None) -> int:
        """A whole number from 0 to `limit`; raises as `text` does."""
        value = self._value(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
            raise self._fault(name, f"a whole number from 0 to {limit:,}", value)
        return value

    def bits(self, name: str, default: str | None = None) -> int:
        """64 bits in hex; raises as `text` does."""
        text = self.text(name, 16, default)
        if not text or any(sign not in "0123456789abcdefABCDEF" for sign in text):
            raise self._fault(name, "at most 16 hex digits", text)
        return int(text, 16)

    def inner(self, name: str) -> JsonObject:
        """An object in it; raises as `text` does."""
        return JsonObject(self._value(name, None), f"{self.where}.{name}")

    def items(self, name: str, limit: int) -> Iterator[tuple[object, str]]:
        """The entries of a list and where each stands; of none if it is not there.

        Args:
            limit: how many at most.

        Raises:
            ReadingError: it is no list, or too long.
        """
        return items(self._value(name, []), f"{self.where}.{name}", limit)

    def objects(self, name: str, limit: int) -> Iterator[JsonObject]:
        """The same, of objects."""
        return (JsonObject(value, where) for value, where in self.items(name, limit))

    def _value(self, name: str, default: object) -> object:
        value = self._fields.get(name)
        return default if value is None else value

    def _fault(self, name: str, expected: str, value: object) -> ReadingError:
        return ReadingError(f"{self.where}.{name}", expected, value)


def items(value: object, where: str, limit: int) -> Iterator[tuple[object, str]]:
    """The entries of a list that stands by itself; as `JsonObject.items`."""
    if not isinstance(value, list):
        raise ReadingError(where, "a list", value)
    if len(value) > limit:
        raise ReadingError(where, f"a list of at most {limit:,}", value)
    return ((entry, f"{where}[{place}]") for place, entry in enumerate(value))


def objects(value: object, where: str, limit: int) -> Iterator[JsonObject]:
    """The same, of objects."""
    return (JsonObject(entry, place) for entry, place in items(value, where, limit))
