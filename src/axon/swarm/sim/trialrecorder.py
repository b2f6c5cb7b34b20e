"""Writes down what happens in one simulated trial: operations, blocks, links, how things spread.

It only looks on: the run is the same with it and without.
"""

from __future__ import annotations

from collections.abc import Iterable

from axon.machine import Instant
from axon.node.facts import BlockConnected, Fact, TipChanged, TransactionAccepted
from axon.node.peernode import PeerNode
from axon.primitives.hashes import to_hex
from axon.swarm.faultplan import FaultPlan, FaultStep
from axon.swarm.invariants import Finding
from axon.swarm.sim.trialnetwork import TrialNetwork
from axon.swarm.trialhistory import (
    JUDGE,
    NEMESIS,
    HistoryLine,
    LineType,
    Link,
    TipSeen,
    TrialHistory,
    TrialPhase,
    link_of,
)

_TIP_DIGITS = 8


class TrialRecorder:
    """What happens from now on.

    Args:
        net: the network.
        unharmed: nodes that are not harmed: how fast something spreads is measured among these.
    """

    def __init__(self, net: TrialNetwork, unharmed: Iterable[str]) -> None:
        self.history = TrialHistory()
        self._net = net
        self._unharmed = frozenset(unharmed)
        self._begin = net.now
        self._first_at: dict[bytes, Instant] = {}  # Of each block and transaction.
        for plan in net.blueprint.nodes:
            tip = net.node(plan.name).active.tip
            self._note_tip(plan.name, tip.height, to_hex(tip.hash))
        self.look(TrialPhase.BEFORE)

    @property
    def _at(self) -> Instant:
        return self._net.now - self._begin

    def note(self, client: str, what: str, kind: LineType, said: str = "") -> None:
        """One more moment of an operation."""
        self.history.add_line(HistoryLine(self._at, client, what, kind, said))

    def did(self, step: FaultStep) -> None:
        """A step of a fault plan was carried out."""
        params = "".join(f" {name}={value}" for name, value in step.params)
        self.note(NEMESIS, str(step.op), LineType.INFO, f"{step.target}{params}")
        for plan in self._net.blueprint.nodes:
            if not self._net.is_running(plan.name):
                self._note_tip(plan.name, -1, "")

    def heals(self, healing: FaultPlan) -> None:
        """The harm is about to be taken back."""
        self.look(TrialPhase.HELD)
        self.history.heals_at_us = self._at
        if not healing.steps:
            self.note(NEMESIS, "healing", LineType.INFO, "there is nothing to take back")

    def judged(self, findings: Iterable[Finding]) -> None:
        """What was found of some invariants; only what does not hold is a line."""
        for each in findings:
            if each.holds is False:
                self.note(JUDGE, each.name, LineType.FAIL, each.said)

    def end(self) -> TrialHistory:
        """All of it."""
        self.look(TrialPhase.HEALED)
        self.history.ends_at_us = self._at
        return self.history

    def told(self, name: str, fact: Fact) -> None:
        """A node states a fact."""
        match fact:
            case TipChanged(hash=block_hash, height=height):
                self._note_tip(name, height, to_hex(block_hash))
            case BlockConnected(hash=block_hash, height=height):
                tip = to_hex(block_hash)[-_TIP_DIGITS:]
                if name in self._unharmed and block_hash not in self._first_at:
                    self.note(name, "block", LineType.INFO, f"{height} ..{tip} is here first")
                self._spread(name, block_hash, self.history.block_delays_us)
            case TransactionAccepted(txid=txid):
                self._spread(name, txid, self.history.transaction_delays_us)

    def _note_tip(self, name: str, height: int, block_hex: str) -> None:
        self.history.add_tip(TipSeen(self._at, name, height, block_hex[-_TIP_DIGITS:]))

    def _spread(self, name: str, item: bytes, delays_us: list[int]) -> None:
        if name in self._unharmed:
            now = self._net.now
            first_at = self._first_at.setdefault(item, now)
            if now > first_at:
                self.history.add_delay(delays_us, now - first_at)

    def look(self, phase: TrialPhase) -> None:
        """Who is linked to whom now."""
        names = [plan.name for plan in self._net.blueprint.nodes]
        names += [wallet.name for wallet in self._net.blueprint.wallets]
        seen = {name: self._linked(name) for name in names if self._net.is_running(name)}
        both: dict[Link, None] = {}
        for name, others in seen.items():
            for other in others:
                if name in seen.get(other, ()):
                    both[link_of(name, other)] = None
        self.history.set_links(phase, both)

    def _linked(self, name: str) -> dict[str, None]:
        """With whom a program has finished a handshake, as it thinks."""
        net = self._net
        machine: PeerNode = net.node(name) if net.is_node(name) else net.light(name)
        return {
            other: None
            for session in machine.sessions.values()
            if session.keepalive is not None
            and (other := net.name_at(session.remote.host)) is not None
        }
