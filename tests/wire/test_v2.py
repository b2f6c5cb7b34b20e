"""The encrypted transport: the vectors of BIP 324, and two sides joined by their bytes."""

from __future__ import annotations

import csv
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.ellswift import ellswift_shared_secret
from axon.wire.detection import Detection
from axon.wire.messages import Ping, Verack
from axon.wire.transport import MAX_PAYLOAD_SIZE, Corrupt, Frame, NoMessage, Transport
from axon.wire.v1 import VERSION_NAME, V1Transport
from axon.wire.v2 import MAX_CONTENTS_SIZE, MAX_GARBAGE_SIZE, V1_PREFIX_SIZE, V2Transport
from axon.wire.v2names import SHORT_NAMES, decode_name, encode_name
from axon.wire.v2packets import (
    EXPANSION,
    IGNORE,
    LENGTH_SIZE,
    REKEY_INTERVAL,
    TERMINATOR_SIZE,
    PacketOpener,
    PacketSealer,
    derive_keys,
)
from tests.v2peer import HandMadePeer

MAGIC = bytes.fromhex("f9beb4d9")
REGTEST_MAGIC = bytes.fromhex("fabfb5da")
VECTORS = Path(__file__).parent.parent / "vectors" / "bip324" / "packet_encoding_test_vectors.csv"
ROWS = list(csv.DictReader(VECTORS.read_text().splitlines()))


Frames = list[Frame | Corrupt | NoMessage]


def met(garbage: bytes = b"") -> tuple[HandMadePeer, V2Transport]:
    """A peer of ours that has dialled a transport: both have the keys, neither has proved it."""
    peer = HandMadePeer(MAGIC, initiating=True, garbage=garbage)
    heard = V2Transport(MAGIC, Random(2), initiating=False)
    heard.received(peer.hello)
    peer.agree(heard.take_output())
    return peer, heard


def joined(seed: int = 1) -> tuple[V2Transport, V2Transport]:
    """Two sides that have agreed on keys and versions."""
    first = V2Transport(MAGIC, Random(seed), initiating=True)
    second = V2Transport(MAGIC, Random(seed + 1000), initiating=False)
    second.received(first.take_output())
    first.received(second.take_output())
    second.received(first.take_output())
    assert first.name == second.name == "v2"
    return first, second


def refused(transport: Transport, data: bytes) -> str:
    """What is said of bytes that end a connection."""
    with pytest.raises(DecodeError) as raised:
        transport.received(data)
    return str(raised.value)


@pytest.mark.parametrize("row", ROWS, ids=[row["in_idx"] for row in ROWS])
def test_vectors(row: dict[str, str]) -> None:
    """Keys, terminators, session and the packet with a number: as BIP 324 has them."""
    initiating = row["in_initiating"] == "1"
    shared = ellswift_shared_secret(
        bytes.fromhex(row["in_priv_ours"]),
        bytes.fromhex(row["in_ellswift_ours"]),
        bytes.fromhex(row["in_ellswift_theirs"]),
        initiating=initiating,
    )
    keys = derive_keys(shared, MAGIC)
    assert keys.initiator.length.hex() == row["mid_initiator_l"]
    assert keys.initiator.packet.hex() == row["mid_initiator_p"]
    assert keys.responder.length.hex() == row["mid_responder_l"]
    assert keys.responder.packet.hex() == row["mid_responder_p"]
    assert keys.session_id.hex() == row["out_session_id"]
    own, theirs = keys.initiator, keys.responder
    if not initiating:
        own, theirs = theirs, own
    assert own.terminator.hex() == row["mid_send_garbage_terminator"]
    assert theirs.terminator.hex() == row["mid_recv_garbage_terminator"]
    sealer, opener = PacketSealer(own), PacketOpener(own)
    contents = bytes.fromhex(row["in_contents"]) * int(row["in_multiply"])
    aad = bytes.fromhex(row["in_aad"])
    for _ in range(int(row["in_idx"])):
        blank = sealer.seal(b"\x00")
        assert opener.length(blank[:LENGTH_SIZE]) == 0
        assert opener.open(blank[LENGTH_SIZE:]) == b"\x00"
    plain = bytes((IGNORE if row["in_ignore"] == "1" else 0,)) + contents
    packet = sealer.seal(plain, aad)
    if row["out_ciphertext"]:
        assert packet.hex() == row["out_ciphertext"]
    assert packet.hex().endswith(row["out_ciphertext_endswith"])
    assert opener.length(packet[:LENGTH_SIZE]) == len(contents)
    assert opener.open(packet[LENGTH_SIZE:], aad) == plain


def test_names() -> None:
    assert encode_name("addr") == b"\x01"
    assert encode_name("addrv2") == b"\x1c"
    assert encode_name("feature") == b"\x25"
    assert encode_name("version") == b"\x00version\x00\x00\x00\x00\x00"
    assert len(SHORT_NAMES) == 29
    for number, name in SHORT_NAMES.items():
        assert decode_name(bytes((0, number, 9)), 1) == (name, 2)
        assert encode_name(name) == bytes((number,))
    for name in ("version", "verack", "twelve-chars"):
        assert decode_name(encode_name(name), 0) == (name, 13)


@pytest.mark.parametrize(
    "contents",
    [b"", b"\x1d", b"\x26rest", b"\xff", b"\x00version", b"\x00ver\x00ion\x00\x00\x00\x00\x00"],
    ids=["empty", "unassigned", "unassigned, with more", "last", "cut", "zero inside"],
)
def test_what_names_no_message_costs_only_itself(contents: bytes) -> None:
    peer, heard = met()
    heard.received(peer.proof())
    assert heard.received(peer.packet(contents) + peer.say(Verack())) == [
        Corrupt("invalid message type", len(contents) + EXPANSION),
        Frame("verack", b"", 13 + EXPANSION),
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.data())
def test_messages_both_ways_wherever_they_are_cut(seed: int, data: st.DataObject) -> None:
    """Also through keys made anew, as both sides count packets."""
    first, second = joined(seed)
    sizes = data.draw(st.lists(st.integers(0, 3_000), max_size=4))
    many = data.draw(st.sampled_from([0, REKEY_INTERVAL - 2, 3 * REKEY_INTERVAL]))
    sent = [("ping", bytes(8))] * many + [("tx", bytes(size)) for size in sizes]
    for near, far in ((first, second), (second, first)):
        stream = b"".join(near.encode(name, payload) for name, payload in sent)
        cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
        frames = []
        for start, end in pairwise([0, *sorted(cuts), len(stream)]):
            frames += far.received(stream[start:end])
        assert frames == [
            Frame(name, payload, 1 + len(payload) + EXPANSION) for name, payload in sent
        ]
        assert far.held_bytes == 0


@pytest.mark.parametrize("initiating", [False, True])
def test_byte_by_byte(initiating: bool) -> None:
    near = V2Transport(MAGIC, Random(3), initiating=initiating)
    far = V2Transport(MAGIC, Random(4), initiating=not initiating)
    for _ in range(3):
        for source, sink in ((near, far), (far, near)):
            for byte in source.take_output():
                sink.received(bytes((byte,)))
    assert near.name == far.name == "v2"
    assert near.session_id == far.session_id
    assert len(near.session_id) == 32


def test_no_session_before_the_peer_has_proved_its_keys() -> None:
    peer, heard = met()
    assert (heard.name, heard.session_id) == ("detecting", b"")
    assert heard.can_send
    heard.received(peer.proof())
    assert heard.name == "v2"
    assert heard.session_id == peer.session_id


def test_our_own_proof_and_our_messages() -> None:
    """What the transport says, read by somebody who is not it."""
    peer = HandMadePeer(MAGIC, initiating=False)
    spoken = V2Transport(MAGIC, Random(2), initiating=True)
    assert peer.received(spoken.take_output()) == []
    assert not spoken.can_send
    spoken.received(peer.hello)
    assert peer.received(spoken.take_output()) == []
    assert peer.heard_version
    sent = [("ping", bytes(8)), ("verack", b""), ("tx", bytes(300))]
    stream = b"".join(spoken.encode(name, payload) for name, payload in sent)
    frames = peer.received(stream)
    assert [(frame.command, frame.payload) for frame in frames] == sent
    assert [frame.size_bytes for frame in frames] == [9 + 20, 13 + 20, 301 + 20]
    assert spoken.take_output() == b""


def test_garbage_has_another_length_each_time() -> None:
    sizes = [
        len(V2Transport(MAGIC, Random(seed), initiating=True).take_output()) - 64
        for seed in range(40)
    ]
    assert len(set(sizes)) > 30
    assert 0 <= min(sizes) < 500 < 3_500 < max(sizes) <= MAX_GARBAGE_SIZE


@pytest.mark.parametrize("size", [0, 1, 15, 16, MAX_GARBAGE_SIZE])
def test_garbage_of_every_size(size: int) -> None:
    peer, heard = met(garbage=b"\x55" * size)
    assert heard.held_bytes == size
    frames = heard.received(peer.proof() + peer.say(Ping(0)))
    assert frames == [NoMessage(EXPANSION), Frame("ping", bytes(8), 9 + EXPANSION)]
    assert heard.held_bytes == 0


def test_garbage_that_is_almost_a_terminator() -> None:
    peer, heard = met()
    peer.garbage = peer.terminator[:-1] + b"\x00" + peer.terminator[:-1]
    if peer.terminator[0] == 0:
        peer.garbage += b"\x01"
    stream = peer.garbage + peer.proof()
    for byte in stream:
        heard.received(bytes((byte,)))
    assert heard.name == "v2"


def test_too_much_garbage() -> None:
    peer, heard = met()
    heard.received(bytes(MAX_GARBAGE_SIZE + TERMINATOR_SIZE - 1))
    assert heard.held_bytes == MAX_GARBAGE_SIZE + TERMINATOR_SIZE - 1
    assert "at most 4095 bytes of garbage" in refused(heard, b"\x00")
    peer, heard = met(garbage=bytes(MAX_GARBAGE_SIZE + 1))
    assert "at most 4095 bytes of garbage" in refused(heard, peer.proof())


@pytest.mark.parametrize("place", [0, 63])
def test_garbage_is_vouched_for(place: int) -> None:
    peer = HandMadePeer(MAGIC, initiating=True, garbage=bytes(64))
    heard = V2Transport(MAGIC, Random(2), initiating=False)
    hello = bytearray(peer.hello)
    hello[64 + place] ^= 1  # By somebody on the way.
    heard.received(bytes(hello))
    peer.agree(heard.take_output())
    assert refused(heard, peer.proof()).startswith("expected a packet sealed")


def test_decoys_before_and_after_the_version_packet() -> None:
    peer, heard = met(garbage=b"noise")
    stream = peer.terminator + peer.decoy(5, aad=b"noise") + peer.decoy(0)
    assert heard.received(stream) == [NoMessage(5 + EXPANSION), NoMessage(EXPANSION)]
    assert heard.name == "detecting"
    assert heard.received(peer.packet(b"of a later time")) == [NoMessage(15 + EXPANSION)]
    assert heard.name == "v2"
    decoy = peer.packet(encode_name("ping") + bytes(8), IGNORE | 3)
    assert heard.received(decoy) == [NoMessage(9 + EXPANSION)]
    # Bits of the header that nobody has given a meaning are none.
    assert heard.received(peer.packet(encode_name("verack"), 0x7F)) == [
        Frame("verack", b"", 13 + EXPANSION)
    ]


def test_only_the_first_packet_vouches_for_the_garbage() -> None:
    peer, heard = met(garbage=b"noise")
    stream = peer.terminator + peer.decoy(5, aad=b"noise")
    heard.received(stream)
    assert refused(heard, peer.packet(aad=b"noise")).startswith("expected a packet sealed")


def test_the_longest_packet_and_one_that_is_longer() -> None:
    peer, heard = met()
    heard.received(peer.proof())
    payload = bytes(MAX_PAYLOAD_SIZE)
    (frame,) = heard.received(peer.packet(encode_name("twelve-chars") + payload))
    assert isinstance(frame, Frame)
    assert frame.payload == payload
    packet = peer.packet(bytes(MAX_CONTENTS_SIZE + 1))
    heard.put(packet[:LENGTH_SIZE])  # Before a byte of it is kept.
    assert heard.has_next
    assert "at most 4000013 bytes" in refused(heard, b"")


def test_all_that_comes_counts_as_held_until_it_is_handled() -> None:
    """Whoever sums up what peers make a node hold (`node/reception`) goes by it."""
    peer = HandMadePeer(MAGIC, initiating=True, garbage=bytes(300))
    heard = V2Transport(MAGIC, Random(2), initiating=False)
    hand_over = [peer.hello]
    held = 0
    for turn in range(40):
        if turn == 1:
            peer.agree(heard.take_output())
            hand_over = [peer.proof(), *(peer.say(Ping(each), Verack()) for each in range(30))]
        stream = b"".join(hand_over)
        hand_over = []
        for start in range(0, len(stream), 7):
            piece = stream[start : start + 7]
            heard.put(piece)
            held += len(piece)
            assert heard.held_bytes == held
            while heard.has_next:
                heard.next_frame()
            held = heard.held_bytes
    assert held == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 199), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, change: int) -> None:
    first, second = joined()
    packet = bytearray(first.encode("tx", bytes(200 - 1 - EXPANSION)))
    packet[at] ^= change
    try:
        frames = second.received(bytes(packet))
    except DecodeError:
        return
    assert frames == []  # Its length was made longer, and what follows would not fit.
    assert at < LENGTH_SIZE


def test_what_waits_is_said_for_the_order_of_turns() -> None:
    first, second = joined()
    packet = first.encode("tx", bytes(100))
    assert (second.next_bytes, second.has_next) == (0, False)
    second.put(packet[:LENGTH_SIZE])
    assert (second.next_bytes, second.has_next) == (len(packet), False)
    second.put(packet[LENGTH_SIZE:] + packet[:1])
    assert second.has_next
    assert second.held_bytes == len(packet) + 1


def test_another_network() -> None:
    """Keys differ by network; whoever speaks the first transport there is told apart early."""
    heard = V2Transport(REGTEST_MAGIC, Random(2), initiating=False)
    peer = HandMadePeer(MAGIC, initiating=True)
    heard.received(peer.hello)
    peer.agree(heard.take_output())
    heard.received(peer.proof())
    assert heard.name == "detecting"  # It waits for a terminator that will not come.
    stranger = V1Transport(REGTEST_MAGIC).encode("version", bytes(80))
    detection = Detection(MAGIC, Random(1))
    detection.received(stranger)
    assert refused(detection.settled, b"") == "expected a key, or our network's magic at byte 0"


class TestDetection:
    """Whoever dials us begins with one of two transports."""

    def test_the_first_transport(self) -> None:
        stream = V1Transport(MAGIC).encode("version", bytes(90))
        for cut in range(len(stream)):
            detection = Detection(MAGIC, Random(1))
            assert detection.received(stream[:cut]) == []
            settled = detection.settled
            assert settled.name == ("v1" if cut >= V1_PREFIX_SIZE else "detecting")
            assert settled.held_bytes == cut
            frames = settled.received(stream[cut:])
            if settled is detection:
                frames = detection.settled.received(b"")
            assert frames == [Frame("version", bytes(90), 114)]
            assert detection.take_output() == b""

    def test_the_encrypted_transport(self) -> None:
        detection = Detection(MAGIC, Random(1))
        peer = HandMadePeer(MAGIC, initiating=True, garbage=b"abc")
        detection.received(peer.hello)
        detection.settled.received(b"")
        peer.agree(detection.settled.take_output())
        detection.settled.received(peer.proof())
        assert detection.settled.name == "v2"
        assert detection.settled.session_id == peer.session_id

    @pytest.mark.parametrize("size", range(1, V1_PREFIX_SIZE + 1))
    def test_the_answer_comes_with_the_first_byte_that_differs(self, size: int) -> None:
        start = bytearray((MAGIC + VERSION_NAME)[:size])
        start[-1] ^= 0xFF
        detection = Detection(MAGIC, Random(1))
        detection.received(bytes(start[:-1]))
        assert not detection.settled.take_output()
        detection.received(bytes(start[-1:]))
        assert len(detection.settled.take_output()) >= 64
        assert detection.settled.held_bytes == size


def test_libraries_are_loaded_before_the_first_peer() -> None:
    program = """
import sys
from axon.wire.v2 import load_libraries
def there(): return [name in sys.modules for name in ("coincurve", "cryptography")]
print(there()); load_libraries(); print(there())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"[False, False]\n[True, True]\n"
