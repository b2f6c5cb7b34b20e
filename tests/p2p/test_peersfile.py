"""`peers.dat` and `anchors.dat`: what is written is read, and damage says what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.p2p.peersfile import (
    AddressRecord,
    decode_anchors,
    decode_peers,
    encode_anchors,
    encode_peers,
)
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import sha256
from axon.primitives.netaddress import NetAddress
from tests.p2p.examples import ip
from tests.strategies import net_addresses, u16, u32, u64

RECORDS = st.builds(
    AddressRecord,
    address=net_addresses(),
    source=net_addresses(),
    services=u64(),
    time_s=u32(),
    last_try_s=u32(),
    last_success_s=u32(),
    attempts=u32(),
    tried=st.booleans(),
    buckets=st.lists(u16(), max_size=8).map(tuple),
)
KEY = bytes(range(16))
RECORD = AddressRecord(ip("1.2.3.4"), ip("5.6.7.8"), 9, 1, 2, 3, 4, False, (5,))


@given(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
    st.lists(RECORDS, max_size=5),
)
def test_peers_are_read_as_written(key: bytes, asmap: bytes, records: list[AddressRecord]) -> None:
    written = encode_peers(key, len(records), records, asmap)
    assert decode_peers(written) == (key, asmap, records)


def test_a_file_of_the_first_version_knows_no_map() -> None:
    newer = encode_peers(KEY, 1, [RECORD])
    older = sealed(b"axonpeer\x01" + KEY + newer[9 + 16 + 32 : -32])
    assert decode_peers(older) == (KEY, bytes(32), [RECORD])


@given(st.lists(net_addresses(), max_size=4))
def test_at_most_two_anchors_are_kept(anchors: list[NetAddress]) -> None:
    assert decode_anchors(encode_anchors(anchors)) == anchors[:2]


@given(st.integers(0), st.integers(1, 255))
def test_any_flipped_byte_is_noticed_and_the_way_out_named(place: int, flip: int) -> None:
    data = bytearray(encode_peers(KEY, 1, [RECORD]))
    data[place % len(data)] ^= flip
    with pytest.raises(DecodeError, match=r"delete peers\.dat"):
        decode_peers(bytes(data))


@given(st.integers(0))
def test_a_cut_file_is_noticed(length: int) -> None:
    data = encode_peers(KEY, 1, [RECORD])
    with pytest.raises(DecodeError, match=r"peers\.dat"):
        decode_peers(data[: length % len(data)])


def test_the_files_are_not_mistaken_for_each_other() -> None:
    with pytest.raises(DecodeError, match=r"anchors\.dat"):
        decode_anchors(encode_peers(KEY, 0, []))


def sealed(content: bytes) -> bytes:
    """Someone who meant harm would get the checksum right."""
    return content + sha256(content)


@given(st.binary(max_size=120))
def test_well_sealed_nonsense_is_refused(body: bytes) -> None:
    try:
        decode_peers(sealed(b"axonpeer\x02" + body))
    except DecodeError:
        return
    assert len(body) >= 49


def test_a_later_version_is_refused() -> None:
    with pytest.raises(DecodeError, match="of version 2"):
        decode_peers(sealed(b"axonpeer\x03" + KEY + bytes(33)))


def test_more_buckets_than_an_address_can_have_are_refused() -> None:
    data = encode_peers(
        KEY, 1, [AddressRecord(ip("1.2.3.4"), ip("1.2.3.4"), 0, 0, 0, 0, 0, False, ())]
    )
    body = bytearray(data[:-32])
    body[-1] = 9
    with pytest.raises(DecodeError, match="at most 8 buckets"):
        decode_peers(sealed(bytes(body)))


def test_an_address_of_an_unknown_network_is_refused() -> None:
    body = b"axonanch\x01\x01" + b"\x63\x04\x01\x02\x03\x04\x20\x8d"
    with pytest.raises(DecodeError, match="known network"):
        decode_anchors(sealed(body))


@pytest.mark.parametrize(("count", "expected"), [(81_920, "one byte"), (81_921, "at most 81920")])
def test_no_more_records_than_the_tables_have_places(count: int, expected: str) -> None:
    content = encode_peers(KEY, 0, [])[:-33] + compact_size(count)
    with pytest.raises(DecodeError, match=expected):
        decode_peers(content + sha256(content))
