"""The miners of a trial: whom they ask for work, how long they wait, and to whom they hand a block.

A miner is no machine. It asks nodes as a program asks for a template: one that does not answer in
time is passed over, unless the miner waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import log
from typing import Final

from axon.machine import SECOND
from axon.node.commands import SubmitBlock
from axon.primitives.block import Block
from axon.swarm.blueprint import MinerPlan
from axon.swarm.faultplan import FaultStep, Op, Withheld
from axon.swarm.signer import Signer
from axon.swarm.sim.simulation import SimNetwork

BLOCK_INTERVAL: Final = 30 * SECOND
"""Mean time between blocks, all miners together."""

HANDED_TO: Final = 2
"""Nodes to which a miner hands what it found: one of them may keep it to itself."""

TEMPLATE_TIME: Final = SECOND
"""In which a node that is not slow answers what to mine."""

PATIENCE: Final = 60 * SECOND
"""A miner that has no answer after this asks the next node, or the same one again."""

_DEAD: Final = "dead"
_CENSORS: Final = "censors"
_NOBODY: Final = Signer("a miner").script


class Miners:
    """All miners of one network.

    Args:
        net: its nodes.
        plans: the miners.
        number: of a node in the simulation.
        delay_us: how long a node takes for an answer that it has after `TEMPLATE_TIME` in good
            health; None if it does not answer.

    Attributes:
        rest: no blocks are found at all.
        on_found: is told of each block: who found it, and to which nodes it is handed, first the
            one that said what to mine; nobody by default.
    """

    def __init__(
        self,
        net: SimNetwork,
        plans: tuple[MinerPlan, ...],
        number: Callable[[str], int],
        delay_us: Callable[[str], int | None],
    ) -> None:
        self._net = net
        self._simulation = net.simulation
        self._number = number
        self._delay_us = delay_us
        self._mean_us = BLOCK_INTERVAL * len(plans)
        self._states: dict[str, str] = {}  # Of those that do not mine, or censor: how.
        self._turns: dict[str, int] = {}  # How often each has asked a node.
        self._rng = self._simulation.random("miners")
        self.rest = False
        self.on_found: Callable[[str, Sequence[str], Block], None] | None = None
        for plan in plans:
            self._plan_block(plan)

    def harm(self, name: str, step: FaultStep) -> None:
        """Do one step of a fault plan to a miner."""
        match step.op:
            case Op.KILL | Op.STOP:
                self._states[name] = _DEAD
            case Op.LIE if step.param("withhold") == Withheld.TRANSACTIONS:
                self._states[name] = _CENSORS
            case Op.RESTART | Op.CONT | Op.LIE:
                self._states.pop(name, None)

    def _plan_block(self, miner: MinerPlan) -> None:
        wait_us = 1 + int(-log(1.0 - self._rng.random()) * self._mean_us)
        self._simulation.at(self._net.now + wait_us, partial(self._find_block, miner))

    def _find_block(self, miner: MinerPlan) -> None:
        self._plan_block(miner)
        state = self._states.get(miner.name, "")
        if not self.rest and state != _DEAD:
            nodes = self._asked_by(miner)
            if nodes:
                empty = miner.censors or state == _CENSORS
                block = self._net.mine(self._number(nodes[0]), _NOBODY, empty=empty)
                if self.on_found is not None:
                    self.on_found(miner.name, nodes, block)
                for node in nodes[1:]:
                    self._simulation.command(self._number(node), SubmitBlock(block))

    def _asked_by(self, miner: MinerPlan) -> list[str]:
        """The nodes that a miner turns to this time: the first of them knows what to mine."""
        if miner.waits:
            there = [
                node for node in miner.nodes if self._simulation.is_running(self._number(node))
            ]
            return list(filter(self._is_prompt, there))[:HANDED_TO] if self._knows(there) else []
        turn = self._turns[miner.name] = self._turns.get(miner.name, -1) + 1
        start = turn % len(miner.nodes)
        return list(filter(self._is_prompt, miner.nodes[start:] + miner.nodes[:start]))[:HANDED_TO]

    def _knows(self, there: list[str]) -> bool:
        """The first of those that can be connected to answers in time."""
        return bool(there) and self._is_prompt(there[0])

    def _is_prompt(self, node: str) -> bool:
        delay_us = self._delay_us(node)
        return delay_us is not None and delay_us <= PATIENCE
