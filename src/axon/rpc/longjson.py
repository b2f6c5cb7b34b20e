"""Long JSON, decoded and encoded in short steps, for threads beside an event loop.

The standard library's code in C lets no other thread in before it is done, and takes a second for
32 MB. Here it is given small pieces. An encoded value stays in pieces for the same reason, and of
lazy lists only one element exists at a time: whole, a large answer would be millions of objects,
which the garbage collector goes through in one go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring
from typing import Final, NoReturn

from axon.rpc.amounts import (
    MAX_DEPTH,
    TOO_DEEP,
    Amount,
    LazyList,
    LazyObject,
    Number,
    Written,
    encode_json,
    is_deeper,
    refuse_constant,
)
from axon.rpc.repeatedkeys import object_of

SHORT_SIZE: Final = 1024
"""A value of so many characters is decoded at once."""

PIECE_SIZE: Final = 64 * 1024
"""So many characters of a long string are worked on at once."""

LONG_VALUES: Final = 500
"""Fewer values are encoded at once: that takes a millisecond."""

LONG_WRITTEN: Final = 512 * 1024
"""So many characters that are JSON already are copied at once: likewise."""

_DECODER: Final = json.JSONDecoder(
    parse_float=Number, parse_constant=refuse_constant, object_pairs_hook=object_of
)
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_HIGH: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_CUT_ESCAPE: Final = re.compile(
    rf"(?<!\\)(?:\\\\)*((?:{_HIGH})?\\(?:u[0-9a-fA-F]{{0,3}})?|{_HIGH})\Z"
)
"""An escape in whose middle a piece ends, and half a pair of them."""

_CUT_SIZE: Final = 12
_PLAIN: Final = frozenset((int, bool, type(None), Amount))

_CUT_NUMBER_SIZE: Final = 2
"""A number that a window cuts behind `e+` looks as if it ended before that."""


def decode_long(text: str, go_on: Callable[[], None]) -> object:
    """The value of a JSON text, as `decode_json` gives it.

    Args:
        text: of any length.
        go_on: called before each step; what it raises ends the work.

    Raises:
        ValueError: it is not JSON, or nested deeper than `MAX_DEPTH`.
    """
    reader = _Reader(text, go_on)
    value = reader.value()
    if reader.character():
        reader.refuse("the end")
    return value


class _Array:
    """A long array, as far as it has been read."""

    end = "]"

    def __init__(self) -> None:
        self.value: list[object] = []

    def add(self, item: object) -> None:
        """One more item."""
        self.value.append(item)


class _Object:
    """A long object, as far as it has been read."""

    end = "}"

    def __init__(self) -> None:
        self._pairs: list[tuple[str, object]] = []
        self.key = ""

    @property
    def value(self) -> dict[str, object]:
        """The object, once it has been read to its end."""
        return object_of(self._pairs)

    def add(self, item: object) -> None:
        """The value that belongs to `key`."""
        self._pairs.append((self.key, item))


class _Reader:
    """A JSON text, and the place up to which it has been read."""

    def __init__(self, text: str, go_on: Callable[[], None]) -> None:
        self._text = text
        self._go_on = go_on
        self._at = 0

    def refuse(self, expected: str) -> NoReturn:
        """Say that something else was expected here."""
        raise json.JSONDecodeError(f"Expecting {expected}", self._text, self._at)

    def character(self) -> str:
        """The next one that is not blank, where the place is then; empty at the end."""
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None, "it may be empty"
        self._at = blank.end()
        return self._text[self._at : self._at + 1]

    def _takes(self, expected: str) -> bool:
        """Go past a character, if it is the next one."""
        if self.character() != expected:
            return False
        self._at += 1
        return True

    def value(self) -> object:
        """The next value. What it is in is kept in a list: Python's own stack is not so deep."""
        levels: list[_Array | _Object] = []
        while True:
            found = self._next(MAX_DEPTH - len(levels))
            if isinstance(found, _Array | _Object):
                levels.append(found)
                if not self._takes(found.end):
                    self._begin_item(found)
                    continue
                found = levels.pop().value
            while levels:
                levels[-1].add(found)
                if self._takes(","):
                    self._begin_item(levels[-1])
                    break
                if not self._takes(levels[-1].end):
                    self.refuse(f"',' or '{levels[-1].end}'")
                found = levels.pop().value
            else:
                return found

    def _next(self, levels_left: int) -> object:
        """A value, or, where it is long, the array or object that begins here."""
        self._go_on()
        character = self.character()
        window = self._text[self._at : self._at + SHORT_SIZE]
        try:
            value, size = _DECODER.raw_decode(window)
        except ValueError:
            pass  # Maybe it goes on behind the window.
        except RecursionError as error:
            raise ValueError(TOO_DEEP) from error
        else:
            if size < SHORT_SIZE - _CUT_NUMBER_SIZE or self._at + size == len(self._text):
                if size >= 2 * levels_left and is_deeper(value, levels_left):
                    raise ValueError(TOO_DEEP)
                self._at += size
                return value
        if character == '"':
            return self._string()
        if character not in ("[", "{"):
            return self._number()
        if not levels_left:
            raise ValueError(TOO_DEEP)
        self._at += 1
        return _Array() if character == "[" else _Object()

    def _begin_item(self, level: _Array | _Object) -> None:
        """Read what stands before the value of an item: its name, in an object."""
        if isinstance(level, _Array):
            return
        if self.character() != '"':
            self.refuse("a name in double quotes")
        key = self._next(0)
        assert isinstance(key, str), "it begins with a quote"
        if not self._takes(":"):
            self.refuse("':'")
        level.key = key

    def _number(self) -> object:
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            self.refuse("a value")
        self._at = found.end()
        return json.loads(found[0], parse_float=Number)

    def _string(self) -> str:
        pieces: list[str] = []
        begin = self._at + 1
        while True:
            self._go_on()
            piece = self._text[begin : begin + PIECE_SIZE]
            if not piece:
                self.refuse("the end of the text that begins here")
            if "\\" in piece[-_CUT_SIZE:] and (cut := _CUT_ESCAPE.search(piece)):
                piece = piece[: cut.start(1)] or piece
            value, size = _DECODER.raw_decode(f'"{piece}"')
            pieces.append(value)
            begin += size - 2
            if size < len(piece) + 2 or self._text[begin : begin + 1] == '"':
                self._at = begin + 1
                return "".join(pieces)


def is_long(value: object) -> bool:
    """Whether a value takes long to encode; looks at no more than `LONG_VALUES` of it."""
    values_left, text_left, written_left = LONG_VALUES, PIECE_SIZE, LONG_WRITTEN
    left: list[object] = [value]
    while left:
        each = left.pop()
        kind = type(each)
        if kind in _PLAIN:
            continue
        if isinstance(each, str):
            text_left -= len(each)
            if text_left < 0:
                return True
        elif kind is Written:
            written_left -= len(each.text)  # type: ignore[attr-defined]
            if written_left < 0:
                return True
        elif isinstance(each, dict):
            values_left -= len(each)
            if values_left < 0:
                return True
            left += each.values()
        elif isinstance(each, (list, tuple)):
            values_left -= len(each)
            if values_left < 0:
                return True
            left += each
        elif isinstance(each, LazyList | LazyObject):
            return True
    return False


def encoded_pieces(value: object) -> Iterator[str]:
    """The JSON of a value, in pieces of which none takes long.

    Raises:
        TypeError: something is in it that has no form in JSON.
    """
    levels: list[tuple[Iterator[tuple[str, object]], str]] = []
    while True:
        if not is_long(value):
            yield encode_json(value)
        elif isinstance(value, str):
            yield '"'
            for begin in range(0, len(value), PIECE_SIZE):
                yield encode_basestring(value[begin : begin + PIECE_SIZE])[1:-1]
            yield '"'
        elif isinstance(value, dict | LazyObject):
            yield "{"
            levels.append((_fields(value), "}"))
        elif isinstance(value, list | tuple | LazyList):
            yield "["
            levels.append((_items(value), "]"))
        else:
            yield encode_json(value)
        while levels:
            begun = next(levels[-1][0], None)
            if begun is not None:
                before, value = begun
                yield before
                break
            yield levels.pop()[1]
        else:
            return


def _fields(value: dict[str, object] | LazyObject) -> Iterator[tuple[str, object]]:
    """What stands before each field's value, and the value."""
    mark = ""
    for key, item in value.items():
        yield f"{mark}{encode_basestring(key)}:", item
        mark = ","


def _items(value: Iterable[object]) -> Iterator[tuple[str, object]]:
    """What stands before each item, and the item."""
    mark = ""
    for item in value:
        yield mark, item
        mark = ","
