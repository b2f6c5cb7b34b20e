"""The library's log as values; lines as libbitcoinkernel 31.99 writes them."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.consensus import kernel_log
from axon.consensus.kernel_log import KernelCall, failure, parse_checked, parse_header, plain_line
from axon.consensus.library import KernelError
from axon.errors import DiskFullError
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected

NAME = "2c6c4dd757fc72343aee2e23deffa69758e38b78c3cf46fa58b5f4995ff7895b"
HASH = BlockHash(bytes.fromhex(NAME)[::-1])
A, B, C = (BlockHash(bytes((byte,)) * 32) for byte in b"ABC")


def checked(state: str) -> bytes:
    return f"[validation:debug] BlockChecked: block hash={NAME} state={state}\n".encode()


def test_a_valid_block_has_no_reason() -> None:
    assert parse_checked(checked("Valid")) == (HASH, None)


def test_a_reason_ends_at_the_first_comma() -> None:
    line = checked("bad-cb-amount, coinbase pays too much (actual=51 vs limit=50), really")
    detail = "coinbase pays too much (actual=51 vs limit=50), really"
    assert parse_checked(line) == (HASH, Rejected("bad-cb-amount", detail))


def test_a_reason_without_detail() -> None:
    line = checked("prev-blk-not-found")
    assert parse_checked(line) == (HASH, Rejected("prev-blk-not-found"))


def test_other_lines_say_nothing_of_a_block() -> None:
    assert parse_checked(b"[all:info] UpdateTip: new best=00\n") is None
    assert parse_checked(checked("Valid")[:60]) is None
    assert parse_checked(checked("Valid").replace(b"2c6c", b"zz6c")) is None


def test_a_header_line_names_its_reason() -> None:
    line = f"[validation:debug] AcceptBlockHeader: Consensus::CheckBlockHeader: {NAME}, "
    told = parse_header(line.encode() + b"time-too-old, block's timestamp is too early\n")
    assert told == Rejected("time-too-old", "block's timestamp is too early")
    assert parse_header(line.encode() + b"high-hash\n") == Rejected("high-hash")
    assert parse_header(b"[validation:debug] AcceptBlockHeader: not understood\n") is None


def test_the_category_is_shown_where_there_is_one() -> None:
    assert plain_line(b"[all:info] Opened LevelDB successfully\n") == "Opened LevelDB successfully"
    assert plain_line(b"[validation:debug] x\n") == "[validation:debug] x"


@given(st.binary(max_size=200))
def test_no_line_upsets_the_parsers(tail: bytes) -> None:
    for line in (tail, checked("")[:-1] + tail, checked("Valid")[:40] + tail, b"[all:" + tail):
        call = KernelCall(None)
        call.received_line(line)
        parse_checked(line)
        parse_header(b"[validation:debug] AcceptBlockHeader: Consensus::" + tail)
        if b"]" in line:
            plain_line(line)


def test_what_is_taken_back_leaves_no_trace() -> None:
    call = KernelCall(None)
    call.block_disconnected(B)
    call.block_disconnected(A)
    call.block_connected(C)
    call.block_disconnected(C)
    call.block_connected(A)
    assert (call.disconnected, call.connected) == ([B], [])
    call.block_connected(C)
    assert (call.disconnected, call.connected) == ([B], [C])


def test_calls_nest() -> None:
    lines: list[str] = []
    with KernelCall(lines.append) as outer:
        with KernelCall(None) as inner:
            inner.received_line(b"[all:error] quiet\n")
        outer.received_line(b"[all:error] loud\n")
    assert (lines, outer.errors, inner.errors) == (["loud"], ["loud"], ["quiet"])


def said(line: bytes) -> None:
    """The library logs on this thread."""
    buffer = ctypes.create_string_buffer(line)
    kernel_log._on_log(None, ctypes.addressof(buffer), len(line))


def test_the_library_speaks_to_the_innermost_call() -> None:
    lines: list[str] = []
    with KernelCall(lines.append):
        said(b"[all:info] one\n")
        with KernelCall(None):
            said(b"[all:info] two\n")
        said(b"[all:info] three\n")
    said(b"[all:info] four\n")
    assert lines == ["one", "three"]


def test_half_a_name_is_no_block() -> None:
    assert parse_checked(checked("Valid").replace(NAME.encode(), NAME[:32].encode())) is None


@pytest.mark.parametrize(
    "reason",
    [
        "Disk space is too low!",
        "IO error: /a/000003.log: No space left on device",
        "Fatal LevelDB error: IO error: disk quota exceeded",
    ],
)
def test_a_full_disk_is_called_that(reason: str) -> None:
    found = failure("Validation stopped", ["Corrupted block database", reason])
    assert isinstance(found, DiskFullError)
    assert "orrupt" not in str(found)


def test_other_failures_keep_the_librarys_words() -> None:
    found = failure("Validation stopped", ["one", "two", "one"])
    assert isinstance(found, KernelError)
    assert str(found) == "Validation stopped: one; two."
    assert str(failure("Closing failed", [])) == "Closing failed: no reason given."
