"""The six messages of BIP 157; the fields in the order of its tables."""

from __future__ import annotations

import pytest

from axon.errors import DecodeError
from axon.primitives.hashes import ZERO_HASH, BlockHash
from axon.wire.messages import Message
from axon.wire.messages.filters import (
    BASIC_FILTER,
    MAX_CFCHECKPT,
    MAX_CFHEADERS,
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
)
from axon.wire.messages.limits import OverLimit
from axon.wire.registry import decode_message

STOP = BlockHash(b"\xaa" * 32)
FIRST, SECOND = b"\x01" * 32, b"\x02" * 32

CASES: list[tuple[Message, str]] = [
    (GetCFilters(BASIC_FILTER, 0x01020304, STOP), "0004030201" + "aa" * 32),
    (GetCFHeaders(BASIC_FILTER, 1, STOP), "0001000000" + "aa" * 32),
    (GetCFCheckpt(255, STOP), "ff" + "aa" * 32),
    (CFilter(0, STOP, b"\x01\x7f\xa8\x80"), "00" + "aa" * 32 + "04017fa880"),
    (
        CFHeaders(0, STOP, ZERO_HASH, (FIRST, SECOND)),
        "00" + "aa" * 32 + "00" * 32 + "02" + "01" * 32 + "02" * 32,
    ),
    (CFCheckpt(0, STOP, (FIRST, SECOND)), "00" + "aa" * 32 + "02" + "01" * 32 + "02" * 32),
]


@pytest.mark.parametrize(("message", "payload_hex"), CASES, ids=lambda case: str(case)[:12])
def test_bytes(message: Message, payload_hex: str) -> None:
    payload = bytes.fromhex(payload_hex)
    assert message.encode() == payload
    assert decode_message(message.command, payload) == message
    for size in range(len(payload)):
        with pytest.raises(DecodeError):
            decode_message(message.command, payload[:size])


def test_limits() -> None:
    most = CFHeaders(0, STOP, ZERO_HASH, (FIRST,) * MAX_CFHEADERS)
    assert CFHeaders.decode(most.encode()) == most
    with pytest.raises(OverLimit):
        CFHeaders.decode(CFHeaders(0, STOP, ZERO_HASH, (FIRST,) * (MAX_CFHEADERS + 1)).encode())
    with pytest.raises(OverLimit):
        CFCheckpt.decode(CFCheckpt(0, STOP, (FIRST,) * (MAX_CFCHECKPT + 1)).encode())


def test_a_filter_longer_than_its_message_is_refused() -> None:
    with pytest.raises(DecodeError):
        CFilter.decode(bytes(33) + b"\xfe\x00\x00\x00\x02" + bytes(100))


def test_a_filter_does_not_fill_the_log() -> None:
    assert len(repr(CFilter(0, STOP, bytes(100_000)))) < 300
