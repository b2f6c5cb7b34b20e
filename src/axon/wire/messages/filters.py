"""Messages about compact block filters (BIP 157): cfilter, cfheaders, cfcheckpt, their requests.

Filter headers form a chain beside the block headers: each commits to its block's filter and to the
header before. All hashes are 32 bytes, internal order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Final, Self

from axon.primitives.encoding import Reader, compact_size, var_bytes
from axon.primitives.hashes import BlockHash
from axon.wire.messages.limits import read_count

BASIC_FILTER: Final = 0
"""The one filter type in use (BIP 158)."""

MAX_CFILTERS: Final = 1000
"""Most filters that one `getcfilters` may span (BIP 157)."""

MAX_CFHEADERS: Final = 2000
"""Most filter hashes of one `cfheaders` (BIP 157)."""

CFCHECKPT_INTERVAL: Final = 1000
"""Blocks between the filter headers of a `cfcheckpt` (BIP 157)."""

MAX_CFCHECKPT: Final = 10_000
"""Most filter headers of a `cfcheckpt`: enough for ten million blocks, two centuries."""

_RANGE: Final = Struct("<BI32s")
_HASH_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class _FilterRange:
    """What getcfilters and getcfheaders have in common: a range of blocks."""

    filter_type: int
    start_height: int
    stop_hash: BlockHash

    def encode(self) -> bytes:
        """The payload: 37 bytes."""
        return _RANGE.pack(self.filter_type, self.start_height, self.stop_hash)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from a payload; whether the range makes sense is not looked at.

        Raises:
            DecodeError: fewer than 37 bytes.
        """
        return cls(*_RANGE.unpack(Reader(payload).take(_RANGE.size)))


@dataclass(frozen=True, slots=True)
class GetCFilters(_FilterRange):
    """`getcfilters`: asks for the filters of at most 1000 blocks, each a `cfilter`.

    Args:
        filter_type: 8 bits.
        start_height: of the first block, 32 bits.
        stop_hash: of the last block.
    """

    command: ClassVar[str] = "getcfilters"


@dataclass(frozen=True, slots=True)
class CFilter:
    """`cfilter`: the filter of one block.

    Args:
        filter_type: 8 bits.
        block_hash: whose filter it is.
        filter: as BIP 158 encodes it, the count of elements in front.
    """

    command: ClassVar[str] = "cfilter"

    filter_type: int
    block_hash: BlockHash
    filter: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The payload: type, hash, filter behind its length."""
        return b"%c%b%b" % (self.filter_type, self.block_hash, var_bytes(self.filter))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A filter from a payload; not yet read.

        Raises:
            DecodeError: it is cut short.
        """
        reader = Reader(payload)
        return cls(reader.u8(), BlockHash(reader.take(_HASH_SIZE)), reader.var_bytes())


@dataclass(frozen=True, slots=True)
class GetCFHeaders(_FilterRange):
    """`getcfheaders`: asks for the filter hashes of at most 2000 blocks.

    Args:
        filter_type: 8 bits.
        start_height: of the first block, 32 bits.
        stop_hash: of the last block.
    """

    command: ClassVar[str] = "getcfheaders"


@dataclass(frozen=True, slots=True)
class CFHeaders:
    """`cfheaders`: hashes of consecutive filters, from which filter headers are computed.

    Args:
        filter_type: 8 bits.
        stop_hash: the last block.
        previous_filter_header: that of the block before the first; zeros before the genesis block.
        filter_hashes: one a block, at most 2000.
    """

    command: ClassVar[str] = "cfheaders"

    filter_type: int
    stop_hash: BlockHash
    previous_filter_header: bytes
    filter_hashes: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The payload: type, stop hash, previous header, count, hashes."""
        hashes = self.filter_hashes
        head = b"%c%b%b" % (self.filter_type, self.stop_hash, self.previous_filter_header)
        return b"".join((head, compact_size(len(hashes)), *hashes))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Filter hashes from a payload.

        Raises:
            OverLimit: more than 2000.
            DecodeError: it is cut short.
        """
        reader = Reader(payload)
        filter_type = reader.u8()
        stop_hash = BlockHash(reader.take(_HASH_SIZE))
        previous = reader.take(_HASH_SIZE)
        count = read_count(reader, MAX_CFHEADERS, _HASH_SIZE, "filter hashes", source="BIP 157")
        return cls(filter_type, stop_hash, previous, _read_hashes(reader, count))


@dataclass(frozen=True, slots=True)
class GetCFCheckpt:
    """`getcfcheckpt`: asks for the filter headers at every thousandth block.

    Args:
        filter_type: 8 bits.
        stop_hash: the last block.
    """

    command: ClassVar[str] = "getcfcheckpt"

    filter_type: int
    stop_hash: BlockHash

    def encode(self) -> bytes:
        """The payload: 33 bytes."""
        return b"%c%b" % (self.filter_type, self.stop_hash)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from a payload.

        Raises:
            DecodeError: fewer than 33 bytes.
        """
        reader = Reader(payload)
        return cls(reader.u8(), BlockHash(reader.take(_HASH_SIZE)))


@dataclass(frozen=True, slots=True)
class CFCheckpt:
    """`cfcheckpt`: filter headers at heights 1000, 2000, and so on.

    Args:
        filter_type: 8 bits.
        stop_hash: the last block.
        filter_headers: in order of height.
    """

    command: ClassVar[str] = "cfcheckpt"

    filter_type: int
    stop_hash: BlockHash
    filter_headers: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The payload: type, stop hash, count, headers."""
        headers = self.filter_headers
        head = b"%c%b" % (self.filter_type, self.stop_hash)
        return b"".join((head, compact_size(len(headers)), *headers))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Filter headers from a payload.

        Raises:
            OverLimit: more than ten million blocks would have.
            DecodeError: it is cut short.
        """
        reader = Reader(payload)
        filter_type = reader.u8()
        stop_hash = BlockHash(reader.take(_HASH_SIZE))
        count = read_count(reader, MAX_CFCHECKPT, _HASH_SIZE, "filter headers", source="axon")
        return cls(filter_type, stop_hash, _read_hashes(reader, count))


def _read_hashes(reader: Reader, count: int) -> tuple[bytes, ...]:
    return tuple([reader.take(_HASH_SIZE) for _ in range(count)])
