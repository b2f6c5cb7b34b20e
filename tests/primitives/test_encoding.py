"""Compact sizes and the reader: edges, round trips, hostile bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.encoding import MAX_SIZE, Reader, compact_size, read_compact_size, var_bytes


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "00"),
        (0xFC, "fc"),
        (0xFD, "fdfd00"),
        (0xFFFF, "fdffff"),
        (0x10000, "fe00000100"),
        (0xFFFFFFFF, "feffffffff"),
        (0x100000000, "ff0000000001000000"),
    ],
)
def test_edges_of_compact_sizes(number: int, expected: str) -> None:
    assert compact_size(number).hex() == expected
    assert read_compact_size(bytes.fromhex(expected), 0, 2**64) == (number, len(expected) // 2)


@pytest.mark.parametrize("longer", ["fdfc00", "feffff0000", "ffffffffff00000000"])
def test_a_longer_form_than_needed_is_refused(longer: str) -> None:
    with pytest.raises(DecodeError, match="shortest"):
        Reader(bytes.fromhex(longer)).compact_size()


def test_a_size_above_the_limit_is_refused() -> None:
    Reader(compact_size(MAX_SIZE)).compact_size()
    with pytest.raises(DecodeError, match=f"at most {MAX_SIZE}"):
        Reader(compact_size(MAX_SIZE + 1)).compact_size()
    with pytest.raises(DecodeError, match="at most 7"):
        Reader(compact_size(8)).compact_size(7)


@given(st.integers(0, 2**64 - 1), st.binary(max_size=5))
def test_compact_size_round_trip(number: int, rest: bytes) -> None:
    encoded = compact_size(number)
    assert read_compact_size(encoded + rest, 0, 2**64) == (number, len(encoded))
    with pytest.raises(DecodeError):
        read_compact_size(encoded[:-1], 0, 2**64)


@given(st.binary(max_size=600))
def test_var_bytes_round_trip(data: bytes) -> None:
    reader = Reader(var_bytes(data))
    assert reader.var_bytes() == data
    reader.finish()


def test_integers_of_every_width() -> None:
    reader = Reader(bytes(range(1, 33)) + b"\xff" * 12)
    assert reader.u8() == 0x01
    assert reader.u16() == 0x0302
    assert reader.u16_be() == 0x0405
    assert reader.u32() == 0x09080706
    assert reader.i32() == 0x0D0C0B0A
    assert reader.u64() == 0x1514131211100F0E
    assert reader.i64() == 0x1D1C1B1A19181716
    assert reader.take(3) == bytes((0x1E, 0x1F, 0x20))
    assert reader.i32() == -1
    assert reader.i64() == -1
    assert reader.remaining == 0
    reader.finish()


@pytest.mark.parametrize("name", ["u8", "u16", "u16_be", "u32", "i32", "u64", "i64", "boolean"])
def test_reading_beyond_the_end_names_the_place(name: str) -> None:
    reader = Reader(b"", 0)
    with pytest.raises(DecodeError, match="at byte 0"):
        getattr(reader, name)()


def test_bytes_that_are_left_over_are_refused() -> None:
    with pytest.raises(DecodeError, match="the end at byte 1"):
        Reader(b"ab", 1).finish()
