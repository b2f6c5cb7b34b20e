"""A filter beside scripts in one pass over its bits, as mypyc compiles it (BIP 158).

The same answers as `axon.chain.filters` gives in plain Python, which uses this where it is
compiled: SipHash, codes cut from a window of 64 bits, and their numbers compared with the wanted
ones in order, so that none is kept. It counts on machine integers, whose highest bits drop out:
interpreted it is wrong, and is not loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from librt.strings import read_i64_be, read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

UNREADABLE: Final = -1
"""Of a filter that holds fewer or more numbers than it announces."""

_REMAINDER_BITS: Final = 19  # The P of BIP 158.
_INVERSE_RATE: Final = 784_931  # The M of BIP 158.
_CODE_BITS: Final = 20
_LOW: Final = 0xFFFF_FFFF
_NONE_LEFT: Final = 0x7FFF_FFFF_FFFF_FFFF
_PADDING: Final = b"\x00" * 16  # A window that begins in the last byte ends here.
_ONES: Final = bytes([8 - (byte ^ 0xFF).bit_length() for byte in range(256)])
"""How many ones a byte begins with; looked up, for no processor guesses them."""


def count_wanted(key: bytes, data: bytes, offset: int, count: int, scripts: Sequence[bytes]) -> int:
    """How many of some scripts a filter tells of.

    Args:
        key: of SipHash, 16 bytes.
        data: the filter.
        offset: where its codes begin, in bytes.
        count: how many they are, at most 2**21, as in 4 MB.
        scripts: at most 2**20; one that is there twice counts twice.

    Returns:
        `UNREADABLE` if the filter is not what it announces.
    """
    low, high = read_i64_le(key, 0), read_i64_le(key, 8)
    bound: i64 = i64(count) * _INVERSE_RATE
    numbers = vec[i64](capacity=len(scripts))
    for script in scripts if count else ():
        numbers = append(numbers, _reduced(_siphash(low, high, script), bound))
    return _count(data, offset, count, _ascending(numbers, bound))


def _count(data: bytes, offset: i64, count: i64, wanted: vec[i64]) -> i64:
    padded = data + _PADDING
    end: i64 = 8 * i64(len(data))
    at: i64 = 8 * offset
    value: i64 = 0
    found: i64 = 0
    place: i64 = 0
    target: i64 = _at(wanted, 0)
    while count > 0:  # A loop over a range would count in Python's integers.
        count -= 1
        bits = read_i64_be(padded, at >> 3) << (at & 7)  # The next one is the sign.
        ones: i64 = _ONES[bits >> 56 & 0xFF]
        bits <<= ones
        at += ones + _CODE_BITS
        value += ones << _REMAINDER_BITS
        if bits < 0:  # Eight ones at least: of two hundred codes one.
            at -= _CODE_BITS
            more = _run_of_ones(padded, at, end)
            at += more
            if at >= end:
                return UNREADABLE
            bits = read_i64_be(padded, at >> 3) << (at & 7)
            at += _CODE_BITS
            value += more << _REMAINDER_BITS
        if at > end:
            return UNREADABLE
        value += bits >> 44  # The zero and 19 bits.
        while target <= value:
            if target == value:
                found += 1
            place += 1
            target = _at(wanted, place)
    if end - at > 7 or (at < end and read_i64_be(padded, at >> 3) << (at & 7) != 0):
        return UNREADABLE
    return found


def _run_of_ones(padded: bytes, at: i64, end: i64) -> i64:
    """How many ones follow from a bit on, as far as there are bits."""
    begin = at
    while at < end and i64(padded[at >> 3]) >> (7 - (at & 7)) & 1 == 1:
        at += 1
    return at - begin


def _at(wanted: vec[i64], place: i64) -> i64:
    return wanted[place] if place < len(wanted) else _NONE_LEFT


def _ascending(numbers: vec[i64], bound: i64) -> vec[i64]:
    """Numbers below a bound in order: each is put near where hashes lie, then right."""
    many: i64 = len(numbers)
    ends = _zeros(many + 1)  # Of each part of the result, and before: of how many it takes.
    for i in range(many):
        ends[numbers[i] * many // bound + 1] += 1
    for i in range(many):
        ends[i + 1] += ends[i]
    result = _zeros(many)
    for i in range(many):
        number = numbers[i]
        part = number * many // bound
        place = ends[part]
        ends[part] = place + 1
        while place > 0 and result[place - 1] > number:
            result[place] = result[place - 1]
            place -= 1
        result[place] = number
    return result


def _zeros(many: i64) -> vec[i64]:
    zeros = vec[i64](capacity=many)
    while many > 0:
        zeros = append(zeros, 0)
        many -= 1
    return zeros


def _siphash(key_low: i64, key_high: i64, data: bytes) -> i64:
    """SipHash-2-4: its 64 bits as a signed integer."""
    v0: i64 = key_low ^ 0x736F6D6570736575
    v1: i64 = key_high ^ 0x646F72616E646F6D
    v2: i64 = key_low ^ 0x6C7967656E657261
    v3: i64 = key_high ^ 0x7465646279746573
    size: i64 = len(data)
    at: i64 = 0
    word: i64 = 0
    rounds: i64 = 2
    while rounds == 2:
        if at + 8 <= size:
            word = read_i64_le(data, at)
        elif at <= size:
            word = size << 56
            for i in range(size - at):
                word |= i64(data[at + i]) << (8 * i)
        else:
            word = 0
            v2 ^= 0xFF
            rounds = 4
        at += 8
        v3 ^= word
        left = rounds
        while left > 0:
            left -= 1
            v0 += v1
            v2 += v3
            v1 = v0 ^ (v1 << 13 | v1 >> 51 & 0x1FFF)
            v3 = v2 ^ (v3 << 16 | v3 >> 48 & 0xFFFF)
            v0 = v0 << 32 | v0 >> 32 & _LOW
            v2 += v1
            v0 += v3
            v1 = v2 ^ (v1 << 17 | v1 >> 47 & 0x1FFFF)
            v3 = v0 ^ (v3 << 21 | v3 >> 43 & 0x1F_FFFF)
            v2 = v2 << 32 | v2 >> 32 & _LOW
        v0 ^= word
    return v0 ^ v1 ^ v2 ^ v3


def _reduced(number: i64, bound: i64) -> i64:
    """An unsigned number of 64 bits times a bound below 2**50, without the 64 lowest bits."""
    high, low = number >> 32 & _LOW, number & _LOW
    bound_high, bound_low = bound >> 32, bound & _LOW
    upper, lower = high * bound_low, low * bound_high
    carried = (low * bound_low >> 32 & _LOW) + (upper & _LOW) + (lower & _LOW)
    return high * bound_high + (upper >> 32 & _LOW) + (lower >> 32) + (carried >> 32)
