"""What the plan of a network foretells: who is needed, by reading alone and without any trial.

A component is dead, or a way between two sides is cut. Then it is asked of the plan: can those that
are left still find each other, is there a miner, can each wallet reach a node that serves filters,
and its payments a miner that takes them, is somebody left whom it pays directly, can those that
come new find somebody? Trials are held against it: where both differ either this reading or the
trial is at fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from axon.swarm.audit.linkgraph import LinkGraph, components
from axon.swarm.blueprint import Blueprint, ComponentClass, NodePlan, WalletPlan
from axon.swarm.spof.candidates import Candidate, Mode

User = NodePlan | WalletPlan


def is_foretold(candidate: Candidate, blueprint: Blueprint) -> bool:
    """Whether anything is foretold of such a harm: of deaths, and of ways that are cut."""
    kinds = blueprint.components()
    classes = [kinds.get(name, ComponentClass.LINK) for name in candidate.targets]
    if candidate.mode is Mode.CUT:
        return all(kind is ComponentClass.LINK for kind in classes)
    return candidate.mode is Mode.KILL


def foretell(candidate: Candidate, blueprint: Blueprint) -> str:
    """Why it is to fail, in words; empty if it is to hold."""
    return next(iter(_Reading(blueprint, candidate.targets).faults()), "")


@dataclass(frozen=True, slots=True)
class _Reading:
    """A plan without some of its components.

    Args:
        plan: of the network.
        targets: what is dead, or a way that is cut.
    """

    plan: Blueprint
    targets: tuple[str, ...]

    def faults(self) -> Iterator[str]:
        """What no longer works."""
        plan, nodes = self.plan, self._nodes()
        if not nodes:
            yield "no node is left"
            return
        graph = LinkGraph(
            [
                (one.name, other.name)
                for one in nodes
                for other in nodes
                if one is not other and self._may_dial(one, other)
            ],
            [node.name for node in nodes],
        )
        if len(components(graph)) > 1:
            yield "nodes that are left cannot all find each other"
        if not any(self._works(miner.nodes) for miner in plan.miners if self._lives(miner.name)):
            yield "no miner is left that has a node"
        for wallet in plan.wallets:
            if self._lives(wallet.name):
                yield from self._wallet_faults(wallet, graph)
        dead = [wallet.name for wallet in plan.wallets if not self._lives(wallet.name)]
        for name in plan.payers(dead):
            if not plan.payee_of(name, dead):
                yield f"{name} has nobody whom it pays directly"
        yield from self._newcomer_faults()

    def _wallet_faults(self, wallet: WalletPlan, graph: LinkGraph) -> Iterator[str]:
        if not self._has_its_files(wallet):
            yield f"{wallet.name} has no files"
        if not self._has_filters(wallet):
            yield f"{wallet.name} reaches no node that serves filters"
        if not self._is_mined(wallet, graph):
            yield f"no miner hears of payments of {wallet.name}"

    def _newcomer_faults(self) -> Iterator[str]:
        node, wallet = self.plan.newcomer_node, self.plan.newcomer_wallet
        if node is not None:
            whole = [each for each in self._nodes() if not each.keeps_blocks]
            if not self._finds(node) or not any(self._may_dial(node, each) for each in whole):
                yield f"{node.name} finds no node with all blocks"
        if wallet is not None and not (self._finds(wallet) and self._has_filters(wallet)):
            yield f"{wallet.name} finds no node that serves filters"

    def _nodes(self) -> list[NodePlan]:
        return [node for node in self.plan.nodes if self._lives(node.name)]

    def _lives(self, name: str) -> bool:
        return not any(name in self.plan.members(target) for target in self.targets)

    def _works(self, names: tuple[str, ...]) -> bool:
        return any(map(self._lives, names))

    def _has_its_files(self, user: User) -> bool:
        return not any(
            each.name in self.targets and each.kind is ComponentClass.FILE
            for each in self.plan.shared
            if user.name in each.members
        )

    def _may_dial(self, user: User, node: NodePlan) -> bool:
        """Whether one is let, and there is a way."""
        if not node.listens or not (node.admits is None or user.name in node.admits):
            return False
        if user.dials is not None and node.name not in user.dials:
            return False
        proxies = [each for each in self.plan.shared if each.kind is ComponentClass.PROXY]
        if any(each.name in self.targets and user.name in each.members for each in proxies):
            return False
        return not self._is_cut(user.name, node.name)

    def _is_cut(self, one: str, other: str) -> bool:
        if f"{one}-{other}" in self.targets or f"{other}-{one}" in self.targets:
            return True
        return any(
            uplink.name in self.targets
            and ((one in near and other in far) or (one in far and other in near))
            for uplink in self.plan.uplinks
            for near, far in [uplink.sides]
        )

    def _has_filters(self, wallet: WalletPlan) -> bool:
        return any(node.filters and self._may_dial(wallet, node) for node in self._nodes())

    def _finds(self, user: User) -> bool:
        """Whether one that comes new has an address to begin with."""
        return bool(user.dials or user.knows) or self._works(user.seeds)

    def _is_mined(self, wallet: WalletPlan, graph: LinkGraph) -> bool:
        """Whether nodes that take its payments lead from it to a miner that mines such."""
        takes = {
            node.name
            for node in self._nodes()
            if node.relays and node.max_tx_version >= wallet.tx_version
        }
        refusing = [name for name in graph.neighbours if name not in takes]
        near = {node.name for node in self._nodes() if self._may_dial(wallet, node)}
        mined_at = {
            name
            for miner in self.plan.miners
            if self._lives(miner.name) and not miner.censors
            for name in miner.nodes
        }
        return any(
            not near.isdisjoint(part) and not mined_at.isdisjoint(part)
            for part in components(graph, refusing)
        )
