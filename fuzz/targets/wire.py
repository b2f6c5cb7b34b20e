"""Messages and the streams that carry them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import Final, get_args

from axon.errors import DecodeError
from axon.primitives.network import REGTEST
from axon.wire.detection import Detection
from axon.wire.messages import Message, Unknown
from axon.wire.registry import decode_message
from axon.wire.transport import MAX_PAYLOAD_SIZE, Corrupt, Frame, NoMessage, Transport
from axon.wire.v1 import HEADER_SIZE, VERSION_NAME, V1Transport
from axon.wire.v2 import MAX_GARBAGE_SIZE, V1_PREFIX_SIZE, V2Transport
from axon.wire.v2names import encode_name
from axon.wire.v2packets import EXPANSION, REKEY_INTERVAL
from fuzz.source import Source
from tests.v2peer import HandMadePeer


def message(kind: type[Message], data: bytes) -> None:
    """A payload under one name: what was read is written, and read again, as the same value."""
    try:
        read = kind.decode(data)
    except DecodeError:
        return
    assert isinstance(read, kind)
    written = read.encode()
    assert len(written) <= MAX_PAYLOAD_SIZE
    assert kind.decode(written) == read
    assert decode_message(kind.command, data) == read


def v1_stream(data: bytes) -> None:
    """A stream gives the same frames wherever it is cut, and ends at the same fault."""
    source = Source(data)
    cuts = [1 + source.number(1) for _ in range(8)]
    stream = source.rest()
    whole = _frames(V1Transport(REGTEST.magic), [stream])
    pieces: list[bytes] = []
    at = 0
    while at < len(stream):
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(stream[at : at + size])
        at += size
    cut = _frames(V1Transport(REGTEST.magic), pieces)
    assert cut[0][: len(whole[0])] == whole[0]
    assert cut[1] == whole[1]
    for frame in cut[0]:
        if isinstance(frame, Frame):
            with suppress(DecodeError):
                read = decode_message(frame.command, frame.payload)
                assert isinstance(read, Unknown) or read.command == frame.command
            again = V1Transport(REGTEST.magic).encode(frame.command, frame.payload)
            assert V1Transport(REGTEST.magic).received(again) == [frame]


def _frames(transport: V1Transport, pieces: list[bytes]) -> tuple[list[Frame | Corrupt], bool]:
    """What came of a stream, and whether it ended in a fault."""
    frames: list[Frame | Corrupt] = []
    for piece in pieces:
        try:
            frames += transport.received(piece)
        except DecodeError:
            return frames, True
        assert transport.held_bytes <= HEADER_SIZE + MAX_PAYLOAD_SIZE
    return frames, False


def v1_messages(data: bytes) -> None:
    """Frames of our own, with any name and payload, come out as they went in."""
    source = Source(data)
    transport, heard = V1Transport(REGTEST.magic), V1Transport(REGTEST.magic)
    while not source.is_empty:
        name = bytes(33 + byte % 94 for byte in source.take(source.below(13))).decode()
        payload = source.piece()
        frames = heard.received(transport.encode(name, payload))
        assert frames == [Frame(name, payload, HEADER_SIZE + len(payload))]
        assert heard.held_bytes == 0


class _Dialogue:
    """A transport of ours, and a peer that may do anything with it.

    Args:
        source: draws how the peer's bytes are cut.
        transport: ours.
    """

    def __init__(self, source: Source, transport: Transport) -> None:
        self._source = source
        self._cuts = [1 + source.number(1) for _ in range(4)]
        self.transport = transport
        self.frames: list[Frame | Corrupt | NoMessage] = []
        self.has_ended = False

    def hear(self, stream: bytes) -> None:
        """Bytes of the peer; nothing but a `DecodeError` comes out, and that is the end."""
        at, turn = 0, 0
        while at < len(stream) and not self.has_ended:
            size = self._cuts[turn % len(self._cuts)]
            self._take(stream[at : at + size])
            at, turn = at + size, turn + 1

    def _take(self, piece: bytes) -> None:
        before = self.transport.held_bytes
        self.transport.put(piece)
        assert self.transport.held_bytes == before + len(piece)
        try:
            while self.transport.has_next:
                frame = self.transport.next_frame()
                if frame is not None:
                    self.frames.append(frame)
                self.transport = self.transport.settled
        except DecodeError:
            self.has_ended = True
        if self.transport.name == "v2":
            assert len(self.transport.session_id) == 32


def v2_stream(data: bytes) -> None:
    """A peer on the encrypted transport, from either side: what it says is what is understood.

    Up to its first fault; then nothing more is.
    """
    source = Source(data)
    initiating = source.flag()
    garbage = source.piece() * (1 + source.below(20))
    hand = HandMadePeer(REGTEST.magic, initiating=not initiating, garbage=garbage)
    ours = Random(source.number(1))
    transport: Transport = Detection(REGTEST.magic, ours)
    if initiating:
        transport = V2Transport(REGTEST.magic, ours, initiating=True)
        hand.agree(transport.take_output())
    talk = _Dialogue(source, transport)
    talk.hear(hand.hello)
    if not initiating:
        hand.agree(talk.transport.take_output())
    assert talk.transport.can_send
    expected: list[Frame | NoMessage] = [NoMessage(EXPANSION)]
    fits = len(garbage) <= MAX_GARBAGE_SIZE
    talk.hear(hand.proof())
    assert talk.has_ended is not fits
    while fits and not source.is_empty:
        fits = _say(source, hand, talk, expected)
        assert talk.frames == expected[: len(talk.frames)]
        assert talk.has_ended or talk.frames == expected or not fits


def _say(
    source: Source, hand: HandMadePeer, talk: _Dialogue, expected: list[Frame | NoMessage]
) -> bool:
    """One packet more, or bytes that are none: then it is the end of sense."""
    match source.below(5):
        case 0 | 1:
            name = bytes(33 + byte % 94 for byte in source.take(source.below(13))).decode()
            payload = source.piece()
            contents = encode_name(name) + payload
            expected.append(Frame(name, payload, len(contents) + EXPANSION))
            talk.hear(hand.packet(contents))
        case 2:
            size = source.number(1)
            expected.append(NoMessage(size + EXPANSION))
            talk.hear(hand.decoy(size))
        case 3:
            for _ in range(REKEY_INTERVAL):
                expected.append(NoMessage(EXPANSION))
                talk.hear(hand.decoy(0))
        case _:
            talk.hear(source.rest())
            return False
    return True


def v2_detection(data: bytes) -> None:
    """Any bytes of somebody who dials us; at most so much of them is kept as came."""
    source = Source(data)
    talk = _Dialogue(source, Detection(REGTEST.magic, Random(source.number(1))))
    stream = source.rest()
    talk.hear(stream)
    assert talk.transport.held_bytes <= len(stream)
    looks_old = stream[:V1_PREFIX_SIZE] == (REGTEST.magic + VERSION_NAME)[: len(stream)]
    if looks_old:
        assert talk.transport.name == ("v1" if len(stream) >= V1_PREFIX_SIZE else "detecting")
    else:
        assert talk.transport.name == "detecting"  # Nobody finds our keys by chance.


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    **{f"message-{kind.command}": partial(message, kind) for kind in get_args(Message)},
    "v1-stream": v1_stream,
    "v1-messages": v1_messages,
    "v2-stream": v2_stream,
    "v2-detection": v2_detection,
}
