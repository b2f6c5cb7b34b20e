"""Which transport the peer speaks who has dialled us (BIP 324): it is told by its first bytes."""

from __future__ import annotations

from random import Random

from axon.wire.bytequeue import ByteQueue
from axon.wire.transport import Corrupt, Frame, NoMessage, Transport
from axon.wire.v1 import VERSION_NAME, V1Transport
from axon.wire.v2 import V1_PREFIX_SIZE, V2Transport


class Detection:
    """The side that was dialled, until it knows which transport the peer speaks.

    Whoever speaks the first transport begins with 16 bytes that are known; a key of the encrypted
    one begins with these by chance once in 2**128 times. `settled` is then the transport.

    Args:
        magic: the network's 4 bytes.
        rng: for the encrypted transport.
    """

    name = "detecting"
    session_id = b""
    can_send = False
    next_bytes = 0

    def __init__(self, magic: bytes, rng: Random) -> None:
        self._magic = magic
        self._rng = rng
        self._prefix = magic + VERSION_NAME
        self._bytes = ByteQueue()
        self._start = b""  # At most so many bytes as the prefix has.
        self.settled: Transport = self

    @property
    def held_bytes(self) -> int:
        """How many bytes wait to be looked at."""
        return self._bytes.held

    @property
    def has_next(self) -> bool:
        """Whether it can be told by now which transport it is."""
        return self._start == self._prefix or not self._prefix.startswith(self._start)

    def put(self, data: bytes) -> None:
        """Take in bytes, cut anywhere."""
        self._start = (self._start + data[:V1_PREFIX_SIZE])[:V1_PREFIX_SIZE]
        self._bytes.put(data)

    def next_frame(self) -> None:
        """Decide, if it can be told; no frame comes of that."""
        if not self.has_next:
            return
        if self._start == self._prefix:
            self.settled = V1Transport(self._magic)
        else:
            self.settled = V2Transport(self._magic, self._rng, initiating=False)
        self.settled.put(self._bytes.cut(self._bytes.held))

    def received(self, data: bytes) -> list[Frame | Corrupt | NoMessage]:
        """Take in bytes; none of them is a frame until the transport is settled."""
        self.put(data)
        self.next_frame()
        return []

    def take_output(self) -> bytes:
        """Nothing: who was dialled waits."""
        return b""

    def encode(self, command: str, payload: bytes) -> bytes:  # noqa: ARG002
        """Never asked: it cannot send."""
        raise AssertionError("asked when it can send")
