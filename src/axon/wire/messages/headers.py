"""Messages about headers: getheaders, headers, sendheaders (BIP 130)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final, Self

from axon.primitives.encoding import Reader, compact_size, read_compact_size
from axon.primitives.hashes import ZERO_HASH, BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.wire.messages.empty import EmptyMessage
from axon.wire.messages.handshake import PROTOCOL_VERSION
from axon.wire.messages.limits import read_count

MAX_HEADERS: Final = 2000
"""Most headers of one message; more is misbehaviour, fewer say that the sender has no more."""

MAX_LOCATOR: Final = 101
"""Most hashes of a locator: each must be looked up. More ends the connection."""

NO_STOP: Final = BlockHash(ZERO_HASH)
"""As the last hash wanted: as many as fit."""

_LOCATOR_VERSION: Final = Struct("<I").pack(PROTOCOL_VERSION)  # Nobody reads it.
_ENTRY_SIZE: Final = HEADER_SIZE + 1  # Each header is followed by a count of 0 transactions.


def encode_locator(locator: tuple[BlockHash, ...], stop: BlockHash) -> bytes:
    """Payload of `getheaders` and `getblocks`: version, count, hashes, last hash wanted."""
    return b"".join((_LOCATOR_VERSION, compact_size(len(locator)), *locator, stop))


def decode_locator(payload: bytes) -> tuple[tuple[BlockHash, ...], BlockHash]:
    """Locator and last hash wanted from a payload of `getheaders` or `getblocks`.

    Raises:
        OverLimit: more than 101 hashes.
        DecodeError: it is cut short.
    """
    reader = Reader(payload)
    reader.u32()
    count = read_count(reader, MAX_LOCATOR, 32, "hashes in a locator", source="Bitcoin Core")
    locator = tuple([BlockHash(reader.take(32)) for _ in range(count)])
    return locator, BlockHash(reader.take(32))


@dataclass(frozen=True, slots=True)
class GetHeaders:
    """`getheaders`: asks for headers behind the newest block that both know.

    Args:
        locator: hashes of the asker's chain, newest first, ever further apart; at most 101.
        stop: the last header wanted, `NO_STOP` for as many as fit. With an empty locator, the
            only one wanted.
    """

    command: ClassVar[str] = "getheaders"

    locator: tuple[BlockHash, ...]
    stop: BlockHash = NO_STOP

    def encode(self) -> bytes:
        """The payload."""
        return encode_locator(self.locator, self.stop)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from a payload.

        Raises:
            OverLimit: more than 101 hashes.
            DecodeError: it is cut short.
        """
        return cls(*decode_locator(payload))


@dataclass(frozen=True, slots=True)
class Headers:
    """`headers`: consecutive headers, as an answer or as the announcement of new blocks.

    Args:
        headers: at most 2000.
    """

    command: ClassVar[str] = "headers"

    headers: tuple[Header, ...]

    def encode(self) -> bytes:
        """The payload: count, then 81 bytes each."""
        if not self.headers:
            return b"\x00"
        raws = [header.raw for header in self.headers]
        return compact_size(len(raws)) + b"\x00".join(raws) + b"\x00"

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Headers from a payload; whether they connect is not looked at.

        Raises:
            OverLimit: more than 2000.
            DecodeError: it is cut short.
        """
        reader = Reader(payload)
        count = read_count(reader, MAX_HEADERS, _ENTRY_SIZE, "headers", source="Bitcoin Core")
        offset = reader.offset
        headers: list[Header] = []
        for _ in range(count):
            end = offset + HEADER_SIZE
            headers.append(Header(payload[offset:end]))
            # The count of transactions, which means nothing here, is one zero byte in practice.
            offset = end + 1
            if payload[end : end + 1] != b"\x00":
                _, offset = read_compact_size(payload, end)
        return cls(tuple(headers))


@dataclass(frozen=True, slots=True)
class SendHeaders(EmptyMessage):
    """`sendheaders`: announce new blocks by their headers, not by `inv` (BIP 130)."""

    command: ClassVar[str] = "sendheaders"
