"""Blocks that a caller wants to look at, beside those of the scan: what the last ones charged.

asked --blocks come, are checked--> answered, with what was made of each
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.machine import Instant, PeerId
from axon.node.commands import Feerates
from axon.node.outbox import Outbox
from axon.node.session import Session
from axon.node.walletjobs import WALLET, MeasureBlockFees
from axon.p2p.blockfetch import BlockFetch
from axon.p2p.faults import PeerViolation
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected

MAX_READS: Final = 50
"""Blocks wanted at a time by all callers together; more are refused."""


@dataclass(frozen=True, slots=True)
class BlockFeesMeasured:
    """Continuation: it is known what a block charged.

    Args:
        entry: of which block.
        peer: who sent it.
    """

    entry: HeaderEntry
    peer: PeerId


@dataclass(frozen=True, slots=True)
class _Caller:
    ticket: int
    blocks: tuple[BlockHash, ...]  # The oldest first.


class BlockReads:
    """The feerates of single blocks, for callers.

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
        self._known: dict[BlockHash, int] = {}  # Of blocks that a caller waits for.
        self._callers: list[_Caller] = []

    def want(self, count: int, ticket: int, now: Instant) -> None:
        """Find what the last blocks charged; answered with None if too many are asked for."""
        entries: list[HeaderEntry] = []
        entry = self._tree.best
        while entry.parent is not None and len(entries) < count:
            entries.append(entry)
            entry = entry.parent
        if len(self._wanted) + len(entries) > MAX_READS:
            self._outbox.answer(ticket, None)
            return
        names = tuple([entry.hash for entry in reversed(entries)])
        self._callers.append(_Caller(ticket, names))
        for entry in entries:
            if entry.hash not in self._known:
                self._wanted[entry.hash] = entry
        self.settle(now)
        self._answer()

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
        job = MeasureBlockFees(block_hash, entry.height, raw)
        self._outbox.delegate(job, WALLET, BlockFeesMeasured(entry, session.peer))
        return True

    def measured(self, done: BlockFeesMeasured, outcome: int | Rejected, now: Instant) -> None:
        """It is known what a block charged; Rejected if the peer sent another one."""
        entry, peer = done.entry, done.peer
        if isinstance(outcome, Rejected):
            self._wanted[entry.hash] = entry
            self._outbox.disconnect(
                peer, PeerViolation(f"Bitcoin Core: no invalid blocks: {outcome}")
            )
            self._outbox.perform(self._blocks.missing(peer, entry.hash, now))
            return
        self._known[entry.hash] = outcome
        self._outbox.perform(self._blocks.arrived(entry.hash, now))
        self._answer()

    def _answer(self) -> None:
        """Answer every caller whose blocks are all here."""
        waiting: list[_Caller] = []
        for caller in self._callers:
            if all(name in self._known for name in caller.blocks):
                feerates = tuple([self._known[name] for name in caller.blocks])
                self._outbox.answer(caller.ticket, Feerates(feerates, self._floor()))
            else:
                waiting.append(caller)
        self._callers = waiting
        if not waiting:
            self._known.clear()

    def _floor(self) -> int:
        floors = sorted(self._floors.values())
        return floors[len(floors) // 2] if floors else 0
