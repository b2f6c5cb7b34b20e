"""The packets of the encrypted transport (BIP 324): keys out of a shared secret, seal and open.

A packet is its contents' length (3 bytes, little-endian, enciphered by itself), then one header
byte and the contents, sealed together with an authenticator of 16 bytes. Each direction has two
keys of its own, and makes new ones of them after 224 packets.

The ciphers are `cryptography`'s, loaded when the first connection needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

from axon.wire.transport import EncryptionError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

REKEY_INTERVAL: Final = 224
"""Packets that are sealed with one key."""

LENGTH_SIZE: Final = 3
HEADER_SIZE: Final = 1
TAG_SIZE: Final = 16
EXPANSION: Final = LENGTH_SIZE + HEADER_SIZE + TAG_SIZE
"""Bytes that a packet takes on the wire beyond its contents."""

TERMINATOR_SIZE: Final = 16
SESSION_ID_SIZE: Final = 32
KEY_SIZE: Final = 32

IGNORE: Final = 0x80
"""The bit of the header byte that marks a decoy."""

_NONCE: Final = Struct("<IQ")  # Number of the packet under this key, number of the key.
_REKEY: Final = 0xFFFFFFFF  # Stands for the number of a packet where a key is made.


class LengthStream:
    """The cipher of lengths in one direction (FSChaCha20): a long keystream, cut in threes.

    Args:
        key: 32 bytes.
    """

    __slots__ = ("_at", "_epoch", "_key", "_stream")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._epoch = -1
        self._stream = b""  # All of one key: what it enciphers, and behind it the next key.
        self._at = LENGTH_SIZE * REKEY_INTERVAL

    def crypt(self, length: int) -> int:
        """A length below 2**24 enciphered, or deciphered."""
        at = self._at
        if at == LENGTH_SIZE * REKEY_INTERVAL:
            self._next_key()
            at = 0
        self._at = at + LENGTH_SIZE
        return length ^ int.from_bytes(self._stream[at : at + LENGTH_SIZE], "little")

    def _next_key(self) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

        lengths = LENGTH_SIZE * REKEY_INTERVAL
        self._key = self._stream[lengths:] or self._key
        self._epoch += 1
        nonce = bytes(8) + self._epoch.to_bytes(8, "little")  # The first 4 bytes count blocks.
        cipher = Cipher(ChaCha20(self._key, nonce), mode=None).encryptor()
        self._stream = cipher.update(bytes(lengths + KEY_SIZE))


class SealStream:
    """The sealing of packets in one direction (FSChaCha20Poly1305).

    Args:
        key: 32 bytes.
    """

    __slots__ = ("_aead", "_epoch", "_packets", "_refusal")

    def __init__(self, key: bytes) -> None:
        from cryptography.exceptions import InvalidTag

        self._refusal = InvalidTag  # An import for each packet would cost as much as to open it.
        self._aead = _aead(key)
        self._packets = 0  # Under this key.
        self._epoch = 0

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """The bytes sealed, 16 more than they were.

        Args:
            plain: header byte and contents.
            aad: authenticated along, and not sent.
        """
        sealed = self._aead.encrypt(_NONCE.pack(self._packets, self._epoch), plain, aad)
        self._packets += 1
        if self._packets == REKEY_INTERVAL:
            self._next_key()
        return sealed

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """What was sealed.

        Raises:
            EncryptionError: it, or what is authenticated along with it, is not as it was sealed.
                Then nothing more can be opened.
        """
        try:
            plain = self._aead.decrypt(_NONCE.pack(self._packets, self._epoch), sealed, aad)
        except self._refusal:
            size = len(sealed) - HEADER_SIZE - TAG_SIZE
            raise EncryptionError(
                f"packet decryption failure ({size} bytes)",
                "a packet sealed with the keys of this connection",
            ) from None
        self._packets += 1
        if self._packets == REKEY_INTERVAL:
            self._next_key()
        return plain

    def _next_key(self) -> None:
        nonce = _NONCE.pack(_REKEY, self._epoch)
        self._aead = _aead(self._aead.encrypt(nonce, bytes(KEY_SIZE), None)[:KEY_SIZE])
        self._packets = 0
        self._epoch += 1


def _aead(key: bytes) -> ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


@dataclass(frozen=True, slots=True, repr=False)
class SideKeys:
    """What one side sends with.

    Args:
        length, packet: 32 bytes each.
        terminator: 16 bytes, that end its garbage.
    """

    length: bytes
    packet: bytes
    terminator: bytes


@dataclass(frozen=True, slots=True, repr=False)
class SessionKeys:
    """All that two peers derive from their shared secret.

    Args:
        initiator, responder: for what each of them sends.
        session_id: 32 bytes, by which two people can tell that nobody sits between them.
    """

    initiator: SideKeys
    responder: SideKeys
    session_id: bytes


def derive_keys(shared_secret: bytes, magic: bytes) -> SessionKeys:
    """The keys of a connection.

    Args:
        shared_secret: 32 bytes, of `ellswift_shared_secret`.
        magic: the network's 4 bytes.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

    secret = HKDF.extract(SHA256(), b"bitcoin_v2_shared_secret" + magic, shared_secret)

    def expand(purpose: bytes) -> bytes:
        return HKDFExpand(SHA256(), KEY_SIZE, purpose).derive(secret)

    terminators = expand(b"garbage_terminators")
    first, second = terminators[:TERMINATOR_SIZE], terminators[TERMINATOR_SIZE:]
    return SessionKeys(
        SideKeys(expand(b"initiator_L"), expand(b"initiator_P"), first),
        SideKeys(expand(b"responder_L"), expand(b"responder_P"), second),
        expand(b"session_id"),
    )


class PacketSealer:
    """What one side sends, packet by packet.

    Args:
        keys: its own.
    """

    __slots__ = ("_lengths", "_seals")

    def __init__(self, keys: SideKeys) -> None:
        self._lengths = LengthStream(keys.length)
        self._seals = SealStream(keys.packet)

    def seal(self, plain: bytes, aad: bytes = b"") -> bytes:
        """The next packet.

        Args:
            plain: header byte and contents; of these below 2**24 bytes.
            aad: authenticated along.
        """
        length = self._lengths.crypt(len(plain) - HEADER_SIZE)
        return length.to_bytes(LENGTH_SIZE, "little") + self._seals.seal(plain, aad)


class PacketOpener:
    """What one side receives: for each packet first `length`, then `open`.

    Args:
        keys: those of the other side.
    """

    __slots__ = ("_lengths", "_seals")

    def __init__(self, keys: SideKeys) -> None:
        self._lengths = LengthStream(keys.length)
        self._seals = SealStream(keys.packet)

    def length(self, start: bytes) -> int:
        """How long the contents of the next packet are; nothing has proved it yet.

        Args:
            start: the packet's first 3 bytes.
        """
        return self._lengths.crypt(int.from_bytes(start, "little"))

    def open(self, sealed: bytes, aad: bytes = b"") -> bytes:
        """Header byte and contents of the packet.

        Args:
            sealed: all of it behind the length.
            aad: what is to be authenticated along.

        Raises:
            EncryptionError: as `SealStream.open`.
        """
        return self._seals.open(sealed, aad)
