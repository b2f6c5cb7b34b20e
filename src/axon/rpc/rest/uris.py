"""What a REST path says: the format asked for, and the parameters behind the question mark.

Read as bitcoind reads it, which splits the text itself and has libevent read what is behind the
question mark (RFC 3986).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final
from urllib.parse import unquote_to_bytes

from axon.rpc.rest.answers import BAD_REQUEST, RestRefusal

_VALID: Final = re.compile(
    r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
    r"(?:\?((?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*))?"
    r"(?:#(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_DIGITS: Final = re.compile(r"[0-9]+")


class DataFormat(Enum):
    """How an answer is to be shown; the value ends the path."""

    BINARY = "bin"
    HEX = "hex"
    JSON = "json"
    UNKNOWN = ""


_FORMATS: Final = {each.value: each for each in DataFormat}


def split_format(text: str) -> tuple[str, DataFormat]:
    """A path without its format and all that is behind a question mark; and the format."""
    param = text.rpartition("?")[0] if "?" in text else text
    rest, dot, suffix = param.rpartition(".")
    if not dot or suffix not in _FORMATS:
        return param, DataFormat.UNKNOWN
    return rest, _FORMATS[suffix]


def query_parameter(uri: str, name: str) -> str | None:
    """A parameter from behind the question mark; None if there is none.

    One that has no `=` makes all of them void.

    Args:
        uri: the whole of it, as it came.
        name: of the parameter.

    Raises:
        RestRefusal: the URI is none.
    """
    valid = _VALID.fullmatch(uri)
    if valid is None:
        text = "URI parsing failed, it likely contained RFC 3986 invalid characters"
        raise RestRefusal(BAD_REQUEST, text)
    fields = (valid[1] or "").removesuffix("&").split("&")
    found: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not key or not equals:
            return None
        found.setdefault(key, value)
    raw = found.get(name)
    if raw is None:
        return None
    return unquote_to_bytes(raw.replace("+", " ")).decode("utf-8", "surrogateescape")


def parse_hash(text: str) -> bytes | None:
    """32 bytes in internal order from 64 hex digits; None if they are none."""
    return bytes.fromhex(text)[::-1] if _HASH.fullmatch(text) else None


def parse_integer(text: str, most: int) -> int | None:
    """A number from 0 to `most`, of digits alone; None if it is none."""
    if _DIGITS.fullmatch(text) is None:
        return None
    digits = text.lstrip("0")
    if len(digits) > len(str(most)):  # Python reads no number of thousands of digits.
        return None
    number = int(digits or "0")
    return number if number <= most else None
