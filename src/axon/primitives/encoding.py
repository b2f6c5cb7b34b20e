"""Bitcoin's byte encoding: little-endian integers and compact sizes.

`Reader` walks over bytes that somebody else chose: every short read, every length above its limit
and every compact size that is longer than needed is a `DecodeError` that names what was expected.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import Final

from axon.errors import DecodeError

MAX_SIZE: Final = 0x0200_0000
"""Largest length that a compact size may announce: 32 MiB, as in Bitcoin Core's MAX_SIZE."""

_U16 = Struct("<H")
_U32 = Struct("<I")
_U64 = Struct("<Q")
_I32 = Struct("<i")
_I64 = Struct("<q")
_U16_BE = Struct(">H")


def compact_size(number: int) -> bytes:
    """The shortest compact size of a number: 1, 3, 5 or 9 bytes.

    Args:
        number: from 0 to 2**64 - 1.
    """
    if number < 0xFD:
        return bytes((number,))
    if number <= 0xFFFF:
        return b"\xfd" + _U16.pack(number)
    if number <= 0xFFFF_FFFF:
        return b"\xfe" + _U32.pack(number)
    return b"\xff" + _U64.pack(number)


def var_bytes(data: bytes) -> bytes:
    """Bytes behind their length as a compact size."""
    return compact_size(len(data)) + data


def read_compact_size(data: bytes, offset: int, limit: int = MAX_SIZE) -> tuple[int, int]:
    """A compact size and the offset behind it.

    Raises:
        DecodeError: it is cut short, longer than needed, or above `limit`.
    """
    try:
        first = data[offset]
        if first < 0xFD:
            number, end, least = first, offset + 1, 0
        elif first == 0xFD:
            (number,), end, least = _U16.unpack_from(data, offset + 1), offset + 3, 0xFD
        elif first == 0xFE:
            (number,), end, least = _U32.unpack_from(data, offset + 1), offset + 5, 0x1_0000
        else:
            (number,), end, least = _U64.unpack_from(data, offset + 1), offset + 9, 0x1_0000_0000
    except (IndexError, StructError):
        raise DecodeError("a compact size", offset) from None
    if number < least:
        raise DecodeError("the shortest compact size", offset)
    if number > limit:
        raise DecodeError(f"a compact size of at most {limit}", offset)
    return number, end


class Reader:
    """Reads values one after the other from bytes that may be wrong.

    Args:
        data: the bytes; they are not copied.
        offset: where to begin, in bytes.
    """

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return len(self.data) - self.offset

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            DecodeError: fewer are left.
        """
        start = self.offset
        end = start + size
        if end > len(self.data):
            raise DecodeError(f"{size} bytes", start)
        self.offset = end
        return self.data[start:end]

    def _integer(self, form: Struct, name: str) -> int:
        start = self.offset
        if start + form.size > len(self.data):
            raise DecodeError(name, start)
        self.offset = start + form.size
        number: int = form.unpack_from(self.data, start)[0]
        return number

    def u8(self) -> int:
        """One byte, unsigned.

        Raises:
            DecodeError: nothing is left.
        """
        start = self.offset
        if start >= len(self.data):
            raise DecodeError("one byte", start)
        self.offset = start + 1
        return self.data[start]

    def u16(self) -> int:
        """Two bytes, unsigned, little-endian."""
        return self._integer(_U16, "a 16-bit integer")

    def u16_be(self) -> int:
        """Two bytes, unsigned, big-endian: the ports of netaddresses."""
        return self._integer(_U16_BE, "a 16-bit integer")

    def u32(self) -> int:
        """Four bytes, unsigned, little-endian."""
        return self._integer(_U32, "a 32-bit integer")

    def i32(self) -> int:
        """Four bytes, signed, little-endian."""
        return self._integer(_I32, "a 32-bit integer")

    def u64(self) -> int:
        """Eight bytes, unsigned, little-endian."""
        return self._integer(_U64, "a 64-bit integer")

    def i64(self) -> int:
        """Eight bytes, signed, little-endian."""
        return self._integer(_I64, "a 64-bit integer")

    def boolean(self) -> bool:
        """One byte; anything but zero is true, as Bitcoin Core reads it."""
        return self.u8() != 0

    def compact_size(self, limit: int = MAX_SIZE) -> int:
        """A compact size of at most `limit`."""
        number, self.offset = read_compact_size(self.data, self.offset, limit)
        return number

    def var_bytes(self, limit: int = MAX_SIZE) -> bytes:
        """Bytes behind their length, which is at most `limit`."""
        return self.take(self.compact_size(limit))

    def finish(self) -> None:
        """Nothing may be left.

        Raises:
            DecodeError: bytes are left.
        """
        if self.offset != len(self.data):
            raise DecodeError("the end", self.offset)
