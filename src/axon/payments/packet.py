"""The packet: a payment with all that proves what its inputs spend.

Whoever has the headers can check it without asking anybody: for each output that is spent the
packet holds the transaction that made it, either with the proof that a block has it, or, where no
block has it yet, with what proves the inputs of that one in turn. Headers do not travel: a proof
counts only against those that its reader has himself.

There is one encoding of a packet. Blocks go up by height, transactions in a block by position;
unconfirmed ones stand parents first, in the order in which a walk from the payment's first input
to its last meets their ends. Nothing is in a packet twice, and nothing that the payment does not
need, so two packets that say the same are the same bytes. A packet that breaks this cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final, Self

from axon.errors import DecodeError
from axon.primitives.block import Block
from axon.primitives.encoding import Reader, compact_size
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.merkle import MAX_TREE_TRANSACTIONS, merkle_branch
from axon.primitives.transaction import Transaction, outpoint_txid, scan_transaction

PACKET_VERSION: Final = 1

MAX_PACKET_BYTES: Final = 400_000
"""As much as one message of a link holds, and four times the largest payment that nodes relay."""

MAX_PACKET_INPUTS: Final = 500
"""Of the payment and its unconfirmed ancestors together: each is a script to run."""

MAX_DEPTH: Final = 25
"""Transactions in a row that are in no block, the payment counted: nodes relay no more."""

MAX_BRANCH: Final = MAX_TREE_TRANSACTIONS.bit_length()
"""Neighbours from a transaction up to the root; no block has transactions for more."""

_HASH_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A previous transaction with the proof that it is in a block.

    Args:
        transaction: without its witness, which its txid does not cover and nobody needs.
        height: of the block.
        block_hash: of the block, 32 bytes, internal order.
        position: in the block; the coinbase has 0.
        branch: the neighbours of the txid up to the Merkle root, lowest first, 32 bytes each.
        coinbase: the block's first transaction, without its witness; `transaction` itself where
            the position is 0. It shows how deep the leaves of the tree are.
        coinbase_branch: the neighbours of its txid.

    Raises:
        DecodeError: it can be no proof: a place outside the tree, two depths, a witness, a coinbase
            that is none or not the first.
    """

    transaction: Transaction
    height: int
    block_hash: BlockHash
    position: int
    branch: tuple[bytes, ...]
    coinbase: Transaction
    coinbase_branch: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if len(self.branch) != len(self.coinbase_branch):
            raise DecodeError("a proof of the coinbase as deep as that of the transaction")
        if self.position >> len(self.branch):
            raise DecodeError("a position inside the tree")
        if self.transaction.is_coinbase != (self.position == 0):
            raise DecodeError("the coinbase at position 0, and nowhere else")
        if not self.coinbase.is_coinbase:
            raise DecodeError("a coinbase")
        if self.transaction.has_witness or self.coinbase.has_witness:
            raise DecodeError("no witness in a confirmed transaction")
        if self.position == 0 and (self.transaction, self.branch) != (
            self.coinbase,
            self.coinbase_branch,
        ):
            raise DecodeError("one coinbase of a block")

    def encode(self) -> bytes:
        """As it stands in a packet, alone in its block."""
        return b"".join(_encode_block([self]))

    @classmethod
    def decode(cls, data: bytes) -> Confirmed:
        """A proof from exactly these bytes.

        Raises:
            DecodeError: they are not the one encoding of one proof.
        """
        reader = Reader(data)
        found = list(_decode_block(reader))
        reader.finish()
        if len(found) != 1:
            raise DecodeError("the proof of one transaction")
        return found[0]

    @classmethod
    def from_block(cls, block: Block, height: int, position: int) -> Confirmed:
        """The proof of a transaction, by one who has its whole block."""
        txids = [item.txid for item in block.transactions]
        return cls(
            bare(block.transactions[position]),
            height,
            block.hash,
            position,
            merkle_branch(txids, position),
            bare(block.transactions[0]),
            merkle_branch(txids, 0),
        )


@dataclass(frozen=True, slots=True)
class Packet:
    """A payment, and what proves its inputs.

    Args:
        transaction: the payment, signed.
        confirmed: by height, then by position.
        unconfirmed: with their witnesses, parents first, as `lineage` orders them.

    Raises:
        DecodeError: something is missing, needless, twice, out of order, too deep or too much.
    """

    transaction: Transaction
    confirmed: tuple[Confirmed, ...]
    unconfirmed: tuple[Transaction, ...]

    def __post_init__(self) -> None:
        _check_blocks(self.confirmed)
        confirmed = {item.transaction.txid: item.transaction for item in self.confirmed}
        waiting = {item.txid: item for item in self.unconfirmed}
        if len(confirmed) != len(self.confirmed) or len(waiting) != len(self.unconfirmed):
            raise DecodeError("each previous transaction once")
        needed, order = lineage(self.transaction, confirmed, waiting)
        if len(needed) != len(confirmed) or len(order) != len(self.unconfirmed):
            raise DecodeError("no transaction that the payment does not build on")
        if order != self.unconfirmed:
            raise DecodeError("unconfirmed transactions with parents first, by inputs")

    def encode(self) -> bytes:
        """The bytes as `docs/payments.md` lays them out.

        They may be more than `MAX_PACKET_BYTES`, which nobody decodes.
        """
        groups = [list(group) for _, group in groupby(self.confirmed, key=lambda item: item.height)]
        parts = [bytes((PACKET_VERSION,)), compact_size(len(groups))]
        for group in groups:
            parts += _encode_block(group)
        parts.append(compact_size(len(self.unconfirmed)))
        parts += [item.raw for item in self.unconfirmed]
        parts.append(self.transaction.raw)
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """A packet from exactly these bytes.

        Raises:
            DecodeError: they are not the one encoding of a packet.
        """
        if len(data) > MAX_PACKET_BYTES:
            raise DecodeError(f"at most {MAX_PACKET_BYTES} bytes of a packet")
        reader = Reader(data)
        if reader.u8() != PACKET_VERSION:
            raise DecodeError(f"a packet of version {PACKET_VERSION}", 0)
        confirmed: list[Confirmed] = []
        for _ in range(reader.compact_size(MAX_PACKET_INPUTS)):
            confirmed += _decode_block(reader)
        count = reader.compact_size(MAX_PACKET_INPUTS)
        unconfirmed = [take_transaction(reader) for _ in range(count)]
        transaction = take_transaction(reader)
        reader.finish()
        return cls(transaction, tuple(confirmed), tuple(unconfirmed))


def bare(transaction: Transaction) -> Transaction:
    """The same transaction without its witness."""
    if not transaction.has_witness:
        return transaction
    return Transaction.decode(transaction.stripped)


def lineage(
    transaction: Transaction,
    confirmed: Mapping[Txid, Transaction],
    waiting: Mapping[Txid, Transaction],
) -> tuple[dict[Txid, None], tuple[Transaction, ...]]:
    """What a payment builds on, of what is at hand.

    Args:
        transaction: the payment.
        confirmed: transactions of blocks; what they spend is nobody's concern.
        waiting: transactions of no block.

    Returns:
        The confirmed ones that are needed, and the unconfirmed ones, each behind its parents.

    Raises:
        DecodeError: a transaction is missing, or they are too many or too deep.
    """
    needed: dict[Txid, None] = {}
    heights: dict[Txid, int] = {}  # Of unconfirmed ones above the deepest one they build on.
    order: list[Transaction] = []
    inputs = 0

    def walk(child: Transaction, depth: int) -> int:
        nonlocal inputs
        inputs += len(child.inputs)
        if depth > MAX_DEPTH:
            raise DecodeError(f"at most {MAX_DEPTH} unconfirmed transactions in a row")
        if inputs > MAX_PACKET_INPUTS:
            raise DecodeError(f"at most {MAX_PACKET_INPUTS} inputs")
        height = 1
        for index, point in enumerate(child.prevouts):
            txid = outpoint_txid(point)
            if txid in confirmed:
                needed[txid] = None
                continue
            if txid not in heights:
                parent = waiting.get(txid)
                if parent is None:
                    raise DecodeError(
                        f"the transaction that input {index} of {to_hex(child.txid)} spends from"
                    )
                heights[txid] = walk(parent, depth + 1)
                order.append(parent)
            height = max(height, heights[txid] + 1)
        return height

    if walk(transaction, 1) > MAX_DEPTH:
        raise DecodeError(f"at most {MAX_DEPTH} unconfirmed transactions in a row")
    return needed, tuple(order)


def _check_blocks(confirmed: Sequence[Confirmed]) -> None:
    """Raises DecodeError where proofs are out of order, or of two blocks at one height."""
    for before, item in pairwise(confirmed):
        if (item.height, item.position) <= (before.height, before.position):
            raise DecodeError("proofs by height and position")
        if item.height == before.height and _block_of(item) != _block_of(before):
            raise DecodeError("one block at a height")


def _block_of(item: Confirmed) -> tuple[BlockHash, Transaction, tuple[bytes, ...]]:
    return item.block_hash, item.coinbase, item.coinbase_branch


def _encode_block(group: Sequence[Confirmed]) -> Iterable[bytes]:
    first = group[0]
    yield first.height.to_bytes(4, "little")
    yield first.block_hash
    yield bytes((len(first.coinbase_branch),))
    yield first.coinbase.raw
    yield from first.coinbase_branch
    yield compact_size(len(group))
    for item in group:
        yield item.position.to_bytes(4, "little")
        if item.position:
            yield item.transaction.raw
            yield from item.branch


def _decode_block(reader: Reader) -> Iterable[Confirmed]:
    height, block_hash = reader.u32(), BlockHash(reader.take(_HASH_SIZE))
    depth = reader.u8()
    if depth > MAX_BRANCH:
        raise DecodeError(f"a tree of at most {MAX_BRANCH} levels", reader.offset - 1)
    coinbase = take_transaction(reader)
    coinbase_branch = _take_branch(reader, depth)
    count = reader.compact_size(MAX_PACKET_INPUTS)
    if not count:
        raise DecodeError("a transaction of this block", reader.offset - 1)
    for _ in range(count):
        position = reader.u32()
        transaction = take_transaction(reader) if position else coinbase
        branch = _take_branch(reader, depth) if position else coinbase_branch
        yield Confirmed(
            transaction, height, block_hash, position, branch, coinbase, coinbase_branch
        )


def _take_branch(reader: Reader, depth: int) -> tuple[bytes, ...]:
    return tuple([reader.take(_HASH_SIZE) for _ in range(depth)])


def take_transaction(reader: Reader) -> Transaction:
    """The next transaction; how long it is it says itself.

    Raises:
        DecodeError: cut short, or not in the one valid form.
    """
    transaction, reader.offset = scan_transaction(reader.data, reader.offset)
    return transaction
