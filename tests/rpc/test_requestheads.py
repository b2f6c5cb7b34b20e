"""Heads of requests, as small clients write them and as the parser gets them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.rpc.requestheads import MAX_HEAD_BYTES, MAX_HEADS_AT_ONCE, RequestHeads

WHOLE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"


def passed(data: bytes, size: int = 0) -> bytes:
    """What becomes of bytes that come in pieces of a size; all at once by default."""
    heads = RequestHeads()
    size = size or len(data)
    return b"".join(heads.received(data[at : at + size]) for at in range(0, len(data), size))


def test_what_http_wants_stays_as_it_is() -> None:
    assert passed(WHOLE) == WHOLE
    assert passed(WHOLE * 3) == WHOLE * 3


def test_bare_line_feeds_become_crlf() -> None:
    assert passed(WHOLE.replace(b"\r\n", b"\n")) == WHOLE
    assert passed(WHOLE.replace(b"x\r\n", b"x\n")) == WHOLE


def test_a_missing_host_is_added() -> None:
    given = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    wanted = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    assert passed(given) == wanted
    assert passed(b"GET / HTTP/1.0\n\n") == b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"


def test_fields_are_unfolded_and_equal_lengths_are_one() -> None:
    given = (
        b"POST / HTTP/1.1\r\nHost : x\r\nX: a\r\n\t b\r\n  c\r\nContent-Length\t: +4\r\n"
        b"content-length: 4 \r\n\r\nabcd"
    )
    wanted = b"POST / HTTP/1.1\r\nHost: x\r\nX: a b c\r\nContent-Length: 4\r\n\r\nabcd"
    assert passed(given) == wanted
    assert passed(given * 2) == wanted * 2, "the next head begins where the body ends"
    assert passed(given, 1) == wanted


def test_of_a_flood_of_heads_only_the_first_are_rewritten() -> None:
    head = b"GET / HTTP/1.1\n\n"
    rewritten = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    flood = head * 20_000
    assert passed(flood) == rewritten * MAX_HEADS_AT_ONCE + head * (20_000 - MAX_HEADS_AT_ONCE)
    assert passed(flood, len(head)) == rewritten * 20_000, "one by one they are no flood"


def test_a_body_goes_on_as_it_comes() -> None:
    heads = RequestHeads()
    head = WHOLE.removesuffix(b"abcd")
    assert heads.received(head) == head
    for each in b"a\nc\r":
        assert heads.received(bytes((each,))) == bytes((each,))
    assert heads.received(WHOLE) == WHOLE, "the next head begins where the body ends"


def test_a_head_is_held_until_it_is_whole() -> None:
    heads = RequestHeads()
    assert heads.received(b"POST / HTTP/1.1\nContent-Length: 2\n") == b""
    assert not heads.is_between
    assert heads.received(b"\n{").endswith(b"\r\n\r\n{")
    assert not heads.is_between
    assert heads.received(b"}") == b"}"
    assert heads.is_between


def test_line_breaks_before_a_head_are_left_out() -> None:
    assert passed(b"\r\n\n" + WHOLE + b"\r\n" + WHOLE) == WHOLE * 2


@pytest.mark.parametrize(
    "line",
    [
        b"Transfer-Encoding: chunked",
        b"Upgrade: h2c",
        b"Content-Length: 4\r\nContent-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 0x4",
        b"Content-Length: " + b"9" * 30,
    ],
)
def test_behind_an_unusual_length_nothing_is_changed(line: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n"
    rest = b"4\r\nPOST\r\n0\r\n\r\nPOST / HTTP/1.1\n\n"
    assert passed(head + rest) == head + rest


@pytest.mark.parametrize("data", [b"\x00\x01\n\n", b"{}\n\n", b"\xfa\xbf\xb5\xda"])
def test_what_is_no_head_goes_on_at_once(data: bytes) -> None:
    heads = RequestHeads()
    assert heads.received(data[:1]) + heads.received(data[1:]) == data


def test_no_more_than_the_bound_is_held() -> None:
    heads = RequestHeads()
    line = b"X: y\n"
    assert heads.received(b"GET / HTTP/1.1\n" + line * (MAX_HEAD_BYTES // len(line) - 5)) == b""
    assert heads.received(line * 10).startswith(b"GET / HTTP/1.1\nX: y\n")
    assert heads.received(line) == line


@given(st.lists(st.sampled_from([WHOLE, WHOLE.replace(b"\r\n", b"\n")])), st.integers(1, 60))
def test_it_does_not_matter_where_the_bytes_are_cut(requests: list[bytes], size: int) -> None:
    assert passed(b"".join(requests), size) == WHOLE * len(requests)


@given(st.binary(max_size=300), st.integers(1, 60))
def test_any_bytes_are_taken(data: bytes, size: int) -> None:
    for begin in (b"", b"A", WHOLE, b"POST / HTTP/1.1\nContent-Length: 7\n\n"):
        whole = RequestHeads()
        cut = RequestHeads()
        text = begin + data
        together = whole.received(text)
        apart = b"".join(cut.received(text[at : at + size]) for at in range(0, len(text), size))
        assert apart == together
        assert len(together) <= len(text) + 200
