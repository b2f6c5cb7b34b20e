"""A small network in memory that the checks of the lab can judge: real blocks, virtual time.

Its nodes tell each other what they have along the links of the plan. All are honest; a test bends
one of them in one place, and sees whether the judge finds out who it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Final, TypeVar

from axon.machine import SECOND, Instant
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import COINBASE_MATURITY, REGTEST
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.lab.axonprocess import LinkView
from axon.swarm.lab.faucet import FAUCET
from axon.swarm.lab.manifest import Component, ComponentKind
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.processes import NodeFailed, TooLate
from axon.swarm.lab.topology import RunTopology
from axon.swarm.signer import Signer
from tests.consensus.chains import GENESIS_SPOT, START_TIME, block_on, coinbase, spot_of
from tests.swarm.lab.memorynode import TICK_S, MemoryNode
from tests.swarm.lab.memorywallet import MemoryWallet

BLOCKS: Final = COINBASE_MATURITY + 5
"""In the chain with which all begin: the faucet may spend some of its coins."""

_BEGIN: Final = Instant((START_TIME + 86_400) * SECOND)
_T = TypeVar("_T")
_R = TypeVar("_R")


class MemoryRun:
    """A whole network: so many nodes and wallets, all on one chain (`CheckedRun`).

    Args:
        folder: nothing is written there.
        nodes, wallets, miners: how many.
        topology: who dials whom.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = 3,
        wallets: int = 0,
        miners: int = 0,
        topology: RunTopology = RunTopology.ORGANIC,
    ) -> None:
        request = RunRequest(nodes, miners, wallets=wallets, topology=topology, seed=1)
        self.manifest = plan_run(folder, request, Random(7), lambda _, usual: usual)
        self._now_us = int(_BEGIN)
        self._number = 0
        self._told: list[tuple[int, MemoryNode, Block | Transaction]] = []
        self.mining = {item.name: True for item in self.manifest.of_kind(ComponentKind.MINER)}
        """Whether a miner finds blocks; all of them run."""
        self._next_block_us = self._now_us
        self.on_new_wallet: Callable[[MemoryWallet], None] = lambda _wallet: None
        self.on_new_node: Callable[[MemoryNode], None] = lambda _node: None
        self.carries: Callable[[], bool] = lambda: True
        """Whether links carry anything now."""
        self.loners: set[str] = set()
        """Nodes that are linked with n1 alone."""
        self.deserters: set[str] = set()
        """Nodes that wallets hear nothing from."""
        self.all_nodes: dict[str, MemoryNode] = {}
        self.all_wallets: dict[str, MemoryWallet] = {}
        for item in self.manifest.nodes:
            node = self.all_nodes[item.name] = MemoryNode(item.name, self)
            node.stand_on(first_chain())
        for item in self.manifest.wallets:
            self.all_wallets[item.name] = MemoryWallet(item, self)

    # What moves it.

    def next_number(self) -> int:
        """A number that nobody had."""
        self._number += 1
        return self._number

    def linked(self, one: MemoryNode, other: MemoryNode) -> bool:
        """Whether there is a connection between two nodes."""
        first, second = (self.manifest.components[node.name] for node in (one, other))
        apart = any((first.name in side) != (second.name in side) for side in self.manifest.sides)
        by_plan = (first.dials is None and second.dials is None) or (
            second.name in (first.dials or ()) or first.name in (second.dials or ())
        )
        names = {first.name, second.name}
        if names & self.loners and "n1" not in names:
            return False
        return one is not other and one.is_up and other.is_up and by_plan and not apart

    def tell(self, source: MemoryNode, item: Block | Transaction) -> None:
        """Let the neighbours of a node hear of something soon."""
        for node in self.all_nodes.values() if self.carries() else ():
            if isinstance(item, Block) and to_hex(item.hash) in node.blocks:
                continue
            if self.linked(source, node) and not source.is_mute and not node.is_deaf:
                is_block = isinstance(item, Block)
                delay_s = node.block_delay_s if is_block else node.payment_delay_s
                self._told.append((self._now_us + int(delay_s * SECOND), node, item))

    def pass_time(self, seconds: float) -> None:
        """Let everything happen that happens within some time."""
        end_us = self._now_us + int(seconds * SECOND)
        while self._now_us < end_us:
            self._now_us += int(TICK_S * SECOND)
            due = [told for told in self._told if told[0] <= self._now_us]
            self._told = [told for told in self._told if told[0] > self._now_us]
            for _, node, item in due:
                if node.is_up and node.receive(item):
                    self.tell(node, item)
            for wallet in self.all_wallets.values():
                wallet.direct.follow()
            if self._now_us >= self._next_block_us:
                self._next_block_us += int(self.manifest.interval_s * SECOND)
                for name, mines in self.mining.items():
                    if mines:
                        node = self.all_nodes[self.manifest.components[name].node]
                        node.find_block(FAUCET.script)

    # The protocol of the checks.

    def nodes(self) -> list[MemoryNode]:
        """The nodes that live."""
        return [self.all_nodes[i.name] for i in self.manifest.nodes if self.is_running(i.name)]

    def wallets(self) -> list[MemoryWallet]:
        """The wallets that live."""
        return [self.all_wallets[i.name] for i in self.manifest.wallets if self.is_running(i.name)]

    def node(self, name: str, timeout_s: float | None = None) -> MemoryNode:
        """A node, whether it lives or not."""
        del timeout_s  # Who lives answers at once.
        return self.all_nodes[name]

    def wallet(self, name: str) -> MemoryWallet:
        """A wallet, which may not have been started yet."""
        item = self.manifest.components[name]
        return self.all_wallets.setdefault(name, MemoryWallet(item, self))

    def views(self) -> list[NodeView]:
        """What all nodes say of themselves."""
        return [
            NodeView(
                node.name,
                ProcessState.RUNNING,
                node.height,
                to_hex(node.spot.hash),
                node.work,
                tuple(
                    LinkView(other.name, number, inbound=False)
                    for number, other in enumerate(self.all_nodes.values())
                    if self.linked(node, other)
                ),
            )
            if node.is_up
            else NodeView(node.name, ProcessState.DIED)
            for node in self.all_nodes.values()
        ]

    def is_running(self, name: str) -> bool:
        """Whether a component lives."""
        found = self.all_nodes.get(name) or self.all_wallets.get(name)
        return name in self.mining or (found is not None and found.is_up)

    def first_address(self, name: str) -> str:
        """Where a wallet is paid first."""
        return Signer(name).address()

    def passphrase(self) -> str:
        """Nothing is protected."""
        return ""

    def now(self) -> Instant:
        """Virtual time."""
        return Instant(self._now_us)

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> float:
        """Let time pass until something holds."""
        begin = self._now_us
        while not condition():
            if self._now_us - begin > limit_s * SECOND:
                raise TooLate(f"{what}: not within {limit_s:g} s")
            self.pass_time(TICK_S)
        return (self._now_us - begin) / SECOND

    def each(self, items: Sequence[_T], ask: Callable[[_T], _R]) -> list[_R]:
        """One after the other; virtual time passes for all."""
        return [ask(item) for item in items]

    def kill(self, names: Sequence[str]) -> None:
        """End nodes, when what they told last has arrived."""
        self.pass_time(TICK_S)
        for name in names:
            self.all_nodes[name].is_up = False

    def wipe(self, names: Sequence[str]) -> None:
        """Give nodes that are down an empty disk."""
        for name in names:
            self.all_nodes[name].wipe()

    def start(self, names: Iterable[str]) -> None:
        """Start components; a node then hears what its neighbours have."""
        for name in names:
            item = self.manifest.components[name]
            if item.kind is ComponentKind.COLD:
                self.on_new_wallet(self.wallet(name))
                continue
            if name not in self.all_nodes:
                self.all_nodes[name] = MemoryNode(name, self)
                self.on_new_node(self.all_nodes[name])
            node = self.all_nodes[name]
            node.is_up = True
            node.pool.clear()
            node.on_start(node)
            self.pass_time(node.start_s)
        for source in list(self.all_nodes.values()):
            for block in source.chain if source.is_up else ():
                self.tell(source, block)

    def settle(self, limit_s: float) -> float:
        """Wait until all nodes are on one block."""

        def are_alike() -> bool:
            return len({node.spot.hash for node in self.nodes()}) == 1

        return self.wait(are_alike, limit_s, "all are linked and on one block")

    def add(self, item: Component) -> None:
        """Take in somebody temporary."""
        self.manifest.components[item.name] = item

    def remove(self, name: str) -> None:
        """Remove somebody temporary."""
        del self.manifest.components[name]
        self.all_nodes.pop(name, None)
        self.all_wallets.pop(name, None)


@cache
def first_chain() -> tuple[Block, ...]:
    """Blocks that pay the faucet."""
    spot, found = GENESIS_SPOT, []
    for height in range(1, BLOCKS + 1):
        base = coinbase(height, outputs=[TxOut(REGTEST.subsidy_sat(height), FAUCET.script)])
        block = block_on(spot, base=base)
        found.append(block)
        spot = spot_of(block, height)
    return tuple(found)


def refuse_start(node: MemoryNode) -> None:
    """An `on_start`: the node leaves at once."""
    node.is_up = False
    raise NodeFailed(f"{node.name} has left at its start")
