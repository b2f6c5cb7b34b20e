"""Lines out of bytes: the same however they are cut, and never more than may be kept."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.electrum.lines import (
    FREE_BYTES,
    MAX_LINE_BYTES,
    ByteAllowance,
    LineBuffer,
    LineRefused,
)


def buffer(most_bytes: int = MAX_LINE_BYTES) -> tuple[LineBuffer, ByteAllowance]:
    """A buffer, and what all of them share."""
    allowance = ByteAllowance(most_bytes)
    return LineBuffer(allowance), allowance


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(0, 200)))
def test_cut_anywhere_the_lines_are_the_same(parts: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(parts)
    expected = [line for part in data.split(b"\n")[:-1] if (line := part.strip())]
    lines, found = buffer()[0], list[bytes]()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(places):
        found += lines.received(data[begin:end])
    assert found == expected


def test_a_byte_at_a_time() -> None:
    lines = buffer()[0]
    line = b"x" * 1_000
    assert [lines.received(line[at : at + 1]) for at in range(1_000)] == [[]] * 1_000
    assert lines.received(b"\r\n") == [line]


@pytest.mark.parametrize("tail", [b"", b"\n"])
def test_a_line_that_is_too_long_is_refused(tail: bytes) -> None:
    lines = buffer()[0]
    assert lines.received(b"x" * MAX_LINE_BYTES) == []
    with pytest.raises(LineRefused):
        lines.received(b"x" + tail)


def test_long_lines_share_what_there_is() -> None:
    allowance = ByteAllowance(10_000)
    one, two = LineBuffer(allowance), LineBuffer(allowance)
    one.received(b"x" * (FREE_BYTES + 8_000))
    with pytest.raises(LineRefused):
        two.received(b"x" * (FREE_BYTES + 8_000))
    assert one.received(b"\n") == [b"x" * (FREE_BYTES + 8_000)]
    assert two.received(b"\n") == []
    assert allowance.left_bytes == 10_000


def test_who_leaves_gives_back_what_was_kept() -> None:
    lines, allowance = buffer(10_000)
    lines.received(b"x" * (FREE_BYTES + 5_000))
    assert allowance.left_bytes == 5_000
    lines.close()
    assert allowance.left_bytes == 10_000
