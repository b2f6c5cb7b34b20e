"""Which autonomous system an address belongs to: a reader of Bitcoin Core's asmap files.

Such a file is a program that walks down the bits of an address, the first bit first. An instruction
is a number of a few bits (return, jump, match, default) and its argument. Numbers are written in
classes: a 1 for each class passed, a 0 where it stops, and the place within the class. All bits of
the file are read from the lowest of each byte. Every instruction moves forward, so a walk ends.
"""

from __future__ import annotations

from typing import Final

from axon.errors import DecodeError

MAX_ASMAP_BYTES: Final = 8 << 20
"""As much as Bitcoin Core takes; maps of the whole internet have below 2 MB."""

ADDRESS_BITS: Final = 128

_RETURN, _JUMP, _MATCH, _DEFAULT = range(4)
_OPCODES: Final = (0, 0, 1)
_NUMBERS: Final = tuple(range(15, 25))
_PATTERNS: Final = tuple(range(1, 9))
_JUMPS: Final = tuple(range(5, 31))


class AsMap:
    """One map.

    Args:
        data: the whole file.

    Raises:
        DecodeError: it is too long, or no address can be looked up in it.
    """

    def __init__(self, data: bytes) -> None:
        if not 0 < len(data) <= MAX_ASMAP_BYTES:
            raise DecodeError(f"an AS map of 1 to {MAX_ASMAP_BYTES:,} bytes, not {len(data):,}")
        self._data = data
        self._end = 8 * len(data)
        self.find(bytes(16))  # The first way down must not end in the void.

    def find(self, address: bytes) -> int:
        """The number of the autonomous system; 0 for none.

        Args:
            address: 16 bytes of IPv6, IPv4 mapped into it.

        Raises:
            DecodeError: the map ends in the middle of an instruction, or jumps out of itself.
        """
        assert len(address) * 8 == ADDRESS_BITS
        bits = int.from_bytes(address, "big")
        left = ADDRESS_BITS
        default = place = 0
        while True:
            opcode, place = self._number(place, 0, _OPCODES)
            if opcode == _RETURN:
                return self._number(place, 1, _NUMBERS)[0]
            if opcode == _DEFAULT:
                default, place = self._number(place, 1, _NUMBERS)
                continue
            if opcode == _JUMP:
                width = 1
                argument, place = self._number(place, 17, _JUMPS)
            else:
                argument, place = self._number(place, 2, _PATTERNS)
                width = argument.bit_length() - 1
            if left < width:
                raise DecodeError(f"an AS map that asks for {ADDRESS_BITS} bits at most")
            left -= width
            seen = bits >> left & (1 << width) - 1
            if opcode == _JUMP:
                place += argument * seen
            elif seen != argument ^ 1 << width:
                return default

    def _number(self, place: int, smallest: int, classes: tuple[int, ...]) -> tuple[int, int]:
        """A number, and where it ends; `classes` are the bits of a place within each class."""
        value = smallest
        for size in classes[:-1]:
            more = self._bit(place)
            place += 1
            if not more:
                break
            value += 1 << size
        else:
            size = classes[-1]
        within = 0
        for offset in range(size):
            within = within << 1 | self._bit(place + offset)
        return value + within, place + size

    def _bit(self, place: int) -> int:
        if place >= self._end:
            raise DecodeError("an AS map that ends behind an instruction", self._end // 8)
        return self._data[place >> 3] >> (place & 7) & 1
