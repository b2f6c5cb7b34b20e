"""The first transport: each message in the clear behind a header of 24 bytes.

The header is the network's magic (4 bytes), the name padded with zeros (12), the payload's size (4,
little-endian) and the first 4 bytes of the payload's sha256d. A wrong magic or size means that the
stream cannot be followed any longer; a wrong checksum or name costs only the message.
"""

from __future__ import annotations

from struct import Struct
from typing import ClassVar, Final

from axon.errors import DecodeError
from axon.primitives.hashes import sha256d
from axon.wire.transport import MAX_COMMAND_SIZE, MAX_PAYLOAD_SIZE, Corrupt, Frame

HEADER_SIZE: Final = 24
"""Bytes before each payload."""

_HEADER: Final = Struct("<4s12sI4s")


class V1Transport:
    """Frames of the first transport.

    header --24 bytes--> payload --as many as announced--> header

    Whole frames are cut from the bytes as they come, each payload by one copy. Only a frame whose
    end has not come yet is held back, in a buffer that grows as its bytes arrive: what a peer
    announces costs us nothing.

    Args:
        magic: the network's 4 bytes.
    """

    name: ClassVar[str] = "v1"

    def __init__(self, magic: bytes) -> None:
        self._magic = magic
        self._buffer = bytearray()  # The header or payload under way; at most MAX_PAYLOAD_SIZE.
        self._header: tuple[bytes, int, bytes] | None = None  # Name, size, checksum.

    @property
    def held_bytes(self) -> int:
        """How much of a frame waits for its end."""
        return len(self._buffer)

    def received(self, data: bytes) -> list[Frame | Corrupt]:
        """Take in bytes, cut anywhere; the frames they completed, in order.

        Raises:
            DecodeError: another network's magic, or a payload above 4,000,000 bytes.
        """
        frames: list[Frame | Corrupt] = []
        offset, size_bytes = 0, len(data)
        if not self._buffer and self._header is None:
            # Most pieces are whole frames: cut them without asking what is under way.
            while size_bytes - offset >= HEADER_SIZE:
                header = self._read_header(data[offset : offset + HEADER_SIZE])
                begin, end = offset + HEADER_SIZE, offset + HEADER_SIZE + header[1]
                if end > size_bytes:
                    break
                frames.append(_frame(*header, data[begin:end]))
                offset = end
            if offset == size_bytes:
                return frames
        while True:
            wanted = HEADER_SIZE if self._header is None else self._header[1]
            end = offset + wanted - len(self._buffer)
            piece = data[offset:end]
            if end > len(data):
                self._buffer += piece
                return frames
            offset = end
            if self._buffer:
                self._buffer += piece
                piece = bytes(self._buffer)
                self._buffer = bytearray()
            if self._header is None:
                self._header = self._read_header(piece)
            else:
                frames.append(_frame(*self._header, piece))
                self._header = None

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


def read_command(name: bytes) -> str | None:
    """The name in 12 bytes; None if it is not printable ASCII with zeros behind it and none inside.

    BIP 324 writes names in the same way.
    """
    stripped = name.rstrip(b"\x00")
    if not stripped.isascii():
        return None
    command = stripped.decode("ascii")
    return command if command.isprintable() else None
