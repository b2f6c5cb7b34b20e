"""What must hold in a network of honest nodes at every moment, whatever fails around them.

The names are those of the lab: S1 validity, S2 one ledger, S3 no inflation, S4 most work, S9 no
friendly fire. A `Watch` hears every fact and looks at the node that states it; the first thing that
does not hold is kept as a sentence.
"""

from __future__ import annotations

from collections import Counter

from axon.chain.coinstats import coin_stats
from axon.consensus.kernel import Kernel
from axon.machine import PeerId
from axon.node.facts import BlockRejected, Fact, PeerMisbehaved, TipChanged
from axon.node.full import FullNode
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted
from axon.swarm.invariants import Violation

CLOCKS_DIFFER = "time-too-new"
"""The one reason for which honest nodes refuse each other's blocks: for now, and unpunished."""


class Watch:
    """Looks on while honest nodes run.

    Args:
        attackers: hosts that may be blamed, and whose blocks may be refused.

    Attributes:
        deepest_reorg: blocks that left an active chain at once, at most.
        seen: how often each kind of fact was stated, by its name.
    """

    def __init__(self, attackers: frozenset[str] = frozenset()) -> None:
        self._attackers = attackers
        self.deepest_reorg = 0
        self.seen: Counter[str] = Counter()
        self._digests: dict[BlockHash, bytes] = {}  # Of the coins at each tip.
        self._work: dict[int, int] = {}  # Of each node's tip.
        self._leaving: Counter[int] = Counter()  # Blocks that left since the node's last tip.

    def restarted(self, node: int) -> None:
        """A node begins anew: what its disk lost may be missing from its chain."""
        self._work.pop(node, None)
        self._leaving.pop(node, None)

    def told(self, node: int, machine: FullNode, fact: Fact) -> None:
        """A node states a fact.

        Raises:
            Violation: it must not be so.
        """
        name, itself = type(fact).__name__, (f"node {node}",)
        self.seen[name] += 1
        match fact:
            case PeerMisbehaved(_, address, _) if address.rpartition(":")[0] in self._attackers:
                pass
            case PeerMisbehaved(_, address, rule):
                raise Violation("S9", f"node {node} blames honest {address}: {rule}", itself)
            case BlockRejected(_, "prev-blk-not-found", None):
                pass  # A miner was faster than those who bring the block before.
            case BlockRejected(peer=peer) if self._is_attacker(machine, peer):
                pass
            case BlockRejected(block_hash, reason, _) if reason != CLOCKS_DIFFER:
                raise Violation("S9", f"node {node} refuses {to_hex(block_hash)}: {reason}", itself)
            case TipChanged(chainwork=work):
                before = self._work.get(node, 0)
                if work < before:
                    raise Violation("S4", f"node {node} went from work {before} to {work}", itself)
                self._work[node] = work
                self.deepest_reorg = max(self.deepest_reorg, self._leaving.pop(node, 0))
                self.check_coins(node, machine)
        if name == "BlockDisconnected":
            self._leaving[node] += 1

    def _is_attacker(self, machine: FullNode, peer: PeerId | None) -> bool:
        """Whether a peer is one, or may have been, since it has gone."""
        session = None if peer is None else machine.sessions.get(peer)
        if session is None:
            return peer is not None and bool(self._attackers)
        return session.remote.host in self._attackers

    def check_coins(self, node: int, machine: FullNode) -> None:
        """Equal tips mean equal coins, and no more of them than were ever mined.

        Raises:
            Violation: S2 or S3 does not hold.
        """
        if not machine.follows:
            return  # They go up to an earlier block, and are looked at when they have caught up.
        tip, itself = machine.active.tip, (f"node {node}",)
        stats = coin_stats(machine.coins)
        if stats.best != tip.hash:
            raise Violation("S2", f"node {node} has coins of another block than its tip", itself)
        digest = stats.set_hash
        assert digest is not None, "asked for"
        if self._digests.setdefault(tip.hash, digest) != digest:
            raise Violation(
                "S2",
                f"node {node} has other coins than others at height {tip.height}",
                itself,
            )
        mined_sat = sum(REGTEST.subsidy_sat(height) for height in range(1, tip.height + 1))
        if stats.total_amount_sat != mined_sat:  # Every miner here claims all that is due.
            raise Violation(
                "S3",
                f"{stats.total_amount_sat} sat at node {node}, {mined_sat} mined",
                itself,
            )


def check_most_work(machines: dict[int, FullNode]) -> None:
    """No node stays on less work than a chain of which it holds all blocks.

    Raises:
        Violation: S4 does not hold.
    """
    for node, machine in machines.items():
        tip = machine.active.tip
        for entry in machine.headers.tips():
            whole = entry
            missing = False
            while not machine.active.contains(whole):
                missing = missing or not machine.chain.has_block(whole.hash)
                assert whole.parent is not None, "the genesis block is active"
                whole = whole.parent
            if not missing and entry.chainwork > tip.chainwork:
                raise Violation(
                    "S4",
                    f"node {node} holds a chain with more work than its tip's",
                    (f"node {node}",),
                )


def check_by_kernel(machine: FullNode, read: dict[BlockHash, bytes]) -> None:
    """Let libbitcoinkernel, which shares no code with the in-memory validator, check a whole chain.

    Args:
        machine: whose active chain.
        read: its blocks.

    Raises:
        Violation: S1 does not hold.
    """
    kernel = Kernel(REGTEST)
    try:
        for height in range(1, machine.active.height + 1):
            entry = machine.active.at(height)
            assert entry is not None, "heights up to the tip are active"
            result = kernel.process_block(read[entry.hash])
            if not isinstance(result.verdict, Accepted):
                raise Violation("S1", f"the kernel refuses height {height}: {result.verdict}")
        if kernel.tip()[0] != machine.active.tip.hash:
            raise Violation("S1", "the kernel stands on another tip")
    finally:
        kernel.close()
