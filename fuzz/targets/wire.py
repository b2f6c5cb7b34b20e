"""Messages and the streams that carry them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, get_args

from axon.errors import DecodeError
from axon.primitives.network import REGTEST
from axon.wire.messages import Message, Unknown
from axon.wire.registry import decode_message
from axon.wire.transport import MAX_PAYLOAD_SIZE, Corrupt, Frame
from axon.wire.v1 import HEADER_SIZE, V1Transport
from fuzz.source import Source


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


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    **{f"message-{kind.command}": partial(message, kind) for kind in get_args(Message)},
    "v1-stream": v1_stream,
    "v1-messages": v1_messages,
}
