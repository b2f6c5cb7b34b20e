"""S5, bounded history change: what a node takes off its chain, it took on not long ago.

Two miners may find blocks at one moment, and then one more each: two blocks leave a chain even
where nothing is wrong. Where something keeps nodes apart, each side goes on by itself, and the
shorter side loses all that it found meanwhile; but no more. So of the blocks that leave a chain at
once, all but two must have been found after the trouble began.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.machine import Instant
from axon.node.facts import BlockConnected, BlockDisconnected, Fact, TipChanged
from axon.node.full import FullNode
from axon.primitives.hashes import BlockHash
from axon.swarm.invariants import Violation

USUAL_DEPTH: Final = 2
"""Blocks that a chain may lose although nothing is wrong."""


class HistoryChange:
    """Looks on while honest nodes run.

    Args:
        settled_height: of the chain from the start; all have these blocks.
        trouble_since: when nodes began to be kept from each other; None: they are not.
    """

    def __init__(self, settled_height: int, trouble_since: Instant | None = None) -> None:
        self._settled_height = settled_height
        self.trouble_since = trouble_since
        self._found_at: dict[BlockHash, Instant] = {}
        self._leaving: dict[int, list[BlockHash]] = {}

    def restarted(self, node: int) -> None:
        """A node begins anew, with the chain that is on its disk."""
        self._leaving.pop(node, None)

    def told(self, node: int, fact: Fact, now: Instant) -> None:
        """A node states a fact.

        Args:
            node: its number.
            fact: what it states.
            now: the true time, whatever its clock says.

        Raises:
            Violation: it has taken back more than it may.
        """
        match fact:
            case BlockConnected(block_hash, height) if height > self._settled_height:
                self._found_at.setdefault(block_hash, now)
            case BlockDisconnected(block_hash):
                self._leaving.setdefault(node, []).append(block_hash)
            case TipChanged():
                left = self._leaving.pop(node, [])
                old = self._old(left)
                if old > USUAL_DEPTH:
                    raise Violation("S5", self._said(node, len(left), old), (f"node {node}",))

    def check_suffixes(self, machines: Mapping[int, FullNode]) -> None:
        """Two nodes differ only in what was found since the trouble began, and two blocks before.

        Raises:
            Violation: a node holds more that the one with the most work does not have.
        """
        if not machines:
            return
        best = max(machines.values(), key=lambda machine: machine.active.tip.chainwork)
        for node, machine in machines.items():
            apart, walk = list[BlockHash](), machine.active.tip
            while not _stands_on(best, walk):
                apart.append(walk.hash)
                assert walk.parent is not None, "all have the genesis block"
                walk = walk.parent
            old = self._old(apart)
            if old > USUAL_DEPTH:
                said = f"node {node} differs from the longest chain in {len(apart)} blocks"
                raise Violation("S5", f"{said}, {old} of them old", (f"node {node}",))

    def _old(self, blocks: list[BlockHash]) -> int:
        """How many were found before the trouble began; all of them if there is none."""
        since = self.trouble_since
        if since is None:
            return len(blocks)
        return sum(self._found_at.get(block, 0) < since for block in blocks)

    def _said(self, node: int, depth: int, old: int) -> str:
        if self.trouble_since is None:
            return f"node {node} took {depth} blocks off its chain although nothing is wrong"
        return f"node {node} took {depth} blocks off its chain, {old} of them from before trouble"


def _stands_on(machine: FullNode, entry: HeaderEntry) -> bool:
    """Whether a block is in the active chain of a machine; the entry may be another one's."""
    there = machine.active.at(entry.height)
    return there is not None and there.hash == entry.hash
