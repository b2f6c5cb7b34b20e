"""What a parameter of a method accepts, and how Core calls what does not fit.

| annotation                     | JSON                                    | the function gets    |
|--------------------------------|-----------------------------------------|----------------------|
| `str`, `bool`, `int`, `float`  | string, true/false, whole number, number| the same             |
| `Int32`, `UInt32`              | whole number of 32 bits                 | the same             |
| `Amount`                       | number or string, in bitcoin            | `Amount`, exact      |
| `BlockHash`, `Txid`, `Wtxid`   | 64 hex digits, as people read them      | bytes, internal order|
| `list[...]`, `dict[...]`       | array, object; the inside is unchecked  | the same             |
| `bool | int`, `int | BlockHash`| any of these                            | by what came         |
| `Json`                         | anything                                | the same             |

A default value makes a parameter optional, and null means the default. `| None` adds nothing to
that; without a default it says that null may stand in front of what has to be given.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from axon.primitives.hashes import from_hex
from axon.rpc.amounts import Amount, Number, amount_from
from axon.rpc.errors import Code, RpcError
from axon.rpc.repeatedkeys import RepeatedKeys


@dataclass(frozen=True, slots=True)
class WholeRange:
    """From where to where a whole number may be; stands in an annotation."""

    low: int
    high: int


Int32 = Annotated[int, WholeRange(-(1 << 31), (1 << 31) - 1)]
"""A whole number of 32 bits, signed."""

UInt32 = Annotated[int, WholeRange(0, (1 << 32) - 1)]
"""A whole number of 32 bits, unsigned."""

NO_DEFAULT: Final = object()
"""Marks a parameter that has to be given."""

_TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "bool",
    dict: "object",
    RepeatedKeys: "object",
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    Number: "number",
}
HEX_PIECE_SIZE: Final = 1 << 20
"""Digits of a long hex text that are read at once: a millisecond or two."""

_INT64: Final = range(-(1 << 63), 1 << 63)


def type_name(value: object) -> str:
    """What Core calls the type of a JSON value; Python's name if it is none of JSON.

    Such a one comes only from a caller in this process (`RunningNode.call`).
    """
    kind = type(value)
    return _TYPE_NAMES.get(kind, f"{kind.__module__}.{kind.__qualname__}")


@dataclass(frozen=True, slots=True)
class Shape:
    """One accepted kind of value.

    Args:
        expected: the JSON type it must have, by Core's name; None if `convert` checks for itself.
        help_name: the type in help texts.
        convert: from JSON to what the function gets; takes the parameter's name for refusals.
        is_text: a command line passes its text on as it is, without reading it as JSON.
    """

    expected: str | None
    help_name: str
    convert: Callable[[str, Any], object]
    is_text: bool = False


def _same(_: str, value: object) -> object:
    return value


def _integer(_: str, value: object) -> int:
    if type(value) is not int or value not in _INT64:
        raise RpcError(Code.MISC, "JSON integer out of range")
    return value


def _within(allowed: WholeRange) -> Callable[[str, object], object]:
    """A whole number of a range."""

    def convert(_: str, value: object) -> int:
        if type(value) is not int or not allowed.low <= value <= allowed.high:
            raise RpcError(Code.MISC, "JSON integer out of range")
        return value

    return convert


def _amount(_: str, value: object) -> Amount:
    return amount_from(value)


def parse_hash(name: str, text: str) -> bytes:
    """A hash of a parameter, internal order.

    Raises:
        RpcError: -8, it is not 64 hex digits; with Core's two sentences.
    """
    size = len(text.encode("utf-8", "surrogatepass"))  # Core counts bytes.
    if size != 64:
        message = f"{name} must be of length 64 (not {size}, for '{text}')"
        raise RpcError(Code.PARAMETER, message)
    try:
        return from_hex(text)
    except ValueError as error:
        message = f"{name} must be hexadecimal string (not '{text}')"
        raise RpcError(Code.PARAMETER, message) from error


TEXT: Final = Shape("string", "string", _same, is_text=True)
HASH: Final = Shape("string", "string", parse_hash, is_text=True)
INTEGER: Final = Shape("number", "numeric", _integer)
REAL: Final = Shape("number", "numeric", lambda _, value: float(value))
BOOLEAN: Final = Shape("bool", "boolean", _same)
AMOUNT: Final = Shape(None, "numeric or string", _amount)
OBJECT: Final = Shape("object", "json object", _same)
ARRAY: Final = Shape("array", "json array", _same)
ANY: Final = Shape(None, "json", _same)

_PLAIN: Final[dict[object, Shape]] = {
    str: TEXT,
    int: INTEGER,
    float: REAL,
    bool: BOOLEAN,
    list: ARRAY,
    dict: OBJECT,
    Amount: AMOUNT,
    Any: ANY,
    object: ANY,
}


def _any_of(shapes: list[Shape]) -> Shape:
    """Several shapes in one; a refusal names the last one's type, as Core does."""

    def convert(name: str, value: object) -> object:
        for shape in shapes:
            if shape.expected in (None, type_name(value)):
                return shape.convert(name, value)
        raise RpcError(
            Code.TYPE,
            f"JSON value of type {type_name(value)} is not of expected type {shapes[-1].expected}",
        )

    return Shape(None, " or ".join(shape.help_name for shape in shapes), convert)


def shape_of(annotation: object, names: Mapping[str, object]) -> Shape | None:
    """The shape that an annotation declares.

    Args:
        annotation: a type, or its text.
        names: the globals of the function, in which the text is read.

    Returns:
        None for `Call`, which is no parameter of the method's callers.
    """
    if isinstance(annotation, str):
        annotation = eval(annotation, dict(names))
    origin = typing.get_origin(annotation)
    if origin in (types.UnionType, typing.Union):
        members = [each for each in typing.get_args(annotation) if each is not type(None)]
        shapes = [shape for each in members if (shape := shape_of(each, names)) is not None]
        return shapes[0] if len(shapes) == 1 else _any_of(shapes)
    if origin is Annotated:
        return Shape("number", "numeric", _within(typing.get_args(annotation)[1]))
    if getattr(annotation, "__supertype__", None) is bytes:
        return HASH
    shape = _PLAIN.get(origin or annotation)
    if shape is None:
        assert getattr(annotation, "__name__", "") == "Call", f"a parameter of type {annotation}"
    return shape


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method.

    Args:
        names: its name, then further ones it is known by.
        label: what complaints about its value call it.
        placeholder: what stands for it in the line of usage; made of its type if empty.
        nullable: the function takes None for null.
        default: what its absence means, for the help text; `NO_DEFAULT` if it has to be given.
        keyword: the name in the function's signature.
    """

    names: tuple[str, ...]
    shape: Shape
    default: object
    description: str
    hidden: bool = False
    keyword: str = ""
    label: str = ""
    placeholder: str = ""
    nullable: bool = False

    @property
    def required(self) -> bool:
        """Whether a call without it is refused."""
        return self.default is NO_DEFAULT

    @property
    def spelling(self) -> str:
        """All names, as complaints spell them: `verbosity|verbose`."""
        return "|".join(self.names)

    def mismatch(self, value: object, *, may_be_null: bool = True) -> str | None:
        """Core's sentence if the value's JSON type is not the declared one.

        Args:
            may_be_null: null is as good as nothing, where there is a default.
        """
        expected = self.shape.expected
        may_be_null = self.nullable or (may_be_null and not self.required)
        if expected is None or (value is None and may_be_null):
            return None
        given = type_name(value)
        if given == expected:
            return None
        return f"JSON value of type {given} is not of expected type {expected}"

    def convert(self, value: object) -> object:
        """The value as the function wants it.

        Raises:
            RpcError: it is of the right type, but no such value.
        """
        if value is None and self.nullable:
            return None
        return self.shape.convert(self.label or self.names[0], value)


def expect_text(value: object) -> str:
    """A value inside of a parameter that must be a text.

    Raises:
        RpcError: -3, it is none.
    """
    if not isinstance(value, str):
        raise RpcError(
            Code.TYPE, f"JSON value of type {type_name(value)} is not of expected type string"
        )
    return value


def expect_texts(values: Sequence[object]) -> list[str]:
    """The values of a list that must be texts.

    Raises:
        RpcError: -3, one is none.
    """
    return [expect_text(value) for value in values]


def check_fields(
    given: Mapping[str, object],
    expected: Mapping[str, type],
    *,
    may_miss: bool = False,
    strict: bool = False,
) -> None:
    """See that the fields of an object are there and of the right types.

    Args:
        expected: the types of the fields that are looked at: `str`, `int`, `bool`, `list`, `dict`;
            `object` for any.
        may_miss: whether they may be left out, or null.
        strict: whether there may be no others.

    Raises:
        RpcError: -3, one is not.
    """
    for name in sorted(expected):
        value, kind = given.get(name), expected[name]
        if value is None and not may_miss:
            raise RpcError(Code.TYPE, f"Missing {name}")
        if value is not None and kind is not object and type_name(value) != _TYPE_NAMES[kind]:
            raise RpcError(
                Code.TYPE,
                f"JSON value of type {type_name(value)} for field {name} is not of expected type"
                f" {_TYPE_NAMES[kind]}",
            )
    unknown = next((name for name in given if name not in expected), None)
    if strict and unknown is not None:
        raise RpcError(Code.TYPE, f"Unexpected key {unknown}")


def parse_hex(text: str, name: str) -> bytes:
    """The bytes of a parameter in hex, at least one.

    Raises:
        RpcError: -8, it is not hex.
    """
    data = unhex(text)
    if not data:
        raise RpcError(Code.PARAMETER, f"{name} must be hexadecimal string (not '{text}')")
    return data


def unhex(text: str) -> bytes | None:
    """Bytes from hex without any spaces; None if it is none."""
    try:  # In pieces: other threads have their turns in between.
        data = b"".join(
            [
                bytes.fromhex(text[at : at + HEX_PIECE_SIZE])
                for at in range(0, len(text), HEX_PIECE_SIZE)
            ]
        )
    except ValueError:
        return None
    return data if 2 * len(data) == len(text) else None
