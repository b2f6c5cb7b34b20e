"""What wallets tell each other of blocks: proofs, headers, filters; a wallet serves a wallet.

All of it is checked as if a node had sent it. Forms as in `messages`: exact, little-endian, hashes
32 bytes in internal order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Final, Self

from axon.errors import DecodeError
from axon.primitives.encoding import Reader, compact_size, var_bytes
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import HEADER_SIZE, Header
from axon.wire.messages.filters import MAX_CFHEADERS, MAX_CFILTERS
from axon.wire.messages.headers import MAX_HEADERS, MAX_LOCATOR, NO_STOP
from axon.wire.messages.limits import read_count

MAX_PROOF_BYTES: Final = 400_000

_HASH_SIZE: Final = 32
_RANGE: Final = Struct("<I32sB")
_CF_HEAD: Final = Struct("<I32s32s")


@dataclass(frozen=True, slots=True)
class GetProof:
    """`getproof`: asks for the proof that a transaction is in a block.

    Bytes: txid (32).
    """

    command: ClassVar[str] = "getproof"

    txid: Txid

    def encode(self) -> bytes:
        """The payload: 32 bytes."""
        return self.txid

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from exactly 32 bytes.

        Raises:
            DecodeError: it has another length.
        """
        reader = Reader(payload)
        txid = Txid(reader.take(_HASH_SIZE))
        reader.finish()
        return cls(txid)


@dataclass(frozen=True, slots=True)
class ProofMessage:
    """`proof`: the answer to `getproof`, or unasked once the payment is in a block.

    Bytes: txid (32), then the proof to the end.

    Args:
        txid: of the transaction.
        proof: at most 400,000 bytes, as `payments/packet` encodes a confirmed transaction; empty
            if the sender knows none.
    """

    command: ClassVar[str] = "proof"

    txid: Txid
    proof: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """The payload."""
        return self.txid + self.proof

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A proof from a payload; not yet read.

        Raises:
            DecodeError: it has no txid, or is too long.
        """
        reader = Reader(payload)
        txid = Txid(reader.take(_HASH_SIZE))
        if reader.remaining > MAX_PROOF_BYTES:
            raise DecodeError(f"a proof of at most {MAX_PROOF_BYTES} bytes", _HASH_SIZE)
        return cls(txid, reader.take(reader.remaining))


@dataclass(frozen=True, slots=True)
class GetHdrs:
    """`gethdrs`: asks for headers behind the newest block that both know.

    Bytes: count, hashes (32 each), last hash wanted (32).

    Args:
        locator: hashes of the asker's chain, newest first, at most 101.
        stop: the last header wanted, `NO_STOP` for as many as fit.
    """

    command: ClassVar[str] = "gethdrs"

    locator: tuple[BlockHash, ...]
    stop: BlockHash = NO_STOP

    def encode(self) -> bytes:
        """The payload."""
        return b"".join((compact_size(len(self.locator)), *self.locator, self.stop))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from exactly this payload.

        Raises:
            DecodeError: more than 101 hashes, or anything else.
        """
        reader = Reader(payload)
        count = read_count(reader, MAX_LOCATOR, _HASH_SIZE, "hashes", source="axon")
        locator = tuple(BlockHash(hash_) for hash_ in _read_hashes(reader, count))
        stop = BlockHash(reader.take(_HASH_SIZE))
        reader.finish()
        return cls(locator, stop)


@dataclass(frozen=True, slots=True)
class Hdrs:
    """`hdrs`: consecutive headers.

    Bytes: count, headers (80 each).

    Args:
        headers: at most 2,000; none if the sender has no more.
    """

    command: ClassVar[str] = "hdrs"

    headers: tuple[Header, ...] = field(repr=False)

    def encode(self) -> bytes:
        """The payload."""
        return b"".join((compact_size(len(self.headers)), *(header.raw for header in self.headers)))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Headers from exactly this payload; whether they connect is not looked at.

        Raises:
            DecodeError: more than 2,000, or anything else.
        """
        reader = Reader(payload)
        count = read_count(reader, MAX_HEADERS, HEADER_SIZE, "headers", source="axon")
        headers = tuple(Header(reader.take(HEADER_SIZE)) for _ in range(count))
        reader.finish()
        return cls(headers)


@dataclass(frozen=True, slots=True)
class GetCF:
    """`getcf`: asks for the filters of consecutive blocks (BIP 158), or for their hashes.

    Bytes: first height (4), last block (32), what (1: 0 filters, 1 hashes).

    Args:
        start_height: of the first block, 32 bits.
        stop_hash: of the last block.
        hashes_only: the filters themselves are not wanted.
    """

    command: ClassVar[str] = "getcf"

    start_height: int
    stop_hash: BlockHash
    hashes_only: bool = False

    def encode(self) -> bytes:
        """The payload: 37 bytes."""
        return _RANGE.pack(self.start_height, self.stop_hash, self.hashes_only)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from exactly 37 bytes; whether the range makes sense is not looked at.

        Raises:
            DecodeError: it has another length, or a last byte above 1.
        """
        reader = Reader(payload)
        start_height, stop_hash, what = _RANGE.unpack(reader.take(_RANGE.size))
        reader.finish()
        if what > 1:
            raise DecodeError("0 or 1", _RANGE.size - 1)
        return cls(start_height, BlockHash(stop_hash), bool(what))


@dataclass(frozen=True, slots=True)
class CF:
    """`cf`: filters of consecutive blocks, or their hashes; as many of those asked as fit.

    Bytes: first height (4), last block told of (32), filter header before the first (32), count
    of hashes, hashes (32 each), count of filters, filters (each behind its length).

    Args:
        start_height: of the first block, 32 bits.
        stop_hash: of the last block told of; zeros if nothing is told.
        previous_filter_header: that of the block before the first (BIP 157).
        filter_hashes: at most 2,000.
        filters: at most 1,000; none where there are hashes.
    """

    command: ClassVar[str] = "cf"

    start_height: int
    stop_hash: BlockHash
    previous_filter_header: bytes
    filter_hashes: tuple[bytes, ...] = field(default=(), repr=False)
    filters: tuple[bytes, ...] = field(default=(), repr=False)

    def encode(self) -> bytes:
        """The payload."""
        head = _CF_HEAD.pack(self.start_height, self.stop_hash, self.previous_filter_header)
        filters = [var_bytes(filter_) for filter_ in self.filters]
        hashes = (compact_size(len(self.filter_hashes)), *self.filter_hashes)
        return b"".join((head, *hashes, compact_size(len(filters)), *filters))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Filters or hashes from exactly this payload; not yet read.

        Raises:
            DecodeError: it has both, or too many, or anything else.
        """
        reader = Reader(payload)
        start_height, stop_hash, previous = _CF_HEAD.unpack(reader.take(_CF_HEAD.size))
        count = read_count(reader, MAX_CFHEADERS, _HASH_SIZE, "filter hashes", source="axon")
        hashes = _read_hashes(reader, count)
        at = reader.offset
        count = read_count(reader, MAX_CFILTERS, 1, "filters", source="axon")
        if hashes and count:
            raise DecodeError("no filters behind hashes", at)
        filters = tuple(reader.var_bytes() for _ in range(count))
        reader.finish()
        return cls(start_height, BlockHash(stop_hash), previous, hashes, filters)


def _read_hashes(reader: Reader, count: int) -> tuple[bytes, ...]:
    return tuple(reader.take(_HASH_SIZE) for _ in range(count))
