"""Messages about whole blocks: getblocks, block, merkleblock (BIP 37)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from axon.errors import DecodeError
from axon.primitives.encoding import Reader
from axon.primitives.hashes import BlockHash, sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree
from axon.wire.messages.headers import NO_STOP, decode_locator, encode_locator


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """`getblocks`: asks for an `inv` of the blocks behind the newest that both know.

    Args:
        locator: hashes of the asker's chain, newest first, ever further apart; at most 101.
        stop: the last block wanted, `NO_STOP` for the 500 that one answer holds.
    """

    command: ClassVar[str] = "getblocks"

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
class BlockMessage:
    """`block`: one block, with its witnesses.

    Only its header is looked at here. Bytes that make no block are the peer's fault and say nothing
    of the block with this hash.

    Args:
        raw: the whole payload, as it came.
    """

    command: ClassVar[str] = "block"

    raw: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The payload: the block's bytes, not copied."""
        return self.raw

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A block from a payload, which is kept as it is.

        Raises:
            DecodeError: it is too short for a header and a count of transactions.
        """
        if len(payload) <= HEADER_SIZE:
            raise DecodeError("a block of more than 80 bytes", 0)
        return cls(payload)

    @property
    def hash(self) -> BlockHash:
        """The hash of the header, which is the block's; computed at each call."""
        return BlockHash(sha256d(self.raw[:HEADER_SIZE]))

    @property
    def header(self) -> Header:
        """The first 80 bytes."""
        return Header(self.raw[:HEADER_SIZE])


@dataclass(frozen=True, slots=True)
class MerkleBlock:
    """`merkleblock`: a header and a proof that some transactions are in its block (BIP 37).

    Args:
        header: of the block.
        tree: the proof; not yet followed to its root.
    """

    command: ClassVar[str] = "merkleblock"

    header: Header
    tree: PartialMerkleTree

    def encode(self) -> bytes:
        """The payload: 80 bytes, then the tree."""
        return self.header.raw + self.tree.encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A proof from a payload.

        Raises:
            DecodeError: it is cut short, or the tree is larger than a block allows.
        """
        reader = Reader(payload)
        header = Header(reader.take(HEADER_SIZE))
        return cls(header, PartialMerkleTree.decode(reader))
