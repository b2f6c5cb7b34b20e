"""Messages that begin and end a link: hello, auth, bye; and the texts in all messages.

Forms as in `messages`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Final, Self

from axon.errors import DecodeError
from axon.primitives.encoding import Reader, compact_size, var_bytes
from axon.wire.messages import Feature
from axon.wire.messages.handshake import MAX_FEATURE_DATA, MAX_FEATURE_ID
from axon.wire.messages.limits import read_count

LINK_VERSION: Final = 1
"""Of what is spoken on a link."""

MAX_FEATURES: Final = 16
HINT_SIZE: Final = 32
MAX_HELLO_BYTES: Final = (
    3 + MAX_FEATURES * (3 + 1 + MAX_FEATURE_ID + 3 + MAX_FEATURE_DATA) + 1 + HINT_SIZE
)
"""Of a `hello`: all that a stranger may say at once."""

MAX_REASON_SIZE: Final = 100
"""Characters of a reason: what a partner can put into our reports."""

SIGNATURE_SIZE: Final = 64

_U16: Final = Struct("<H")


def encode_text(text: str) -> bytes:
    """A text behind its length."""
    return var_bytes(text.encode("ascii"))


def read_text(reader: Reader, limit: int) -> str:
    """A text of at most `limit` characters, fit for a terminal.

    Raises:
        DecodeError: it is longer, or not of printable ASCII characters.
    """
    start = reader.offset
    text = reader.var_bytes(limit).decode("latin-1")
    return printable(text, start)


def printable(text: str, offset: int) -> str:
    """The same text.

    Raises:
        DecodeError: it is not fit for a terminal.
    """
    if not all(" " <= sign <= "~" for sign in text):
        raise DecodeError("printable ASCII characters", offset)
    return text


@dataclass(frozen=True, slots=True)
class Hello:
    """`hello`: the first message of each side.

    Bytes: version (2), count of features (1), each behind its length as BIP 434 has it, length of
    the hint (1), hint.

    Args:
        version: of the link, from 1; the lower one is spoken.
        features: additions that the sender knows, at most 16, each name once.
        hint: of the payer, `linkkeys.invoice_hint`, 32 bytes; of the payee nothing.
    """

    command: ClassVar[str] = "hello"

    version: int = LINK_VERSION
    features: tuple[Feature, ...] = ()
    hint: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """The payload."""
        features = [var_bytes(feature.encode()) for feature in self.features]
        head = _U16.pack(self.version) + compact_size(len(features))
        return b"".join((head, *features, var_bytes(self.hint)))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A greeting from exactly this payload.

        Raises:
            DecodeError: version 0, a feature twice, a hint of another length, or anything else.
        """
        reader = Reader(payload)
        version = reader.u16()
        if version == 0:
            raise DecodeError("a version from 1", 0)
        count = read_count(reader, MAX_FEATURES, 1, "features", source="axon")
        features = tuple(Feature.decode(reader.var_bytes()) for _ in range(count))
        if len({feature.feature_id for feature in features}) != count:
            raise DecodeError("each feature once", reader.offset)
        hint = reader.var_bytes(HINT_SIZE)
        if len(hint) not in (0, HINT_SIZE):
            raise DecodeError(f"a hint of {HINT_SIZE} bytes or none", reader.offset)
        reader.finish()
        return cls(version, features, hint)


@dataclass(frozen=True, slots=True)
class Auth:
    """`auth`: the payee is who wrote the invoice.

    Bytes: signature (64).

    Args:
        signature: BIP 340, by the invoice's key, over
            sha256("axon wallet link" || session id || invoice id).
    """

    command: ClassVar[str] = "auth"

    signature: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The payload: 64 bytes."""
        return self.signature

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A signature from exactly 64 bytes; whose it is is not looked at.

        Raises:
            DecodeError: it has another length.
        """
        if len(payload) != SIGNATURE_SIZE:
            raise DecodeError(f"a signature of {SIGNATURE_SIZE} bytes")
        return cls(payload)


@dataclass(frozen=True, slots=True)
class Bye:
    """`bye`: the sender ends the link; the last message.

    Bytes: reason (text).

    Args:
        reason: at most 100 characters; `linkevents` knows some.
    """

    command: ClassVar[str] = "bye"

    reason: str

    def encode(self) -> bytes:
        """The payload."""
        return encode_text(self.reason)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """An end from exactly this payload.

        Raises:
            DecodeError: it is no text, or too long.
        """
        reader = Reader(payload)
        reason = read_text(reader, MAX_REASON_SIZE)
        reader.finish()
        return cls(reason)
