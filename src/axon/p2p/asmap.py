"""Which autonomous system an address belongs to: Bitcoin Core's asmap files.

Such a file is a program that walks down the bits of an address, the first bit first. An instruction
is a number of a few bits (return, jump, match, default) and its argument. Numbers are written in
classes: a 1 for each class passed, a 0 where it stops, and the place within the class. All bits of
the file are read from the lowest of each byte. Every instruction moves forward, so a walk ends.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final

from axon.errors import DecodeError
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import sha256d

MAX_ASMAP_BYTES: Final = 8 << 20
"""Maps of the whole internet have below 2 MB."""

ADDRESS_BITS: Final = 128

_RETURN, _JUMP, _MATCH, _DEFAULT = range(4)
_MOST_MATCHED: Final = 8  # Bits that one match looks at.
_WINDOW: Final = 64  # Bits looked at together; no number has more than 55.
_ALL_ONES: Final = (1 << _WINDOW) - 1
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Numbers:
    """How one kind of number is written.

    Args:
        smallest: of all.
        sizes: the bits of a place within each class.
    """

    __slots__ = ("last", "sizes", "starts")

    def __init__(self, smallest: int, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self.last = len(sizes) - 1
        self.starts = list(accumulate((1 << size for size in sizes), initial=smallest))


_OPCODES: Final = _Numbers(0, (0, 0, 1))
_SYSTEMS: Final = _Numbers(1, tuple(range(15, 25)))
_PATTERNS: Final = _Numbers(2, tuple(range(1, _MOST_MATCHED + 1)))
_DISTANCES: Final = _Numbers(17, tuple(range(5, 31)))


class AsMap:
    """One map.

    Args:
        data: the whole file.

    Raises:
        DecodeError: it is too long, or not as Bitcoin Core's sanity check wants it, which
            looks at every instruction of it.
    """

    def __init__(self, data: bytes) -> None:
        if not 0 < len(data) <= MAX_ASMAP_BYTES:
            raise DecodeError(f"an AS map of 1 to {MAX_ASMAP_BYTES:,} bytes, not {len(data):,}")
        self.version = sha256d(var_bytes(data))
        """32 bytes that name the map, internal order, as Bitcoin Core computes them."""
        self.size_bytes = len(data)
        self._data = data.translate(_REVERSED) + bytes(_WINDOW // 8)
        self._end = 8 * len(data)
        _Check(self).run()

    def find(self, address: bytes) -> int:
        """The number of the autonomous system; 0 for none.

        Args:
            address: 16 bytes of IPv6, IPv4 mapped into it.
        """
        assert len(address) * 8 == ADDRESS_BITS
        bits = int.from_bytes(address, "big")
        left = ADDRESS_BITS
        default = place = 0
        while True:
            opcode, place = self.number(place, _OPCODES)
            if opcode == _RETURN:
                return self.number(place, _SYSTEMS)[0]
            if opcode == _DEFAULT:
                default, place = self.number(place, _SYSTEMS)
            elif opcode == _JUMP:
                distance, place = self.number(place, _DISTANCES)
                left -= 1
                if bits >> left & 1:
                    place += distance
            else:
                pattern, place = self.number(place, _PATTERNS)
                width = pattern.bit_length() - 1
                left -= width
                if (bits >> left & (1 << width) - 1) != pattern ^ 1 << width:
                    return default

    @property
    def end(self) -> int:
        """How many bits there are."""
        return self._end

    def number(self, place: int, numbers: _Numbers) -> tuple[int, int]:
        """A number, and where it ends.

        Raises:
            DecodeError: the map ends before.
        """
        start = place >> 3
        window = int.from_bytes(self._data[start : start + _WINDOW // 8], "big")
        window = window << (place & 7) & _ALL_ONES
        ones = min(_WINDOW - (window ^ _ALL_ONES).bit_length(), numbers.last)
        size = numbers.sizes[ones]
        width = ones + (ones < numbers.last) + size
        if place + width > self._end:
            raise DecodeError("an AS map that ends behind an instruction", self._end // 8)
        within = window >> (_WINDOW - width) & (1 << size) - 1
        return numbers.starts[ones] + within, place + width

    def is_padding(self, place: int) -> bool:
        """Whether nothing follows but zero bits, fewer than a byte has."""
        rest = self._data[place >> 3 : -_WINDOW // 8]
        return self._end - place < 8 and not (rest and rest[0] << (place & 7) & 0xFF)


class _Check:
    """Walks all ways through a map at once, before any address is looked up in it.

    Instructions come in the order of the ways: behind the end of one stands what the jump before it
    leads to. So what is to come is a stack of places, each with the bits of the address that are
    left there. What would be written shorter is refused as well.
    """

    def __init__(self, map_: AsMap) -> None:
        self._map = map_
        self._left = ADDRESS_BITS
        self._ways: list[tuple[int, int]] = []  # Where each other way begins, and its bits left.
        self._before = _JUMP  # The instruction before; what a jump leads to follows on that.
        self._short_match = False

    def run(self) -> None:
        """Walk.

        Raises:
            DecodeError: a way leads nowhere, or is written longer than it need be.
        """
        place = 0
        while place != self._map.end:
            self._require(not self._ways or place < self._ways[-1][0], "whose jumps meet no middle")
            opcode, place = self._map.number(place, _OPCODES)
            if opcode == _JUMP:
                place = self._jump(place)
            elif opcode == _MATCH:
                place = self._match(place)
            else:
                self._require(self._before != _DEFAULT, "without a default that is for nothing")
                _, place = self._map.number(place, _SYSTEMS)
                if opcode == _RETURN:
                    if not self._ways:
                        self._require(self._map.is_padding(place), "with nothing behind its end")
                        return
                    start, self._left = self._ways.pop()
                    self._require(place == start, "all of which can be reached")
                    opcode = _JUMP
            self._before = opcode
        raise DecodeError("an AS map that ends with a return")

    def _jump(self, place: int) -> int:
        distance, place = self._map.number(place, _DISTANCES)
        self._consume(1)
        target = place + distance
        fits = target < self._ways[-1][0] if self._ways else target <= self._map.end
        self._require(fits, "whose jumps lead into it, one within the other")
        self._ways.append((target, self._left))
        return place

    def _match(self, place: int) -> int:
        pattern, place = self._map.number(place, _PATTERNS)
        width = pattern.bit_length() - 1
        if self._before != _MATCH:
            self._short_match = False
        is_short = width < _MOST_MATCHED
        self._require(not (is_short and self._short_match), "whose matches are as long as can be")
        self._short_match = is_short
        self._consume(width)
        return place

    def _consume(self, bits: int) -> None:
        self._require(bits <= self._left, f"that asks for {ADDRESS_BITS} bits at most")
        self._left -= bits

    @staticmethod
    def _require(holds: bool, expected: str) -> None:
        if not holds:
            raise DecodeError(f"an AS map {expected}")
