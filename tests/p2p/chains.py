"""Real regtest chains, mined on the spot, for the tests of this room."""

from __future__ import annotations

from typing import Final

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.machine import SECOND, Instant
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import REGTEST
from axon.primitives.script import push
from axon.primitives.target import meets_target
from axon.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut

BITS: Final = REGTEST.genesis.header.bits
START_S: Final = 1_700_000_000
"""When the chains of these tests begin."""


def mine(prev: BlockHash, time: int, root: bytes = bytes(32), bits: int = BITS) -> Header:
    """A header that proves its work."""
    nonce = 0
    while True:
        header = Header.build(0x2000_0000, prev, root, time, bits, nonce)
        if meets_target(header.hash, bits):
            return header
        nonce += 1


def mine_headers(
    parent: Header, count: int, *, spacing_s: int = 600, salt: int = 0
) -> list[Header]:
    """Headers on top of another; a different salt gives a different branch."""
    root = salt.to_bytes(32, "little")
    headers: list[Header] = []
    time = max(parent.time, START_S)
    for _ in range(count):
        time += spacing_s
        parent = mine(parent.hash, time, root)
        headers.append(parent)
    return headers


def mine_block(parent: Header, height: int, *, witness: bool = False, time: int = 0) -> Block:
    """A block with nothing but a coinbase."""
    script_sig = push(height.to_bytes(3, "little")) + b"\x00"
    coinbase = Transaction.build(
        2,
        (TxIn(NULL_OUTPOINT, script_sig, 0xFFFF_FFFF, (bytes(32),) if witness else ()),),
        (TxOut(50_0000_0000, b"\x51"),),
        0,
    )
    when = time or max(parent.time, START_S) + 600
    return Block.build(mine(parent.hash, when, merkle_root([coinbase.txid])), (coinbase,))


def mine_blocks(parent: Header, count: int, first_height: int) -> list[Block]:
    """Blocks on top of another."""
    blocks: list[Block] = []
    for height in range(first_height, first_height + count):
        blocks.append(mine_block(parent, height))
        parent = blocks[-1].header
    return blocks


def after(header: Header, seconds: int = 0) -> Instant:
    """A moment after a header's time."""
    return (header.time + seconds) * SECOND


class Ledger:
    """A header tree, an active chain and the blocks: what a node keeps, without any rules.

    Args:
        minimum_chainwork: what the network's chain is known to have at least.
        initial_sync: the node is still catching up.
    """

    def __init__(self, minimum_chainwork: int = 0, *, initial_sync: bool = False) -> None:
        self.minimum_chainwork = minimum_chainwork
        self.initial_sync = initial_sync
        self.tree = HeaderTree(REGTEST)
        self.active = ActiveChain(self.tree.genesis)
        self.blocks: dict[BlockHash, Block] = {REGTEST.genesis.hash: REGTEST.genesis}

    @property
    def headers(self) -> HeaderTree:
        """The header tree."""
        return self.tree

    @property
    def tip(self) -> HeaderEntry:
        """The newest active block."""
        return self.active.tip

    def in_initial_sync(self, now: Instant) -> bool:  # noqa: ARG002
        """Whether the node is still catching up."""
        return self.initial_sync

    def has_block(self, block_hash: BlockHash) -> bool:
        """Whether the block is stored."""
        return block_hash in self.blocks

    def is_held(self, block_hash: BlockHash) -> bool:
        """The same: nothing is pruned here."""
        return self.has_block(block_hash)

    def learn(self, headers: list[Header]) -> list[HeaderEntry]:
        """Take in headers, which must be valid."""
        verdict = self.tree.add_chain(headers, (headers[-1].time + 1) * SECOND)
        assert verdict.rejected is None
        found = [self.tree.get(header.hash) for header in headers]
        return [entry for entry in found if entry is not None]

    def connect(self, entries: list[HeaderEntry]) -> None:
        """Make entries active without any block."""
        for entry in entries:
            self.active.connect(entry)

    def store(self, block: Block) -> list[HeaderEntry]:
        """Take in a block; what it let connect, lowest first."""
        self.blocks[block.hash] = block
        connected: list[HeaderEntry] = []
        best = self.tree.best
        while (entry := best.ancestor(self.active.height + 1)) is not None:
            if entry.parent is not self.active.tip or entry.hash not in self.blocks:
                break
            self.active.connect(entry)
            connected.append(entry)
        return connected
