"""The first transport: each message in the clear behind a header of 24 bytes.

The header is the network's magic (4 bytes), the name padded with zeros (12), the payload's size (4,
little-endian) and the first 4 bytes of the payload's sha256d. A wrong magic or size means that the
stream cannot be followed any longer; a wrong checksum or name costs only the message.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import ClassVar, Final

from axon.errors import DecodeError
from axon.primitives.hashes import sha256d
from axon.wire.bytequeue import ByteQueue
from axon.wire.transport import (
    MAX_COMMAND_SIZE,
    MAX_PAYLOAD_SIZE,
    Corrupt,
    Frame,
    Transport,
)

HEADER_SIZE: Final = 24
"""Bytes before each payload."""

VERSION_NAME: Final = b"version".ljust(MAX_COMMAND_SIZE, b"\x00")
"""The name of the first message, as it stands in the header."""

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
    session_id: ClassVar[bytes] = b""
    can_send: ClassVar[bool] = True

    def __init__(self, magic: bytes) -> None:
        self._magic = magic
        self._bytes = ByteQueue()
        self._header: tuple[bytes, int, bytes] | None = None  # Name, size, checksum.

    @property
    def settled(self) -> Transport:
        """Itself."""
        return self

    @property
    def held_bytes(self) -> int:
        """How many bytes wait to be cut."""
        return self._bytes.held

    @property
    def has_next(self) -> bool:
        """Whether `next_frame` has something to do: it gives a frame, reads a header, or raises."""
        return self._bytes.held >= (HEADER_SIZE if self._header is None else self._header[1])

    @property
    def next_bytes(self) -> int:
        """How much the next frame takes on the wire, by its header; 0 while that is not there."""
        if self._header is not None:
            return HEADER_SIZE + self._header[1]
        if self._bytes.held < HEADER_SIZE:
            return 0
        size = self._bytes.peek(_SIZE_OFFSET, 4)  # Where it is cut, the rest is not worth a look.
        return HEADER_SIZE + int.from_bytes(size, "little")

    def put(self, data: bytes) -> None:
        """Take in bytes, cut anywhere."""
        self._bytes.put(data)

    def next_frame(self) -> Frame | Corrupt | None:
        """The next frame; None if its end has not come yet.

        Raises:
            DecodeError: another network's magic, or a payload above 4,000,000 bytes.
        """
        header = self._header
        if header is None:
            if self._bytes.held < HEADER_SIZE:
                return None
            header = self._header = self._read_header(self._bytes.cut(HEADER_SIZE))
        if self._bytes.held < header[1]:
            return None
        self._header = None
        return _frame(*header, self._bytes.cut(header[1]))

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

    def _read_header(self, header: bytes) -> tuple[bytes, int, bytes]:
        magic, name, size, checksum = _HEADER.unpack(header)
        if magic != self._magic:
            raise DecodeError(f"the network's magic {self._magic.hex()}, not {magic.hex()}", 0)
        if size > MAX_PAYLOAD_SIZE:
            raise DecodeError(f"a payload of at most {MAX_PAYLOAD_SIZE} bytes, not {size}", 16)
        return name, size, checksum

    def take_output(self) -> bytes:
        """Nothing: this transport says nothing of its own."""
        return b""

    def encode(self, command: str, payload: bytes) -> bytes:
        """The frame of a message.

        Args:
            command: its name, at most 12 ASCII characters.
            payload: of what is longer than 4,000,000 bytes no peer takes more than the header.
        """
        name = command.encode("ascii")
        assert len(name) <= MAX_COMMAND_SIZE, "a message has a name of at most 12 bytes"
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
