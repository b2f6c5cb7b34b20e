"""The encrypted transport (BIP 324), from either side.

    key --64 bytes--> garbage --terminator--> packets --the first that is no decoy--> messages

Each side sends a key that looks like random bytes and garbage of any length; when it has the
other's key, a terminator that ends its garbage, and a packet that stands for a version and vouches
for the garbage. From then on each packet carries a message, or is a decoy. Nothing that was sent
can be told from random bytes, and nobody who only listens learns what it says.
"""

from __future__ import annotations

from enum import Enum, auto
from random import Random
from typing import Final

from axon.primitives.ellswift import (
    ELLSWIFT_SIZE,
    ENTROPY_SIZE,
    ellswift_create,
    ellswift_shared_secret,
    is_secret,
)
from axon.primitives.keys import SECRET_SIZE
from axon.wire.bytequeue import ByteQueue
from axon.wire.transport import (
    MAX_COMMAND_SIZE,
    MAX_PAYLOAD_SIZE,
    Corrupt,
    EncryptionError,
    Frame,
    NoMessage,
    Transport,
)
from axon.wire.v1 import VERSION_NAME
from axon.wire.v2names import decode_name, encode_name
from axon.wire.v2packets import (
    EXPANSION,
    HEADER_SIZE,
    IGNORE,
    KEY_SIZE,
    LENGTH_SIZE,
    TAG_SIZE,
    TERMINATOR_SIZE,
    PacketOpener,
    PacketSealer,
    derive_keys,
)

MAX_GARBAGE_SIZE: Final = 4_095
"""Bytes of garbage that either side may send: what a peer makes us keep before it has proved that
it speaks this transport at all."""

MAX_CONTENTS_SIZE: Final = 1 + MAX_COMMAND_SIZE + MAX_PAYLOAD_SIZE
"""Longest contents of a packet: a name in full, and the longest payload. The length comes before
anything proves that it is the peer's, so no more than this is ever waited for."""

V1_PREFIX_SIZE: Final = 16
"""So many bytes tell the first transport: the network's magic, and the name `version`."""

_NO_HEADER: Final = b"\x00"  # The header byte of what is no decoy.
_UNREAD: Final = -1


class _State(Enum):
    """What comes next from the peer."""

    KEY = auto()
    GARBAGE = auto()
    PACKETS = auto()


class V2Transport:
    """One side of an encrypted connection.

    Args:
        magic: the network's 4 bytes; peers with others derive other keys.
        rng: keys and garbage.
        initiating: we opened the connection, so we speak first.
    """

    def __init__(self, magic: bytes, rng: Random, *, initiating: bool) -> None:
        self._magic = magic
        self._initiating = initiating
        self._secret = _draw_secret(rng)  # Forgotten when the keys are there.
        self._own_key = ellswift_create(self._secret, rng.randbytes(ENTROPY_SIZE))
        self._own_garbage = rng.randbytes(rng.randint(0, MAX_GARBAGE_SIZE))
        self._output = self._own_key + self._own_garbage
        self._bytes = ByteQueue()
        self._state = _State.KEY
        self._wanted = ELLSWIFT_SIZE if initiating else V1_PREFIX_SIZE
        self._garbage = bytearray()  # Of the peer, while its end is looked for.
        self._aad = b""  # The same, until a packet has vouched for it.
        self._terminator = b""  # Of the peer.
        self._length = _UNREAD  # Of the next packet's contents.
        self._sealer: PacketSealer | None = None
        self._opener: PacketOpener | None = None
        self._session_id = b""
        # Until the peer has proved that it has the same keys.
        self.name = "detecting"
        self.session_id = b""

    # What comes in.

    @property
    def held_bytes(self) -> int:
        """How many bytes wait: to be cut, to be vouched for, or as a length for its packet."""
        length = 0 if self._length == _UNREAD else LENGTH_SIZE
        return self._bytes.held + length + len(self._garbage) + len(self._aad)

    @property
    def has_next(self) -> bool:
        """Whether `next_frame` has something to do."""
        return self._bytes.held >= self._wanted

    @property
    def next_bytes(self) -> int:
        """How much the next packet takes on the wire, by its length; 0 while that is not there."""
        return 0 if self._length == _UNREAD else self._length + EXPANSION

    @property
    def settled(self) -> Transport:
        """Itself."""
        return self

    def put(self, data: bytes) -> None:
        """Take in bytes, cut anywhere."""
        self._bytes.put(data)
        if self._length == _UNREAD and self._state is _State.PACKETS:
            self._read_length()

    def next_frame(self) -> Frame | Corrupt | NoMessage | None:
        """One step of the key agreement, or the next packet; None if there was no packet.

        Raises:
            EncryptionError: no terminator where it must be at the latest, a packet that is too
                long or not sealed with our keys, or somebody who speaks the first transport of
                another network.
        """
        if self._bytes.held < self._wanted:
            return None
        if self._length != _UNREAD:
            return self._take_packet()
        if self._state is _State.KEY:
            self._take_key()
        else:
            self._seek_terminator()
        return None

    def received(self, data: bytes) -> list[Frame | Corrupt | NoMessage]:
        """Take in bytes, cut anywhere; what they completed, in order.

        Raises:
            EncryptionError: as `next_frame`.
        """
        self.put(data)
        frames: list[Frame | Corrupt | NoMessage] = []
        while self.has_next:
            frame = self.next_frame()
            if frame is not None:
                frames.append(frame)
        return frames

    def _take_key(self) -> None:
        if self._wanted == V1_PREFIX_SIZE:
            # The first transport of another network, or one that is not wanted here.
            if self._bytes.peek(4, len(VERSION_NAME)) == VERSION_NAME:
                magic = self._bytes.peek(0, 4).hex()
                said = f"V1 peer with wrong MessageStart {magic}"
                raise EncryptionError(said, "a key, or our network's magic", 0)
            self._wanted = ELLSWIFT_SIZE
            return
        their_key = self._bytes.cut(ELLSWIFT_SIZE)
        shared = ellswift_shared_secret(
            self._secret, self._own_key, their_key, initiating=self._initiating
        )
        keys = derive_keys(shared, self._magic)
        own, theirs = keys.initiator, keys.responder
        if not self._initiating:
            own, theirs = theirs, own
        self._sealer, self._opener = PacketSealer(own), PacketOpener(theirs)
        self._terminator = theirs.terminator
        self._session_id = keys.session_id
        self._output += own.terminator + self._sealer.seal(_NO_HEADER, self._own_garbage)
        self._secret = self._own_key = self._own_garbage = b""
        self._state, self._wanted = _State.GARBAGE, 1

    def _seek_terminator(self) -> None:
        """Look through what has come for the end of the garbage, each byte once."""
        begin = max(0, len(self._garbage) - TERMINATOR_SIZE + 1)
        room = MAX_GARBAGE_SIZE + TERMINATOR_SIZE - len(self._garbage)
        self._garbage += self._bytes.cut(min(room, self._bytes.held))
        at = self._garbage.find(self._terminator, begin)
        if at >= 0:
            self._bytes.put_back(bytes(self._garbage[at + TERMINATOR_SIZE :]))
            self._aad = bytes(self._garbage[:at])
            self._garbage = bytearray()
            self._state = _State.PACKETS
            self._await_packet()
        elif len(self._garbage) == MAX_GARBAGE_SIZE + TERMINATOR_SIZE:
            expected = f"a terminator after at most {MAX_GARBAGE_SIZE} bytes of garbage"
            raise EncryptionError("missing garbage terminator", expected)

    def _await_packet(self) -> None:
        self._length, self._wanted = _UNREAD, LENGTH_SIZE
        self._read_length()

    def _read_length(self) -> None:
        """Read how long the next packet is, as soon as it says so."""
        if self._bytes.held < LENGTH_SIZE:
            return
        assert self._opener is not None, "the keys come before the packets"
        self._length = self._opener.length(self._bytes.cut(LENGTH_SIZE))
        if self._length > MAX_CONTENTS_SIZE:
            self._wanted = 0  # There is nothing to wait for.
        else:
            self._wanted = HEADER_SIZE + self._length + TAG_SIZE

    def _take_packet(self) -> Frame | Corrupt | NoMessage:
        length = self._length
        if length > MAX_CONTENTS_SIZE:
            said = f"packet too large ({length} bytes)"
            raise EncryptionError(said, f"a packet of at most {MAX_CONTENTS_SIZE} bytes")
        assert self._opener is not None, "the keys come before the packets"
        plain = self._opener.open(self._bytes.cut(self._wanted), self._aad)
        self._aad = b""
        self._await_packet()
        size_bytes = length + EXPANSION
        if plain[0] & IGNORE:
            return NoMessage(size_bytes)
        if not self.session_id:
            self.name, self.session_id = "v2", self._session_id
            return NoMessage(size_bytes)  # What it may say one day is not known yet.
        found = decode_name(plain, HEADER_SIZE)
        if found is None:
            return Corrupt("invalid message type", size_bytes)
        return Frame(found[0], plain[found[1] :], size_bytes)

    # What goes out.

    @property
    def can_send(self) -> bool:
        """Whether the keys are there, and so messages can be encoded."""
        return self._sealer is not None

    def take_output(self) -> bytes:
        """What the key agreement has to say, before any message that is encoded from now on."""
        output, self._output = self._output, b""
        return output

    def encode(self, command: str, payload: bytes) -> bytes:
        """The packet of a message; `can_send` says that there are keys.

        Args:
            command: its name, at most 12 ASCII characters.
            payload: below 16,777,000 bytes, more than any peer takes.
        """
        assert self._sealer is not None, "asked when it can send"
        return self._sealer.seal(b"".join((_NO_HEADER, encode_name(command), payload)))


def load_libraries() -> None:
    """Load those of the curve and of the ciphers, as whoever makes the first transport would.

    It takes a tenth of a second, in which a loop would serve nobody.
    """
    V2Transport(bytes(4), Random(1), initiating=True)
    PacketSealer(derive_keys(bytes(KEY_SIZE), bytes(4)).initiator).seal(_NO_HEADER)


def _draw_secret(rng: Random) -> bytes:
    while True:
        secret = rng.randbytes(SECRET_SIZE)
        if is_secret(secret):
            return secret
