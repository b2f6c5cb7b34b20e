"""Blocks that a caller wants to look at, beside those of the scan: what the last ones charged, what
one of them proves.

asked --blocks come, are checked--> looked at --all that a caller wants--> answered
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.blockfees import feerate_of_block
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.machine import Instant, PeerId
from axon.node.commands import Feerates, RecentFeerates
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.node.walletjobs import WALLET, BlockLook, LookAtBlock
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.faults import PeerViolation
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import Network
from axon.primitives.verdict import Rejected

MAX_READS: Final = 50
"""Blocks wanted at a time by all callers together; more are refused."""


@dataclass(frozen=True, slots=True)
class ExamineBlock:
    """Have a light client read a block of its best chain, for what somebody wants to know of it.

    The answer is that; None if there is no such block, or too many are wanted at a time.

    Args:
        height: of the block.
        look: what is to be found out.
    """

    height: int
    look: BlockLook


@dataclass(frozen=True, slots=True)
class BlockLookedAt:
    """Continuation: a block was looked at.

    Args:
        entry: of which block.
        peer: who sent it.
        looks: what was to be found out.
    """

    entry: HeaderEntry
    peer: PeerId
    looks: tuple[BlockLook, ...]


@dataclass(frozen=True, slots=True)
class _Charged:
    """What a block charged, in sat per 1,000 vbytes."""

    def read(self, block: Block, height: int, network: Network) -> int:
        return feerate_of_block(block, network.subsidy_sat(height))


@dataclass(frozen=True, slots=True)
class _Caller:
    ticket: int
    command: RecentFeerates | ExamineBlock
    blocks: tuple[BlockHash, ...]  # The oldest first.

    @property
    def look(self) -> BlockLook:
        return self.command.look if isinstance(self.command, ExamineBlock) else _Charged()


class BlockReads:
    """Single blocks, for callers.

    Args:
        outbox: where effects go.
        tree: all headers known.
        blocks: brings blocks.
        floors: the feerate below which each peer wants nothing, as it has said.
    """

    def __init__(
        self,
        outbox: Outbox,
        tree: HeaderTree,
        blocks: BlockFetch,
        floors: Mapping[PeerId, int],
    ) -> None:
        self._outbox = outbox
        self._tree = tree
        self._blocks = blocks
        self._floors = floors
        self._wanted: dict[BlockHash, HeaderEntry] = {}
        self._known: dict[tuple[BlockHash, BlockLook], object] = {}  # What a caller waits for.
        self._callers: list[_Caller] = []

    def want(self, command: RecentFeerates | ExamineBlock, ticket: int, now: Instant) -> None:
        """Look at the last blocks, or at one; answered with None if too many are asked for."""
        entries = self._entries(command)
        if entries is None or len(self._wanted) + len(entries) > MAX_READS:
            self._outbox.answer(ticket, None)
            return
        caller = _Caller(ticket, command, tuple([entry.hash for entry in reversed(entries)]))
        self._callers.append(caller)
        for entry in entries:
            if (entry.hash, caller.look) not in self._known:
                self._wanted[entry.hash] = entry
        self.settle(now)
        self._answer()

    def _entries(self, command: RecentFeerates | ExamineBlock) -> list[HeaderEntry] | None:
        """The blocks that a caller wants, the newest first; None if there is no such one."""
        entry = self._tree.best
        if isinstance(command, ExamineBlock):
            wanted = entry.ancestor(command.height)
            return None if wanted is None else [wanted]
        entries: list[HeaderEntry] = []
        while entry.parent is not None and len(entries) < command.blocks:
            entries.append(entry)
            entry = entry.parent
        return entries

    def settle(self, now: Instant) -> None:
        """Ask for what nobody asks for any more: the scan gives all requests up when it turns."""
        missing = [name for name in self._wanted if not self._blocks.is_wanted(name)]
        if missing:
            self._outbox.perform(self._blocks.want(missing, now))

    def received_block(self, session: Session, block_hash: BlockHash, raw: bytes) -> bool:
        """A block that was asked for; whether a caller wanted it."""
        entry = self._wanted.pop(block_hash, None)
        if entry is None:
            return False
        waiting = [caller.look for caller in self._callers if block_hash in caller.blocks]
        looks = tuple(dict.fromkeys(waiting))
        job = LookAtBlock(block_hash, entry.height, raw, looks)
        self._outbox.delegate(job, WALLET, BlockLookedAt(entry, session.peer, looks))
        return True

    def looked_at(
        self, done: BlockLookedAt, outcome: tuple[object, ...] | Rejected, now: Instant
    ) -> None:
        """It is known what a block says; Rejected if the peer sent another one."""
        entry, peer = done.entry, done.peer
        if isinstance(outcome, Rejected):
            self._wanted[entry.hash] = entry
            self._outbox.disconnect(
                peer, PeerViolation(f"Bitcoin Core: no invalid blocks: {outcome}")
            )
            self._outbox.perform(self._blocks.missing(peer, entry.hash, now))
            return
        for look, found in zip(done.looks, outcome, strict=True):
            self._known[entry.hash, look] = found
        self._outbox.perform(self._blocks.arrived(entry.hash, now))
        self._answer()

    def _answer(self) -> None:
        """Answer every caller whose blocks are all here."""
        waiting: list[_Caller] = []
        for caller in self._callers:
            names = [(block_hash, caller.look) for block_hash in caller.blocks]
            if all(name in self._known for name in names):
                found = [self._known[name] for name in names]
                self._outbox.answer(caller.ticket, self._answer_to(caller, found))
            else:
                waiting.append(caller)
        self._callers = waiting
        if not waiting:
            self._known.clear()

    def _answer_to(self, caller: _Caller, found: list[object]) -> object:
        if isinstance(caller.command, ExamineBlock):
            return found[0]
        feerates = tuple([each for each in found if isinstance(each, int)])
        return Feerates(feerates, self._floor())

    def _floor(self) -> int:
        floors = sorted(self._floors.values())
        return floors[len(floors) // 2] if floors else 0
