"""getheaders, headers, sendheaders. The header used is that of the main chain's first block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import ZERO_HASH, BlockHash, from_hex
from axon.primitives.header import Header
from axon.wire.messages.headers import (
    MAX_HEADERS,
    MAX_LOCATOR,
    NO_STOP,
    GetHeaders,
    Headers,
    SendHeaders,
)
from axon.wire.messages.limits import OverLimit
from tests.strategies import headers

GENESIS = Header(
    bytes.fromhex(
        "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
        "29ab5f49ffff001d1dac2b7c"
    )
)
GENESIS_HASH = from_hex("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f")


def test_getheaders() -> None:
    data = bytes.fromhex("8111010001") + GENESIS_HASH + bytes(32)  # Protocol 70017.
    request = GetHeaders((BlockHash(GENESIS_HASH),))
    assert request.stop == NO_STOP == ZERO_HASH
    assert request.encode() == data
    assert GetHeaders.decode(data) == request


def test_the_version_before_a_locator_means_nothing() -> None:
    data = bytes.fromhex("ffffffff00") + GENESIS_HASH
    assert GetHeaders.decode(data) == GetHeaders((), BlockHash(GENESIS_HASH))


def test_a_locator_has_at_most_101_hashes() -> None:
    most = GetHeaders((BlockHash(GENESIS_HASH),) * MAX_LOCATOR)
    assert GetHeaders.decode(most.encode()) == most
    with pytest.raises(OverLimit):
        GetHeaders.decode(GetHeaders((NO_STOP,) * (MAX_LOCATOR + 1)).encode())


def test_a_request_that_is_cut_short_is_refused() -> None:
    data = GetHeaders((BlockHash(GENESIS_HASH),)).encode()
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            GetHeaders.decode(data[:size])


def test_headers() -> None:
    assert Headers((GENESIS,)).encode() == b"\x01" + GENESIS.raw + b"\x00"
    message = Headers.decode(b"\x01" + GENESIS.raw + b"\x00")
    assert message.headers[0].hash == GENESIS_HASH
    assert Headers(()).encode() == b"\x00"
    assert Headers.decode(b"\x00") == Headers(())


@given(st.lists(st.tuples(headers(), st.integers(0, 0x10000)), min_size=1, max_size=5))
def test_the_count_of_transactions_means_nothing(drawn: list[tuple[Header, int]]) -> None:
    entries = [header.raw + compact_size(count) for header, count in drawn]
    decoded = Headers.decode(compact_size(len(entries)) + b"".join(entries))
    assert decoded == Headers(tuple(header for header, _ in drawn))


@pytest.mark.parametrize("tail", [b"", b"\xfd", b"\xfd\x01\x00", b"\xff\xff"])
def test_but_it_must_be_one(tail: bytes) -> None:
    with pytest.raises(DecodeError):
        Headers.decode(b"\x01" + GENESIS.raw + tail)


def test_two_thousand_is_the_most() -> None:
    most = Headers((GENESIS,) * MAX_HEADERS)
    assert Headers.decode(most.encode()) == most
    with pytest.raises(OverLimit):
        Headers.decode(Headers((GENESIS,) * (MAX_HEADERS + 1)).encode())


def test_a_last_header_that_is_cut_short_is_refused() -> None:
    # The count of the first is long, so that the bytes left suffice for two entries of 81 bytes.
    data = b"\x02" + GENESIS.raw + b"\xfe\x00\x00\x01\x00" + GENESIS.raw
    with pytest.raises(DecodeError):
        Headers.decode(data[:-1])


def test_sendheaders_has_no_payload() -> None:
    assert SendHeaders().encode() == b""
    assert SendHeaders.command == "sendheaders"
