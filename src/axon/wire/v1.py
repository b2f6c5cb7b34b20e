"""The first transport: each message in the clear behind a header of 24 bytes.

The header is the network's magic (4 bytes), the name padded with zeros (12), the payload's size (4,
little-endian) and the first 4 bytes of the payload's sha256d. A wrong magic or size means that the
stream cannot be followed any longer; a wrong checksum or name costs only the message.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from struct import Struct
from typing import ClassVar, Final

from axon.errors import DecodeError
from axon.primitives.hashes import sha256d
from axon.wire.transport import MAX_COMMAND_SIZE, MAX_PAYLOAD_SIZE, Corrupt, Frame

HEADER_SIZE: Final = 24
"""Bytes before each payload."""

MERGED_BYTES: Final = 2_048
"""A piece shorter than this grows by the next one: each piece costs an object, and a peer that
sends byte by byte must not make us keep fifty bytes for each."""

_HEADER: Final = Struct("<4s12sI4s")
_SIZE_OFFSET: Final = 16


class V1Transport:
    """Frames of the first transport.

    header --24 bytes--> payload --as many as announced--> header

    Bytes wait as they came, in pieces, until somebody wants the next frame; a payload is then cut
    by one copy. What a peer only announces costs us nothing.

    Args:
        magic: the network's 4 bytes.
    """

    name: ClassVar[str] = "v1"

    def __init__(self, magic: bytes) -> None:
        self._magic = magic
        self._pieces: deque[bytes] = deque()
        self._start = 0  # Where in the first piece the bytes begin that wait.
        self._held = 0
        self._header: tuple[bytes, int, bytes] | None = None  # Name, size, checksum.

    @property
    def held_bytes(self) -> int:
        """How many bytes wait to be cut."""
        return self._held

    @property
    def has_next(self) -> bool:
        """Whether `next_frame` has something to do: it gives a frame, reads a header, or raises."""
        return self._held >= (HEADER_SIZE if self._header is None else self._header[1])

    @property
    def next_bytes(self) -> int:
        """How much the next frame takes on the wire, by its header; 0 while that is not there."""
        if self._header is not None:
            return HEADER_SIZE + self._header[1]
        if self._held < HEADER_SIZE:
            return 0
        at = self._start + _SIZE_OFFSET
        size = self._pieces[0][at : at + 4]  # Where it is cut, the rest of it is not worth a look.
        return HEADER_SIZE + int.from_bytes(size, "little")

    def put(self, data: bytes) -> None:
        """Take in bytes, cut anywhere."""
        pieces = self._pieces
        if pieces and len(pieces[-1]) < MERGED_BYTES:
            pieces[-1] += data
        else:
            pieces.append(data)
        self._held += len(data)

    def next_frame(self) -> Frame | Corrupt | None:
        """The next frame; None if its end has not come yet.

        Raises:
            DecodeError: another network's magic, or a payload above 4,000,000 bytes.
        """
        header = self._header
        if header is None:
            if self._held < HEADER_SIZE:
                return None
            header = self._header = self._read_header(self._cut(HEADER_SIZE))
        if self._held < header[1]:
            return None
        self._header = None
        return _frame(*header, self._cut(header[1]))

    def received(self, data: bytes) -> list[Frame | Corrupt]:
        """Take in bytes, cut anywhere; what they completed, in order.

        Raises:
            DecodeError: as `next_frame`.
        """
        self.put(data)
        frames: list[Frame | Corrupt] = []
        while (frame := self.next_frame()) is not None:
            frames.append(frame)
        return frames

    def _cut(self, size: int) -> bytes:
        """The next so many bytes, which are there."""
        self._held -= size
        pieces, begin = self._pieces, self._start
        if not size:
            return b""
        first, end = pieces[0], begin + size
        if end < len(first):  # Most frames lie within one piece,
            self._start = end
            return first[begin:end]
        if end == len(first):  # or are one.
            pieces.popleft()
            self._start = 0
            return first[begin:]
        parts = [first[begin:] if begin else first]
        size -= len(parts[0])
        pieces.popleft()
        while size and size >= len(pieces[0]):
            size -= len(pieces[0])
            parts.append(pieces.popleft())
        if size:
            parts.append(pieces[0][:size])
        self._start = size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_header(self, header: bytes) -> tuple[bytes, int, bytes]:
        magic, name, size, checksum = _HEADER.unpack(header)
        if magic != self._magic:
            raise DecodeError(f"the network's magic {self._magic.hex()}, not {magic.hex()}", 0)
        if size > MAX_PAYLOAD_SIZE:
            raise DecodeError(f"a payload of at most {MAX_PAYLOAD_SIZE} bytes, not {size}", 16)
        return name, size, checksum

    def encode(self, command: str, payload: bytes) -> bytes:
        """The frame of a message.

        Args:
            command: its name, at most 12 ASCII characters.
            payload: at most 4,000,000 bytes.
        """
        name = command.encode("ascii")
        assert len(name) <= MAX_COMMAND_SIZE, "a message has a name of at most 12 bytes"
        assert len(payload) <= MAX_PAYLOAD_SIZE, "a message has at most 4,000,000 bytes"
        return _HEADER.pack(self._magic, name, len(payload), sha256d(payload)[:4]) + payload


def _frame(name: bytes, size: int, checksum: bytes, payload: bytes) -> Frame | Corrupt:
    size_bytes = HEADER_SIZE + size
    if sha256d(payload)[:4] != checksum:
        return Corrupt("wrong checksum", size_bytes)
    command = read_command(name)
    if command is None:
        return Corrupt("invalid message type", size_bytes)
    return Frame(command, payload, size_bytes)


@lru_cache(64)  # They are few, unless somebody makes them up.
def read_command(name: bytes) -> str | None:
    """The name in 12 bytes; None if it is not printable ASCII with zeros behind it and none inside.

    BIP 324 writes names in the same way.
    """
    stripped = name.rstrip(b"\x00")
    if not stripped.isascii():
        return None
    command = stripped.decode("ascii")
    return command if command.isprintable() else None
