"""The checksum of descriptors (BIP 380): eight signs that find typing mistakes."""

from __future__ import annotations

from functools import cache

from axon.primitives.keyexpression import DescriptorError

_SIGNS = (
    "0123456789()[],'/*abcdefgh@:$%{}"
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
    'ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
)
_POSITION = {sign: position for position, sign in enumerate(_SIGNS)}
_CHECKSUM_SIGNS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CHECKSUM_PAIRS = tuple([first + second for first in _CHECKSUM_SIGNS for second in _CHECKSUM_SIGNS])
_GENERATOR = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)
_LOW = (1 << 35) - 1
_CHECKSUM_SIZE = 8


_SHORT = 120
"""Descriptors of so many signs at most are summed up by tables: an output's address, in `addr`."""

_INVALID = 0xFF
_BYTES = range(256)
_LOWS = bytes([_POSITION.get(chr(byte), _INVALID) & 31 for byte in _BYTES])
_HIGHS = bytes([_POSITION.get(chr(byte), _INVALID) >> 5 for byte in _BYTES])
_UNKNOWN = bytes([byte for byte in _BYTES if chr(byte) not in _POSITION])

_Rows = tuple[tuple[int, ...], ...]


def _folded(top: int) -> int:
    """What the five bits that leave the checksum at its top do to the rest."""
    change = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            change ^= generator
    return change


_FOLDED = tuple(map(_folded, range(32)))


def _stepped(checksum: int) -> int:
    """A checksum when a value of zero is added."""
    return ((checksum & _LOW) << 5) ^ _FOLDED[checksum >> 35]


def _effects(count: int) -> _Rows:
    """For each number of steps, and each value, what comes of the value by so many steps."""
    row = tuple(range(32))
    rows = [row]
    while len(rows) < count:
        row = tuple(map(_stepped, row))
        rows.append(row)
    return tuple(rows)


_EFFECTS = _effects(_SHORT + (_SHORT + 2) // 3 + _CHECKSUM_SIZE + 1)


def descriptor_checksum(text: str) -> str:
    """The eight signs that follow a descriptor behind `#` (BIP 380).

    Raises:
        DescriptorError: it has a sign that descriptors do not have.
    """
    checksum = (_short if len(text) <= _SHORT else _long)(text) ^ 1
    pairs = _CHECKSUM_PAIRS
    return (
        pairs[checksum >> 30]
        + pairs[checksum >> 20 & 1023]
        + pairs[checksum >> 10 & 1023]
        + pairs[checksum & 1023]
    )


def _short(text: str) -> int:
    """The checksum of a text that is shown with each output of a block: as fast as can be.

    Each step is linear, so the checksum is the sum of what each value comes to by the steps behind.
    """
    try:
        signs = text.encode("ascii")
    except UnicodeEncodeError:
        raise DescriptorError("Invalid characters in payload") from None
    if len(signs.translate(None, _UNKNOWN)) < len(signs):
        raise DescriptorError("Invalid characters in payload")
    start, lows, groups = _rows(len(signs))
    checksum = start
    for row, value in zip(lows, signs.translate(_LOWS), strict=True):
        checksum ^= row[value]
    for row, value in zip(groups, _groups_of(signs.translate(_HIGHS)), strict=True):
        checksum ^= row[value]
    return checksum


def _groups_of(highs: bytes) -> bytes:
    """Each three values as one number to the base 3, what is left at the end likewise."""
    whole = len(highs) - len(highs) % 3
    first, second, third = [int.from_bytes(highs[place:whole:3]) for place in range(3)]
    groups = (first * 9 + second * 3 + third).to_bytes(whole // 3)  # No byte carries: at most 26.
    if whole == len(highs):
        return groups
    rest = 0
    for value in highs[whole:]:
        rest = rest * 3 + value
    return groups + bytes((rest,))


@cache
def _rows(size: int) -> tuple[int, _Rows, _Rows]:
    """For a text of so many signs: where the sum begins, and the effects of signs and groups."""
    steps = size + (size + 2) // 3 + _CHECKSUM_SIZE
    lows = tuple([_EFFECTS[steps - place - place // 3 - 1] for place in range(size)])
    groups = [_EFFECTS[steps - place - place // 3 - 2] for place in range(2, size, 3)]
    if size % 3:
        groups.append(_EFFECTS[_CHECKSUM_SIZE])
    return _EFFECTS[steps][1], lows, tuple(groups)


def _long(text: str) -> int:
    checksum = 1
    group = count = 0
    for sign in text:
        position = _POSITION.get(sign)
        if position is None:
            raise DescriptorError("Invalid characters in payload")
        checksum = ((checksum & _LOW) << 5) ^ (position & 31) ^ _FOLDED[checksum >> 35]
        group = group * 3 + (position >> 5)
        count += 1
        if count == 3:
            checksum = ((checksum & _LOW) << 5) ^ group ^ _FOLDED[checksum >> 35]
            group = count = 0
    if count:
        checksum = ((checksum & _LOW) << 5) ^ group ^ _FOLDED[checksum >> 35]
    for _ in range(_CHECKSUM_SIZE):
        checksum = _stepped(checksum)
    return checksum


def with_checksum(text: str) -> str:
    """A descriptor with its checksum behind it."""
    return f"{text}#{descriptor_checksum(text)}"
