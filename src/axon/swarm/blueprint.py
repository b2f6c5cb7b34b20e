"""A network on paper: every component on which service may hang, before anything is raised.

The simulator raises it in virtual time, the lab as processes. Names are those of the lab: `n1` a
node, `m1` a miner, `w1` a wallet, `h1` a host, `g1` a group of hosts that goes as one (netgroup,
operator), `s1` a seed, `x1` a proxy, `u1` an uplink, `f1` a file that several share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Final

from axon.errors import ConfigError

MAX_NODES: Final = 1_000


class ComponentClass(StrEnum):
    """What a component is."""

    NODE = "node"
    MINER = "miner"
    WALLET = "wallet"
    HOST = "host"
    GROUP = "group"
    SEED = "seed"
    PROXY = "proxy"
    LINK = "link"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class NodePlan:
    """A full node.

    Args:
        name: its own.
        dials: the only nodes that it dials; None to find peers by itself.
        knows: nodes whose addresses it is told at its start.
        seeds: names that it looks up where it knows no address.
        listens: it lets others in.
        filters: it serves compact filters.
        relays: it takes and passes on transactions (not `-blocksonly`).
        keeps_blocks: so many of the last blocks are served; 0 for all.
    """

    name: str
    dials: tuple[str, ...] | None = None
    knows: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    listens: bool = True
    filters: bool = True
    relays: bool = True
    keeps_blocks: int = 0


@dataclass(frozen=True, slots=True)
class WalletPlan:
    """A light client with a wallet.

    Args:
        name: its own.
        dials: the only nodes that it dials; None to find nodes by itself.
        knows: nodes whose addresses it is told at its start.
        seeds: names that it looks up where it knows no address.
    """

    name: str
    dials: tuple[str, ...] | None = None
    knows: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MinerPlan:
    """A miner, who asks nodes for what to mine.

    Args:
        name: its own.
        nodes: which it asks in turn; whoever does not answer is passed over. What it finds it hands
            to the next one, too.
        censors: its blocks hold no transactions.
    """

    name: str
    nodes: tuple[str, ...]
    censors: bool = False


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """Something on which several components hang at once: a host, group, proxy or file.

    Args:
        name: its own.
        kind: what it is.
        members: the nodes, wallets and miners that go with it.
    """

    name: str
    kind: ComponentClass
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UplinkPlan:
    """A way between two sides; what leads from one to the other leads over it.

    Args:
        name: its own.
        sides: the nodes and wallets on each.
    """

    name: str
    sides: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One network.

    Args:
        name: of the plan.
        nodes, wallets, miners: who takes part.
        seeds: names, and the nodes whose addresses each gives.
        shared: on what several hang at once.
        uplinks: between sides.
        newcomer_node: a node that comes with an empty disk when something is wrong.
        newcomer_wallet: a wallet that does.
    """

    name: str
    nodes: tuple[NodePlan, ...]
    wallets: tuple[WalletPlan, ...] = ()
    miners: tuple[MinerPlan, ...] = ()
    seeds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shared: tuple[SharedPlan, ...] = ()
    uplinks: tuple[UplinkPlan, ...] = ()
    newcomer_node: NodePlan | None = None
    newcomer_wallet: WalletPlan | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.nodes) <= MAX_NODES:
            raise ConfigError(f"a network has 1 to {MAX_NODES:,} nodes, not {len(self.nodes)}")
        names = list(self._names())
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigError(f"there are two components {twice!r}")
        for user, wanted in self._references():
            if wanted not in names:
                raise ConfigError(f"{user} names {wanted!r}, which this network does not have")

    def components(self) -> dict[str, ComponentClass]:
        """Every component by its name, links between nodes left out: see `links`."""
        found = {node.name: ComponentClass.NODE for node in self.nodes}
        found |= {wallet.name: ComponentClass.WALLET for wallet in self.wallets}
        found |= {miner.name: ComponentClass.MINER for miner in self.miners}
        found |= dict.fromkeys(self.seeds, ComponentClass.SEED)
        found |= {each.name: each.kind for each in self.shared}
        return found | {each.name: ComponentClass.LINK for each in self.uplinks}

    def links(self) -> list[str]:
        """The ways between two nodes, as `n1-n2`: whoever they choose, they choose one of these."""
        names = [node.name for node in self.nodes]
        planned = {node.name: node.dials for node in self.nodes}
        return [
            f"{one}-{other}"
            for one, other in combinations(names, 2)
            if _may_link(one, other, planned[one]) or _may_link(other, one, planned[other])
        ]

    def members(self, name: str) -> tuple[str, ...]:
        """The nodes, wallets and miners that are meant by a component's name."""
        for each in self.shared:
            if each.name == name:
                return each.members
        return (name,)

    def _names(self) -> Iterator[str]:
        yield from (node.name for node in self.nodes)
        yield from (wallet.name for wallet in self.wallets)
        yield from (each.name for each in (self.newcomer_node, self.newcomer_wallet) if each)
        yield from (miner.name for miner in self.miners)
        yield from self.seeds
        yield from (each.name for each in self.shared)
        yield from (each.name for each in self.uplinks)

    def _references(self) -> Iterator[tuple[str, str]]:
        newcomers = (each for each in (self.newcomer_node, self.newcomer_wallet) if each)
        users: Sequence[NodePlan | WalletPlan] = (*self.nodes, *self.wallets, *newcomers)
        for user in users:
            for named in (*(user.dials or ()), *user.knows, *user.seeds):
                yield user.name, named
        for miner in self.miners:
            yield from ((miner.name, node) for node in miner.nodes)
        for seed, given in self.seeds.items():
            yield from ((seed, node) for node in given)
        for each in self.shared:
            yield from ((each.name, member) for member in each.members)
        for uplink in self.uplinks:
            yield from ((uplink.name, member) for side in uplink.sides for member in side)


def _may_link(one: str, other: str, dials: tuple[str, ...] | None) -> bool:
    return one != other and (dials is None or other in dials)


def node_names(count: int) -> tuple[str, ...]:
    """`n1` to the last."""
    return tuple(f"n{number}" for number in range(1, count + 1))
