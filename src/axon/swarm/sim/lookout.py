"""Notices which interesting states the nodes and wallets of a simulated network come to.

It hears the facts that machines state, and now and then looks at a machine; it changes nothing.
What the states are stands in `axon.swarm.sightings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.machine import Machine
from axon.node.blocktraced import BlockTraced
from axon.node.facts import (
    BlockConnected,
    BlockDisconnected,
    Fact,
    PaymentFound,
    PeerConnected,
    PeerDisconnected,
    ScanAdvanced,
    TipChanged,
    TransactionAccepted,
    TransactionRejected,
    TransactionSpread,
)
from axon.node.full import FullNode
from axon.node.peernode import PeerNode
from axon.node.spv import SpvNode
from axon.p2p.addrplacement import named_source
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.seeding import FIXED_SEEDS
from axon.primitives.hashes import BlockHash, Txid, Wtxid
from axon.swarm import sightings
from axon.swarm.sightings import Sightings

DEEP: Final = 2
"""So many blocks that leave a chain at once are more than two miners at one moment."""

_ENDS: Final = {
    "it holds the block download back": sightings.STALL,
    "a block did not arrive in time": sightings.STALL,
    "evicted for a new connection": sightings.EVICTION,
    "feeler complete": sightings.FEELER,
}
"""What it means that a node ends a connection, by the reason it gives."""

_SILENT: Final = ("no pong within", "nothing received for", "nothing could be sent for")
_MISSING: Final = "bad-txns-inputs-missingorspent"


@dataclass(slots=True)
class _NodeNotes:
    """What is remembered of one full node."""

    leaving: int = 0
    lacking: dict[Wtxid, None] = field(default_factory=dict)


@dataclass(slots=True)
class _WalletNotes:
    """What is remembered of one wallet: payments under way, and whether a peer has gone since."""

    seen: HeaderEntry | None = None
    under_way: dict[Txid, str] = field(default_factory=dict)


class Lookout:
    """Looks on while a network runs.

    Attributes:
        found: how often each state was reached.
    """

    def __init__(self) -> None:
        self.found = Sightings()
        self._nodes: dict[int, _NodeNotes] = {}
        self._wallets: dict[int, _WalletNotes] = {}
        self._heights: dict[int, BlockHash] = {}
        self._seeded: dict[int, dict[str, None]] = {}  # What was noticed of each node's seeds.

    # Full nodes.

    def told(self, number: int, machine: FullNode, fact: Fact) -> None:
        """A full node states a fact."""
        notes = self._nodes.setdefault(number, _NodeNotes())
        match fact:
            case BlockDisconnected():
                notes.leaving += 1
            case BlockConnected(block_hash, height):
                if self._heights.setdefault(height, block_hash) != block_hash:
                    self.found.add(sightings.TIE)
            case TipChanged():
                if notes.leaving >= DEEP:
                    self.found.add(sightings.REORG)
                notes.leaving = 0
            case BlockTraced(timeline) if timeline.rebuilt is not None:
                if timeline.rebuilt.requested:
                    self.found.add(sightings.COMPACT_BLOCK)
            case TransactionRejected(_, wtxid, reason) if reason == _MISSING:
                notes.lacking[wtxid] = None
            case TransactionAccepted(wtxid=wtxid, peer=None) if wtxid in notes.lacking:
                del notes.lacking[wtxid]
                self.found.add(sightings.ORPHAN)
            case PeerConnected(connection_type=kind, address=address):
                self._seeds(number, machine)
                anchors = map(str, machine.links.config.anchors)
                if kind == ConnectionType.BLOCK_RELAY.value and address in anchors:
                    self.found.add(sightings.ANCHOR)
            case PeerDisconnected(reason=reason, by_us=True):
                self._ended(reason)

    def _ended(self, reason: str) -> None:
        if reason in _ENDS:
            self.found.add(_ENDS[reason])
        elif reason.startswith(_SILENT):
            self.found.add(sightings.SILENCE)

    def _seeds(self, number: int, machine: PeerNode) -> None:
        """Whether addresses came from seeds, each kind once for a node."""
        config = machine.links.config
        sources = {named_source(name): sightings.DNS_SEED for name in config.dns_seeds}
        if config.fixed_seeds:
            sources[named_source(FIXED_SEEDS)] = sightings.FIXED_SEED
        noticed = self._seeded.setdefault(number, {})
        if all(sight in noticed for sight in sources.values()):
            return
        for address in machine.links.addrman.addresses():
            record = machine.links.addrman.record(address)
            sight = None if record is None else sources.get(record.source)
            if sight is not None and sight not in noticed:
                noticed[sight] = None
                self.found.add(sight)

    def restarted(self, number: int, *, disk_failed: bool) -> None:
        """A program begins anew.

        Args:
            number: of the program.
            disk_failed: it had ended because its disk failed.
        """
        self._nodes.pop(number, None)
        if disk_failed:
            self.found.add(sightings.DISK)

    # Wallets.

    def wallet_told(self, number: int, machine: Machine, fact: Fact) -> None:
        """A light client states a fact."""
        assert isinstance(machine, SpvNode)
        notes = self._wallets.setdefault(number, _WalletNotes())
        match fact:
            case ScanAdvanced():
                self._scanned(notes, machine)
            case TransactionSpread(txid) if fact.given or fact.held:
                notes.under_way.setdefault(txid, "")
            case PeerDisconnected(by_us=by_us, reason=reason):
                if by_us:
                    self._ended(reason)
                if not by_us or reason.startswith(_SILENT):
                    notes.under_way = dict.fromkeys(notes.under_way, "left")
            case PeerConnected():
                self._seeds(number, machine)
                notes.under_way = {
                    txid: "switched" if state else "" for txid, state in notes.under_way.items()
                }
            case PaymentFound(txid) if notes.under_way.pop(txid, "") == "switched":
                self.found.add(sightings.WALLET_SWITCH)

    def _scanned(self, notes: _WalletNotes, machine: SpvNode) -> None:
        """Whether the last block that the wallet had seen is still in the best chain."""
        best, before = machine.headers.best, notes.seen
        now_there = None if before is None else best.ancestor(before.height)
        if before is not None and now_there is not None and now_there.hash != before.hash:
            self.found.add(sightings.WALLET_REORG)
        height = machine.scan.height
        notes.seen = best.ancestor(height) if height >= 0 else None
