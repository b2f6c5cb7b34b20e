"""Lines out of bytes: the same however they are cut, and never more than may be kept."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.electrum.lines import (
    FREE_BYTES,
    MAX_LINE_BYTES,
    LineBuffer,
    LineRefused,
)
from axon.electrum.shares import Holder, Shares

ALICE, BOB = Holder("192.0.2.1", is_local=False), Holder("192.0.2.2", is_local=False)


def buffer(most_bytes: int = 20 * MAX_LINE_BYTES) -> tuple[LineBuffer, Shares]:
    """A buffer of Alice's, and what all of them share."""
    shares = Shares(most_bytes)
    return LineBuffer(shares, ALICE), shares


def taken(lines: LineBuffer) -> list[bytes]:
    """All whole lines that are there, but empty ones."""
    found: list[bytes] = []
    while lines.has_line:
        line = lines.next()
        assert line is not None
        found.append(line)
    assert lines.next() is None
    return [line for line in found if line]


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(0, 200)))
def test_cut_anywhere_the_lines_are_the_same(parts: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(parts)
    expected = [line for part in data.split(b"\n")[:-1] if (line := part.strip())]
    lines, found = buffer()[0], list[bytes]()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(places):
        lines.received(data[begin:end])
        found += taken(lines)
    assert found == expected


def test_a_byte_at_a_time() -> None:
    lines = buffer()[0]
    for _ in range(1_000):
        lines.received(b"x")
        assert lines.next() is None
    lines.received(b"\r\n\n\n")
    assert taken(lines) == [b"x" * 1_000]


def test_many_empty_lines_are_none() -> None:
    lines = buffer()[0]
    lines.received(b"x\n" + b"\n" * 50_000 + b"y\n")
    assert [lines.next(), lines.next(), lines.next()] == [b"x", b"y", None]


def test_a_line_that_is_too_long_is_refused() -> None:
    lines = buffer()[0]
    lines.received(b"x" * MAX_LINE_BYTES)
    with pytest.raises(LineRefused):
        lines.received(b"x")


def test_so_is_one_behind_another() -> None:
    lines = buffer()[0]
    lines.received(b"x\n" + b"y" * (MAX_LINE_BYTES + 1))
    with pytest.raises(LineRefused):
        lines.next()


def test_long_lines_share_what_there_is() -> None:
    shares = Shares(80_000)
    one, two = LineBuffer(shares, ALICE), LineBuffer(shares, ALICE)
    one.received(b"x" * (FREE_BYTES + 7_000))
    with pytest.raises(LineRefused):
        two.received(b"x" * (FREE_BYTES + 7_000))
    other = LineBuffer(shares, BOB)
    other.received(b"x" * (FREE_BYTES + 4_000))  # One's share leaves another's.
    one.received(b"\n")
    assert taken(one) == [b"x" * (FREE_BYTES + 7_000)]
    other.close()
    assert shares.left(is_local=False) == 40_000


def test_a_line_counts_until_the_next_is_asked_for() -> None:
    lines, shares = buffer(80_000)
    lines.received(b"x" * (FREE_BYTES + 5_000) + b"\ny\n")
    assert lines.next() == b"x" * (FREE_BYTES + 5_000)
    assert 34_990 < shares.left(is_local=False) <= 35_000  # It is worked on.
    assert lines.next() == b"y"
    assert shares.left(is_local=False) == 40_000
    lines.received(b"x" * (FREE_BYTES + 5_000) + b"\n")
    assert lines.next()
    assert lines.next() is None
    assert shares.left(is_local=False) == 40_000


def test_who_leaves_gives_back_what_was_kept() -> None:
    lines, shares = buffer(50_000)
    lines.received(b"x" * (FREE_BYTES + 5_000))
    assert shares.left(is_local=False) == 20_000
    lines.close()
    assert shares.left(is_local=False) == 25_000
