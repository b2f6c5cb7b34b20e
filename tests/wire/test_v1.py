"""The first transport: frames out of bytes that are cut anywhere.

The two frames spelled out are the examples of the Bitcoin Wiki's protocol page.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.hashes import sha256d
from axon.wire.messages import Message
from axon.wire.registry import decode_message
from axon.wire.transport import MAX_PAYLOAD_SIZE, Corrupt, Frame, Transport
from axon.wire.v1 import HEADER_SIZE, V1Transport, read_command
from tests.strategies import messages

MAGIC = bytes.fromhex("f9beb4d9")
VERACK = bytes.fromhex("f9beb4d976657261636b000000000000000000005df6e0e2")
ADDR_PAYLOAD = bytes.fromhex("01e215104d010000000000000000000000000000000000ffff0a000001208d")
ADDR = bytes.fromhex("f9beb4d96164647200000000000000001f000000ed52399b") + ADDR_PAYLOAD


def frame(
    name: bytes, payload: bytes, magic: bytes = MAGIC, checksum: bytes | None = None
) -> bytes:
    """A frame put together by hand, right or wrong."""
    right = sha256d(payload)[:4] if checksum is None else checksum
    return magic + name.ljust(12, b"\x00") + len(payload).to_bytes(4, "little") + right + payload


def feed(stream: bytes, cuts: list[int]) -> list[Frame | Corrupt]:
    """What a fresh transport makes of a stream that comes in pieces."""
    transport = V1Transport(MAGIC)
    frames: list[Frame | Corrupt] = []
    edges = [0, *sorted(cuts), len(stream)]
    for start, end in pairwise(edges):
        frames += transport.received(stream[start:end])
        assert transport.held_bytes <= MAX_PAYLOAD_SIZE
    return frames


def test_examples() -> None:
    transport: Transport = V1Transport(MAGIC)
    assert transport.encode("verack", b"") == VERACK
    assert transport.encode("addr", ADDR_PAYLOAD) == ADDR
    assert transport.received(VERACK + ADDR) == [
        Frame("verack", b"", 24),
        Frame("addr", ADDR_PAYLOAD, 55),
    ]


def test_byte_by_byte() -> None:
    stream = VERACK + ADDR + VERACK
    assert feed(stream, list(range(len(stream)))) == feed(stream, [])
    assert len(feed(stream, [])) == 3


@given(st.lists(messages(), max_size=5), st.data())
def test_a_stream_cut_anywhere_gives_the_same_messages(
    sent: list[Message], data: st.DataObject
) -> None:
    transport = V1Transport(MAGIC)
    stream = b"".join(transport.encode(each.command, each.encode()) for each in sent)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    frames = feed(stream, cuts)
    assert sum(each.size_bytes for each in frames) == len(stream)
    received = [
        decode_message(each.command, each.payload) for each in frames if isinstance(each, Frame)
    ]
    assert received == sent


FRAMES = st.one_of(
    st.binary(max_size=60),
    st.binary(max_size=60).map(lambda payload: frame(b"ping", payload)),
    st.binary(max_size=60).map(lambda payload: frame(b"ping", payload, checksum=b"1234")),
    st.binary(min_size=1, max_size=12).map(lambda name: frame(name, b"")),
)


@given(st.lists(FRAMES, max_size=4).map(b"".join), st.data())
def test_any_bytes_give_frames_or_a_decode_error(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=4))
    try:
        whole = feed(stream, [])
    except DecodeError:
        with pytest.raises(DecodeError):
            feed(stream, cuts)
        return
    assert feed(stream, cuts) == whole


def test_a_wrong_checksum_costs_only_the_message() -> None:
    damaged = ADDR[:-1] + b"\x00"
    corrupt, whole = feed(damaged + VERACK, [])
    assert corrupt == Corrupt("wrong checksum", 55)
    assert whole == Frame("verack", b"", 24)


@pytest.mark.parametrize(
    "name",
    [b"ping\x00x", b"\x00ping", b"pi\x1fng", b"ping\x7f", b"p\xc3\xafng", b"\xff" * 12],
)
def test_a_name_that_is_none_costs_only_the_message(name: bytes) -> None:
    assert feed(frame(name, b"") + VERACK, []) == [
        Corrupt("invalid message type", 24),
        Frame("verack", b"", 24),
    ]


def test_the_checksum_is_looked_at_before_the_name() -> None:
    assert feed(frame(b"\xff", b"x", checksum=bytes(4)), []) == [Corrupt("wrong checksum", 25)]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (bytes(12), ""),
        (b"abcdefghijkl", "abcdefghijkl"),
        (b"a b~".ljust(12, b"\x00"), "a b~"),
    ],
)
def test_names_are_up_to_12_printable_characters(name: bytes, command: str) -> None:
    assert read_command(name) == command


@pytest.mark.parametrize("magic", ["fabfb5da", "f9beb4d8", "00000000"])
def test_another_network_ends_the_connection(magic: str) -> None:
    transport = V1Transport(MAGIC)
    transport.received(VERACK)
    with pytest.raises(DecodeError, match="magic"):
        transport.received(frame(b"verack", b"", magic=bytes.fromhex(magic)))


def test_an_oversize_payload_ends_the_connection_before_it_comes() -> None:
    header = MAGIC + b"block".ljust(12, b"\x00")
    transport = V1Transport(MAGIC)
    with pytest.raises(DecodeError, match="4000000"):
        transport.received(header + (MAX_PAYLOAD_SIZE + 1).to_bytes(4, "little") + bytes(4))
    announced = V1Transport(MAGIC)
    assert announced.received(header + MAX_PAYLOAD_SIZE.to_bytes(4, "little") + bytes(4)) == []
    assert announced.held_bytes == 0  # What is only announced takes no memory.


@pytest.mark.parametrize("size", [1460, 65536, 1_000_000])
def test_the_largest_message_in_pieces(size: int) -> None:
    payload = bytes(range(250)) * (MAX_PAYLOAD_SIZE // 250)
    stream = V1Transport(MAGIC).encode("block", payload) + VERACK
    frames = feed(stream, list(range(0, len(stream), size)))
    assert [type(each) for each in frames] == [Frame, Frame]
    assert frames[0] == Frame("block", payload, HEADER_SIZE + MAX_PAYLOAD_SIZE)


def test_nothing_is_held_between_messages() -> None:
    transport = V1Transport(MAGIC)
    transport.received(ADDR[:30])
    assert transport.held_bytes == 30 - HEADER_SIZE
    transport.received(ADDR[30:])
    assert transport.held_bytes == 0
    transport.received(VERACK[:10])
    assert transport.held_bytes == 10


def test_what_comes_next_says_how_long_it_is() -> None:
    transport = V1Transport(MAGIC)
    transport.put(ADDR[:10])
    assert (transport.next_bytes, transport.has_next) == (0, False)
    transport.put(ADDR[10:30])
    assert (transport.next_bytes, transport.has_next) == (len(ADDR), True)
    assert transport.next_frame() is None
    assert (transport.next_bytes, transport.has_next) == (len(ADDR), False)
    transport.put(ADDR[30:] + VERACK)
    assert transport.next_frame() == Frame("addr", ADDR_PAYLOAD, len(ADDR))
    assert transport.next_bytes == HEADER_SIZE


def test_a_long_name_is_our_own_fault() -> None:
    with pytest.raises(AssertionError):
        V1Transport(MAGIC).encode("thirteenchars", b"")
