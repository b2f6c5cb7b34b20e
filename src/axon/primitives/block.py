"""Blocks: a header and its transactions, coinbase first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.errors import DecodeError
from axon.primitives.encoding import MAX_SIZE, compact_size, read_compact_size
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.transaction import Transaction, scan_transaction

MAX_BLOCK_WEIGHT: Final = 4_000_000
"""Weight units a block may have (BIP 141)."""

WITNESS_MAGIC: Final = bytes.fromhex("6a24aa21a9ed")
"""How the coinbase output that commits to the witnesses begins (BIP 141)."""

_SMALLEST_TRANSACTION = 10


class Block:
    """A block; holds its bytes, its header and its transactions.

    Args:
        raw: as sent, witnesses included.
        header: the first 80 bytes.
        transactions: in order, coinbase first.
    """

    __slots__ = ("header", "raw", "transactions")

    def __init__(self, raw: bytes, header: Header, transactions: tuple[Transaction, ...]) -> None:
        self.raw = raw
        self.header = header
        self.transactions = transactions

    @classmethod
    def decode(cls, raw: bytes, *, exact: bool = True) -> Block:
        """A block from bytes.

        Args:
            raw: with the block at their begin.
            exact: whether they must end with it.

        Raises:
            DecodeError: cut short, too long, or a transaction that is not in the one valid form.
        """
        header = Header(raw[:HEADER_SIZE])
        count, offset = read_compact_size(raw, HEADER_SIZE, MAX_SIZE // _SMALLEST_TRANSACTION)
        transactions: list[Transaction] = []
        for _ in range(count):
            transaction, offset = scan_transaction(raw, offset)
            transactions.append(transaction)
        if exact and offset != len(raw):
            raise DecodeError("the end of the block", offset)
        return cls(raw[:offset], header, tuple(transactions))

    @classmethod
    def build(cls, header: Header, transactions: Sequence[Transaction]) -> Block:
        """A block from its parts; nothing is checked."""
        count = compact_size(len(transactions))
        raw = b"".join((header.raw, count, *(item.raw for item in transactions)))
        return cls(raw, header, tuple(transactions))

    def encode(self) -> bytes:
        """The bytes as sent, witnesses included."""
        return self.raw

    def stripped(self) -> bytes:
        """The bytes without witnesses, for peers that ask for no witness (BIP 144)."""
        count = compact_size(len(self.transactions))
        return b"".join((self.header.raw, count, *(item.stripped for item in self.transactions)))

    @property
    def hash(self) -> BlockHash:
        """The header's hash."""
        return self.header.hash

    @property
    def size_bytes(self) -> int:
        """As sent, witnesses included."""
        return len(self.raw)

    @property
    def stripped_size_bytes(self) -> int:
        """Without witnesses."""
        return (self.weight_wu - len(self.raw)) // 3

    @property
    def weight_wu(self) -> int:
        """Four for each byte outside the witnesses, one for each inside (BIP 141)."""
        overhead = HEADER_SIZE + len(compact_size(len(self.transactions)))
        return overhead * 4 + sum(item.weight_wu for item in self.transactions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Block) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.header)

    def __repr__(self) -> str:
        return f"Block({self.hash[::-1].hex()}, {len(self.transactions)} transactions)"


def witness_commitment(block: Block) -> bytes | None:
    """The 32 bytes by which the coinbase commits to the witnesses (BIP 141).

    Returns:
        From the last output that has the form; None if there is none.
    """
    if not block.transactions:
        return None
    for output in reversed(block.transactions[0].outputs):
        script = output.script_pubkey
        if len(script) >= 38 and script.startswith(WITNESS_MAGIC):
            return script[6:38]
    return None
