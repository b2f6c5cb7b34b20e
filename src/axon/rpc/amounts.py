"""JSON with exact money.

A sum of money is a JSON number with exactly 8 decimals, made from an integer and read back into
one; no float is ever in between. Other numbers keep the text they arrived with (`Number`), and
floats are written as Bitcoin Core writes them, with 16 significant digits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final, NoReturn, TypeVar, overload

from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, MAX_MONEY_SAT
from axon.rpc.errors import Code, RpcError
from axon.rpc.repeatedkeys import RepeatedKeys, object_of

Json = Any
"""What JSON can say, with `Amount` for money."""

MAX_DEPTH: Final = 512
"""Arrays and objects in each other, in what is read; as many as in Bitcoin Core."""

SHORT_LIST: Final = 100
"""Elements that are made at once; a list of more is lazy."""

TOO_DEEP: Final = f"JSON is nested deeper than {MAX_DEPTH} levels"

_S = TypeVar("_S")
_T = TypeVar("_T")
_FIXED_POINT: Final = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?")
_DECIMALS: Final = 8
_LARGEST_SAT: Final = 10**18 - 1
"""Above this Core's own reader gives up: the text is invalid, not out of range."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money, or a feerate per 1,000 vbytes, in satoshis; written in bitcoin."""

    sat: int

    def __str__(self) -> str:
        return format_amount(self.sat)


class Number(float):
    """A JSON number with a fraction or an exponent, which still knows its own text."""

    text: str

    def __new__(cls, text: str) -> Number:
        """Args: text: as it stands in the JSON."""
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass(frozen=True, slots=True)
class Written:
    """A value that is written down already, for what is shown by the thousand.

    Args:
        text: its JSON without spaces, in which numbers with a fraction are sums of money.
    """

    text: str

    def value(self) -> Json:
        """The same as a value."""
        return json.loads(self.text, parse_float=_amount_of)


def hex_text(data: bytes) -> Written:
    """Bytes in hex; a long text is not looked through for what JSON has to escape."""
    return Written(f'"{data.hex()}"')


def hashes_text(hashes: Iterable[bytes]) -> Written:
    """A list of hashes as people read them, in their order."""
    joined = '","'.join(map(to_hex, hashes))
    return Written(f'["{joined}"]' if joined else "[]")


def _amount_of(text: str) -> Amount:
    return Amount(int(text.replace(".", "", 1)))  # As `format_amount` writes it.


class LazyList(Sequence[_T]):
    """A long list whose elements are made when they are read, one after the other.

    An answer with many of them never exists as a whole, only its text does. They are read in
    another thread, so what they are made of must not change.

    Args:
        make: one element.
        sources: what they are made of, one each.
    """

    def __init__(self, make: Callable[[_S], _T], sources: Sequence[_S]) -> None:
        self._make: Callable[[Any], _T] = make
        self._sources: Sequence[Any] = sources

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, place: int) -> _T: ...
    @overload
    def __getitem__(self, place: slice) -> list[_T]: ...
    def __getitem__(self, place: int | slice) -> _T | list[_T]:
        if isinstance(place, slice):
            return [self._make(source) for source in self._sources[place]]
        return self._make(self._sources[place])

    def __iter__(self) -> Iterator[_T]:
        return map(self._make, self._sources)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


class LazyObject:
    """A long object whose fields are made when they are read; see `LazyList`.

    Args:
        make: the name and the value of one field.
        sources: what they are made of, one each.
    """

    def __init__(self, make: Callable[[_S], tuple[str, object]], sources: Sequence[_S]) -> None:
        self._make: Callable[[Any], tuple[str, object]] = make
        self._sources: Sequence[Any] = sources

    def items(self) -> Iterator[tuple[str, object]]:
        """Names and values."""
        return map(self._make, self._sources)


def made_list(make: Callable[[_S], _T], sources: Sequence[_S]) -> Sequence[_T]:
    """A list of what is made of each source; a `LazyList` where that takes long."""
    if len(sources) <= SHORT_LIST:
        return [make(source) for source in sources]
    return LazyList(make, sources)


def written_list(make: Callable[[_S], str], sources: Sequence[_S]) -> Json:
    """The same of what is JSON already."""
    if len(sources) <= SHORT_LIST:
        return Written(f"[{','.join(map(make, sources))}]")
    return LazyList(lambda source: Written(make(source)), sources)


def whole(value: Json) -> Json:
    """A result in which nothing is lazy or written down, for callers in this process."""
    if isinstance(value, Written):
        return value.value()
    # Loops: a comprehension would be a level of its own on Python's stack, as below.
    if isinstance(value, dict | LazyObject):
        fields: dict[str, Json] = {}
        for key, item in value.items():
            fields[key] = whole(item)
        return fields
    if isinstance(value, list | LazyList):
        items: list[Json] = []
        for item in value:
            items.append(whole(item))
        return items
    return value


def format_amount(sat: int) -> str:
    """Satoshis as bitcoin with exactly 8 decimals."""
    whole, rest = divmod(abs(sat), COIN)
    return f"{'-' if sat < 0 else ''}{whole}.{rest:08d}"


def parse_fixed_point(text: str, decimals: int = _DECIMALS) -> int | None:
    """A decimal number as an integer of its smallest unit, exactly.

    Args:
        text: a JSON number, `1`, `0.1`, `1e-8`; no sign `+`, no leading zeros.
        decimals: how many places the smallest unit is behind the point.

    Returns:
        None if it is no number, is finer than the unit or 10**18 units and more.
    """
    match = _FIXED_POINT.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    digits = (whole + fraction).rstrip("0")
    if not digits.strip("0"):
        return 0
    places = decimals + exponent - len(fraction) + (len(whole + fraction) - len(digits))
    # Far beyond the largest number: not worth a power of ten with thousands of digits.
    if places < 0 or places + len(digits.lstrip("0")) > decimals + 11:
        return None
    units: int = int(digits) * 10**places
    if units > _LARGEST_SAT:
        return None
    return -units if sign else units


def amount_from(value: object) -> Amount:
    """A sum of money from a parameter: a number or a string.

    Raises:
        RpcError: -3, with Core's three sentences.
    """
    if isinstance(value, Number):
        text = value.text
    elif isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RpcError(Code.TYPE, "Amount is not a number or string")
    else:
        text = str(value)
    sat = parse_fixed_point(text)
    if sat is None:
        raise RpcError(Code.TYPE, "Invalid amount")
    if not 0 <= sat <= MAX_MONEY_SAT:
        raise RpcError(Code.TYPE, "Amount out of range")
    return Amount(sat)


def refuse_constant(name: str) -> NoReturn:
    """Numbers that Python's JSON knows and others' does not.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} is not JSON")


def decode_json(data: bytes | str) -> object:
    """JSON as it came in; numbers with a fraction are `Number`s, objects that name a key more than
    once `RepeatedKeys`.

    Raises:
        ValueError: it is not JSON, not UTF-8, or nested deeper than `MAX_DEPTH`.
    """
    if isinstance(data, bytes):
        data = data.decode(json.detect_encoding(data), "surrogatepass")
    try:
        value = _DECODER.decode(data)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    if is_deeper(value, MAX_DEPTH):
        raise ValueError(TOO_DEEP)
    return value


_DECODER: Final = json.JSONDecoder(
    parse_float=Number, parse_constant=refuse_constant, object_pairs_hook=object_of
)


def is_deeper(value: object, depth: int) -> bool:
    """Whether more than so many arrays and objects are in each other; a bare number is in none."""
    level = [value] if isinstance(value, list | dict) else []
    while level and depth:
        depth -= 1
        level = [
            item
            for each in level
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, list | dict)
        ]
    return bool(level)


def encode_json(value: object, indent: int | None = None) -> str:
    """JSON without spaces, or with `indent` spaces for each level.

    Args:
        value: None, bool, int, float, str, `Amount`, `Decimal`, `Written`; lists, tuples and dicts
            of these.

    Raises:
        TypeError: something else is in it; that is a bug of the method that returned it.
    """
    return _compact(value) if indent is None else _indented(value, indent, 0)


def _compact(value: object) -> str:
    kind = type(value)
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(value)
    if kind is dict or kind is LazyObject:
        pairs: list[str] = []
        for key, item in value.items():  # type: ignore[attr-defined]
            scalar = _SCALARS.get(type(item), _compact)
            pairs.append(f"{encode_basestring(key)}:{scalar(item)}")
        return "{" + ",".join(pairs) + "}"
    if kind is list or kind is tuple or kind is LazyList:
        items: list[str] = []
        for item in value:  # type: ignore[attr-defined]
            items.append(_compact(item))
        return "[" + ",".join(items) + "]"
    return _rare(value)


def _indented(value: object, indent: int, depth: int) -> str:
    if isinstance(value, Written):
        value = value.value()
    inner, outer = "\n" + " " * (indent * (depth + 1)), "\n" + " " * (indent * depth)
    if isinstance(value, LazyObject):
        value = dict(value.items())
    if isinstance(value, dict) and value:
        pairs: list[str] = []
        for key, item in value.items():
            pairs.append(f"{encode_basestring(key)}: {_indented(item, indent, depth + 1)}")
        return "{" + inner + ("," + inner).join(pairs) + outer + "}"
    if isinstance(value, list | tuple | LazyList) and value:
        items: list[str] = []
        for item in value:
            items.append(_indented(item, indent, depth + 1))
        return "[" + inner + ("," + inner).join(items) + outer + "]"
    return _compact(value)


def _real(value: float) -> str:
    if not math.isfinite(value):
        raise TypeError(f"{value} has no form in JSON")
    return f"{value:.16g}"


def _rare(value: object) -> str:
    """Subclasses (an `IntEnum`, a `NewType`'s own class) are written as what they are made of."""
    if isinstance(value, RepeatedKeys):
        pairs = [f"{encode_basestring(key)}:{_compact(item)}" for key, item in value.pairs]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, str):
        return encode_basestring(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_SCALARS: Final[dict[type, Callable[..., str]]] = {
    str: encode_basestring,
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",  # noqa: ARG005
    Amount: lambda value: format_amount(value.sat),
    Written: lambda value: value.text,
    float: _real,
    Number: lambda value: value.text,
    Decimal: str,
}
