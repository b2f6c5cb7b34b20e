"""What must hold of a wallet that says that it is in sync, once it has reached an honest node.

It is not in sync below the best chain of any honest node that it has reached; and what it holds in
blocks is what the honest chain says. Among liars alone nothing can be told from the truth.

News takes its time from node to node, so a tip counts once it is `NEWS_TIME` old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.machine import SECOND, Instant
from axon.node.spv import SpvNode
from axon.primitives.block import Block
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, outpoint
from axon.swarm.invariants import Violation
from axon.swarm.sim.lightprogram import Device
from axon.swarm.sim.simulation import SimNetwork
from axon.wallet.wallet import Wallet

NEWS_TIME: Final = 3 * SECOND
"""From a node's new tip until its peers must have it: an announcement, a question, an answer."""


class LightJudge:
    """Holds devices against the honest nodes of a simulated network.

    Args:
        net: the network.
        honest: the numbers of its honest nodes; the first one mines.
        script: the owner's.
    """

    def __init__(self, net: SimNetwork, honest: Sequence[int], script: bytes) -> None:
        self._net = net
        self._honest = tuple(honest)
        self._script = script
        self._tips: dict[int, list[tuple[Instant, int]]] = {number: [] for number in honest}
        self._coins: dict[OutPoint, int] = {}
        self._balances_sat: list[int] = []  # Of the owner in blocks, by height.

    def note_tips(self) -> None:
        """Remember how much work each honest node's chain has now."""
        for number, tips in self._tips.items():
            chainwork = self._net.machine(number).active.tip.chainwork
            if not tips or tips[-1][1] != chainwork:
                tips.append((self._net.now, chainwork))

    def check(self, device: Device) -> None:
        """See that what a device says is true.

        Raises:
            Violation: it is in sync, and should not say so, or holds something else.
        """
        machine = self._net.simulation.machine(device.number)
        assert isinstance(machine, SpvNode)
        if not machine.is_synced:
            return
        self.note_tips()
        best = machine.headers.best
        reached = self._reached(machine)
        for number in reached:
            due = [work for when, work in self._tips[number] if when <= self._net.now - NEWS_TIME]
            if due and best.chainwork < due[-1]:
                raise Violation(
                    "S7", f"in sync at height {best.height}; honest node {number} has more"
                )
        held_sat, due_sat = confirmed_sat(device.wallet), self._balance_sat(best.height)
        if reached and held_sat != due_sat:
            raise Violation("S7", f"in sync with {held_sat} sat in blocks instead of {due_sat}")

    def _reached(self, machine: SpvNode) -> list[int]:
        numbers = [
            self._net.simulation.number_of(session.remote.host)
            for session in machine.sessions.values()
            if session.negotiated is not None and session.kind.is_lasting
        ]
        return [number for number in numbers if number is not None and number in self._tips]

    def _balance_sat(self, height: int) -> int:
        """What the owner has in the honest chain's blocks up to a height."""
        blocks = self._net.nodes[self._honest[0]].disk.blocks
        for raw in blocks[len(self._balances_sat) :]:
            for item in Block.decode(raw).transactions:
                for prevout in item.prevouts:
                    self._coins.pop(prevout, None)
                for index, output in enumerate(item.outputs):
                    if output.script_pubkey == self._script:
                        self._coins[outpoint(item.txid, index)] = output.amount_sat
            self._balances_sat.append(sum(self._coins.values()))
        return self._balances_sat[height - 1] if height else 0  # The genesis block pays nobody.


def confirmed_sat(wallet: Wallet) -> int:
    """What a wallet holds by its confirmed transactions alone."""
    ledger = wallet.ledger
    return sum(
        owned.output.amount_sat
        for point, owned in ledger.owned.items()
        if Txid(point[:32]) in ledger.confirmed
        and not any(spender in ledger.confirmed for spender in ledger.spenders(point))
    )
