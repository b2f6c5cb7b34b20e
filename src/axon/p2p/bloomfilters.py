"""Bloom filters that light clients set, and what they have them get: the serving side of BIP 37.

    no filter --filterload--> filtered --filterclear--> no filter
                              filtered --filteradd, filterload--> filtered

A filter decides which transactions of the pool its owner hears of (`p2p/txrelay`), and which of a
block are given to it beside the proof that they are in there (`p2p/serving`). Matching takes time,
so it is done off the loop, with a copy: what the copy learns meanwhile is united with the filter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError
from axon.machine import PeerId
from axon.p2p.faults import PeerFault, PeerViolation
from axon.primitives.block import Block
from axon.primitives.bloom import (
    MAX_ELEMENT_BYTES,
    MAX_FILTER_BYTES,
    MAX_HASH_FUNCTIONS,
    BloomFilter,
)
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.transaction import Transaction
from axon.wire.messages import FilterAdd, FilterClear, FilterLoad, MerkleBlock

FilterMessage = FilterLoad | FilterAdd | FilterClear

NO_FILTER: Final = "Bitcoin Core: an element is added to a filter that was set before"


class BloomFilters:
    """The bloom filters of all peers: one of 36,000 bytes for each that was offered them."""

    def __init__(self) -> None:
        self._filters: dict[PeerId, BloomFilter | None] = {}

    def opened(self, peer: PeerId) -> None:
        """A peer to which bloom filters are offered, and transactions relayed."""
        self._filters[peer] = None

    def received(self, peer: PeerId, message: FilterMessage, *, offered: bool) -> bool:
        """A peer sets its filter, adds to it or takes it back.

        Args:
            peer: who.
            message: what it says.
            offered: whether our `version` offered it bloom filters.

        Returns:
            Whether it has asked for transactions with it, filtered or not.

        Raises:
            PeerFault: bloom filters are not offered to it.
            PeerViolation: the filter or the element is too large, or there is no filter to add to.
        """
        if not offered:
            raise PeerFault(f"{message.command} received despite not offering bloom services")
        relayed = peer in self._filters  # Else nothing is told to it anyway.
        match message:
            case FilterLoad(bits, functions, tweak, flags):
                if len(bits) > MAX_FILTER_BYTES or functions > MAX_HASH_FUNCTIONS:
                    raise PeerViolation(
                        f"BIP 37: a bloom filter has at most {MAX_FILTER_BYTES} bytes and "
                        f"{MAX_HASH_FUNCTIONS} hash functions"
                    )
                if relayed:
                    self._filters[peer] = BloomFilter(bits, functions, tweak, flags)
            case FilterAdd(element):
                self._add(peer, element, relayed=relayed)
                return False
            case FilterClear() if relayed:
                self._filters[peer] = None
        return relayed

    def _add(self, peer: PeerId, element: bytes, *, relayed: bool) -> None:
        if len(element) > MAX_ELEMENT_BYTES:
            raise PeerViolation(f"BIP 37: an element has at most {MAX_ELEMENT_BYTES} bytes")
        bloom = self.get(peer)
        if bloom is not None:
            bloom.insert(element)
        elif relayed:
            raise PeerViolation(NO_FILTER)

    def offered(self, peer: PeerId) -> bool:
        """Whether a peer may set a filter."""
        return peer in self._filters

    def get(self, peer: PeerId) -> BloomFilter | None:
        """The filter of a peer; None if it has set none."""
        return self._filters.get(peer)

    def learnt(self, peer: PeerId, bloom: BloomFilter, copy: BloomFilter) -> None:
        """Something was matched with a copy of a filter, which may have learnt from it.

        Args:
            peer: whose.
            bloom: the filter from which the copy was made; another one may be set by now.
            copy: what it has become.
        """
        if self.get(peer) is bloom:
            bloom.unite(copy)

    def closed(self, peer: PeerId) -> None:
        """A peer has gone."""
        self._filters.pop(peer, None)


@dataclass(frozen=True, slots=True)
class PoolMatch:
    """Transactions of the pool that are to be matched with a peer's filter before it hears of them.

    Args:
        peer: whose.
        bloom: the filter.
        transactions: in the order in which they are announced.
        sequence: of the pool when they were chosen.
    """

    peer: PeerId
    bloom: BloomFilter
    transactions: tuple[Transaction, ...]
    sequence: int


@dataclass(frozen=True, slots=True)
class FilteredBlock:
    """What a peer gets of a block.

    Args:
        merkleblock: the header, and the proof of the transactions that match.
        transactions: these.
    """

    merkleblock: MerkleBlock
    transactions: tuple[Transaction, ...]


def match_all(bloom: BloomFilter, transactions: Iterable[Transaction]) -> list[bool]:
    """Whether each transaction matches; the filter learns from one before the next is matched."""
    return [bloom.match(item) for item in transactions]


def filter_block(raw: bytes, bloom: BloomFilter) -> FilteredBlock | None:
    """What a filter lets through of a block, and learns from; None if the bytes are no block."""
    try:
        block = Block.decode(raw)
    except DecodeError:
        return None
    matches = match_all(bloom, block.transactions)
    tree = PartialMerkleTree.build([item.txid for item in block.transactions], matches)
    found = [item for item, hit in zip(block.transactions, matches, strict=True) if hit]
    return FilteredBlock(MerkleBlock(block.header, tree), tuple(found))
