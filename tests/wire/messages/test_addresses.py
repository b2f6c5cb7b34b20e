"""addr and addrv2.

The addr example is that of the Bitcoin Wiki's protocol page; the three-entry streams are those of
Bitcoin Core's unit tests of its network addresses.
"""

from __future__ import annotations

import pytest

from axon.errors import DecodeError
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.wire.messages.addresses import MAX_ADDRESSES, Addr, AddrV2, GetAddr
from axon.wire.messages.limits import OverLimit

ONE = bytes.fromhex("e215104d010000000000000000000000000000000000ffff0a000001208d")
LOOPBACK = "00000000000000000000000000000001"
V1_STREAM = bytes.fromhex(
    f"0361bc66490000000000000000{LOOPBACK}0000"
    f"796276830100000000000000{LOOPBACK}00f1"
    f"ffffffff4804000000000000{LOOPBACK}f1f2"
)
V2_STREAM = bytes.fromhex(
    f"0361bc6649000210{LOOPBACK}000079627683010210{LOOPBACK}00f1fffffffffd48040210{LOOPBACK}f1f2"
)
STREAMED = (
    TimedAddress(0x4966BC61, 0, NetAddress.from_text("::1", 0)),
    TimedAddress(0x83766279, 1, NetAddress.from_text("::1", 0xF1)),
    TimedAddress(0xFFFFFFFF, 0x448, NetAddress.from_text("::1", 0xF1F2)),
)


def test_addr_example() -> None:
    entry = TimedAddress(1292899810, 1, NetAddress.from_text("10.0.0.1", 8333))
    assert Addr.decode(b"\x01" + ONE) == Addr((entry,))
    assert Addr((entry,)).encode() == b"\x01" + ONE


def test_streams() -> None:
    assert Addr.decode(V1_STREAM) == Addr(STREAMED)
    assert Addr(STREAMED).encode() == V1_STREAM
    assert AddrV2.decode(V2_STREAM) == AddrV2(STREAMED)
    assert AddrV2(STREAMED).encode() == V2_STREAM


@pytest.mark.parametrize(("kind", "stream"), [(Addr, V1_STREAM), (AddrV2, V2_STREAM)])
def test_every_cut_is_noticed(kind: type[Addr | AddrV2], stream: bytes) -> None:
    for size in range(len(stream)):
        with pytest.raises(DecodeError):
            kind.decode(stream[:size])


def test_an_address_of_an_unknown_network_costs_only_itself() -> None:
    unknown = bytes.fromhex("61bc664900aa03010203208d")
    known = STREAMED[1].encode_v2()
    assert AddrV2.decode(b"\x03" + unknown + known + unknown) == AddrV2((STREAMED[1],))


def test_a_wrong_size_costs_the_whole_message() -> None:
    with pytest.raises(DecodeError):
        AddrV2.decode(b"\x02" + STREAMED[0].encode_v2() + bytes.fromhex("61bc6649000103010203208d"))


def test_a_thousand_is_the_most() -> None:
    entries = STREAMED[:1] * MAX_ADDRESSES
    assert len(Addr.decode(Addr(entries).encode()).addresses) == 1000
    assert len(AddrV2.decode(AddrV2(entries).encode()).addresses) == 1000
    one_more = (*entries, STREAMED[1])
    with pytest.raises(OverLimit):
        Addr.decode(Addr(one_more).encode())
    with pytest.raises(OverLimit):
        AddrV2.decode(AddrV2(one_more).encode())


def test_those_that_are_skipped_count() -> None:
    unknown = bytes.fromhex("61bc664900aa00208d")
    assert AddrV2.decode(b"\xfd\xe8\x03" + unknown * 1000) == AddrV2(())
    with pytest.raises(OverLimit):
        AddrV2.decode(b"\xfd\xe9\x03" + unknown * 1001)


def test_getaddr_has_no_payload() -> None:
    assert GetAddr().encode() == b""
    assert GetAddr.command == "getaddr"
