"""A peer on the encrypted transport in the hand of a test: garbage, decoys and packets as it likes.

It is put together from keys and packets, without the machine that it is to try.
"""

from __future__ import annotations

from axon.primitives.ellswift import ELLSWIFT_SIZE, ellswift_create, ellswift_shared_secret
from axon.wire.v2names import encode_name
from axon.wire.v2packets import (
    IGNORE,
    LENGTH_SIZE,
    PacketOpener,
    PacketSealer,
    derive_keys,
)


class HandMadePeer:
    """One side of an encrypted connection.

    Args:
        magic: the network's 4 bytes.
        initiating: it opened the connection.
        number: of its secret, from 1.
        garbage: what it sends behind its key.
    """

    def __init__(
        self, magic: bytes, *, initiating: bool, number: int = 7, garbage: bytes = b""
    ) -> None:
        self.magic = magic
        self.initiating = initiating
        self.garbage = garbage
        self._secret = number.to_bytes(32, "big")
        self.key = ellswift_create(self._secret, bytes(32))
        self.terminator = b""
        self.session_id = b""
        self._sealer: PacketSealer | None = None
        self._opener: PacketOpener | None = None

    @property
    def hello(self) -> bytes:
        """Its key and its garbage."""
        return self.key + self.garbage

    def agree(self, their_hello: bytes) -> None:
        """Take the other side's key, which it begins with."""
        shared = ellswift_shared_secret(
            self._secret, self.key, their_hello[:ELLSWIFT_SIZE], initiating=self.initiating
        )
        keys = derive_keys(shared, self.magic)
        self.session_id = keys.session_id
        sides = [
            (keys.initiator_length, keys.initiator_packet, keys.initiator_terminator),
            (keys.responder_length, keys.responder_packet, keys.responder_terminator),
        ]
        own, theirs = sides if self.initiating else sides[::-1]
        self.terminator = own[2]
        self._sealer, self._opener = PacketSealer(*own[:2]), PacketOpener(*theirs[:2])
        self.their_terminator = theirs[2]

    def packet(self, contents: bytes = b"", header: int = 0, aad: bytes = b"") -> bytes:
        """Its next packet, of any kind."""
        assert self._sealer is not None, "keys first"
        return self._sealer.seal(bytes((header,)) + contents, aad)

    def decoy(self, size: int, aad: bytes = b"") -> bytes:
        """A packet that means nothing."""
        return self.packet(bytes(size), IGNORE, aad)

    def proof(self) -> bytes:
        """What ends the agreement: terminator and version packet."""
        return self.terminator + self.packet(aad=self.garbage)

    def message(self, command: str, payload: bytes = b"") -> bytes:
        """A packet with a message in it."""
        return self.packet(encode_name(command) + payload)

    def opened(self, packet: bytes, aad: bytes = b"") -> bytes:
        """Header byte and contents of the other side's next packet, which is there as a whole."""
        assert self._opener is not None, "keys first"
        length = self._opener.length(packet[:LENGTH_SIZE])
        assert len(packet) == LENGTH_SIZE + 1 + length + 16
        return self._opener.open(packet[LENGTH_SIZE:], aad)
