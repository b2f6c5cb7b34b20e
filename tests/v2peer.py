"""A peer on the encrypted transport in the hand of a test: garbage, decoys and packets as it likes.

It is put together from keys and packets, without the machine that it is to try.
"""

from __future__ import annotations

from axon.primitives.ellswift import ELLSWIFT_SIZE, ellswift_create, ellswift_shared_secret
from axon.wire.messages import Message
from axon.wire.transport import Frame
from axon.wire.v2names import decode_name, encode_name
from axon.wire.v2packets import (
    EXPANSION,
    IGNORE,
    LENGTH_SIZE,
    TERMINATOR_SIZE,
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
        self.terminator = self.their_terminator = b""
        self.session_id = b""
        self._sealer: PacketSealer | None = None
        self._opener: PacketOpener | None = None
        self._heard = b""  # What was not read yet.
        self._their_garbage: bytes | None = None  # Until a packet has vouched for it.
        self._length: int | None = None
        self.heard_version = False

    # What it says.

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
        own, theirs = keys.initiator, keys.responder
        if not self.initiating:
            own, theirs = theirs, own
        self.terminator, self.their_terminator = own.terminator, theirs.terminator
        self._sealer, self._opener = PacketSealer(own), PacketOpener(theirs)

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

    def say(self, *messages: Message) -> bytes:
        """Packets with messages in them."""
        return b"".join(
            self.packet(encode_name(message.command) + message.encode()) for message in messages
        )

    # What it hears.

    def received(self, data: bytes) -> list[Frame]:
        """The messages in what the other side sends, from its first byte on."""
        self._heard += data
        if self._opener is None:
            if len(self._heard) < ELLSWIFT_SIZE:
                return []
            self.agree(self._heard)
            self._heard = self._heard[ELLSWIFT_SIZE:]
        if not self.heard_version and self._their_garbage is None:
            at = self._heard.find(self.their_terminator)
            if at < 0:
                return []
            self._their_garbage = self._heard[:at]
            self._heard = self._heard[at + TERMINATOR_SIZE :]
        frames = []
        while (plain := self._next_packet()) is not None:
            if plain[0] & IGNORE:
                continue
            if not self.heard_version:
                self.heard_version = True
                continue
            name = decode_name(plain, 1)
            assert name is not None, "we name what we send"
            frames.append(Frame(name[0], plain[name[1] :], len(plain) - 1 + EXPANSION))
        return frames

    def _next_packet(self) -> bytes | None:
        assert self._opener is not None
        if self._length is None:
            if len(self._heard) < LENGTH_SIZE:
                return None
            self._length = self._opener.length(self._heard[:LENGTH_SIZE])
        size = self._length + EXPANSION
        if len(self._heard) < size:
            return None
        plain = self._opener.open(self._heard[LENGTH_SIZE:size], self._their_garbage or b"")
        self._heard, self._length, self._their_garbage = self._heard[size:], None, b""
        return plain
