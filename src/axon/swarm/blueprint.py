"""A network on paper: every component on which service may hang, before anything is raised.

The simulator raises it in virtual time, the lab as processes. Names are those of the lab: `n1` a
node, `m1` a miner, `w1` a wallet, `h1` a host, `g1` a group of hosts that goes as one (netgroup,
operator), `s1` a seed, `x1` a proxy, `t1` a time server, `u1` an uplink, `f1` a file that several
share.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Final

from axon.errors import ConfigError
from axon.mempool.policy import MAX_STANDARD_VERSION
from axon.p2p.views import KEPT_BLOCKS

MAX_NODES: Final = 1_000
MAX_COMPONENTS: Final = 5_000
"""All that has a name: a network is a file that may come from a stranger."""

MAX_KEPT_BLOCKS: Final = 10_000
"""Of the last blocks that a node keeps, where it keeps no others: so many are made for a trial."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}", re.ASCII)
"""Of a component: a target names several with commas, and a folder is called so."""

USUAL_TX_VERSION: Final = 2
"""Of the transactions that wallets make today."""


class ComponentClass(StrEnum):
    """What a component is."""

    NODE = "node"
    MINER = "miner"
    WALLET = "wallet"
    HOST = "host"
    GROUP = "group"
    SEED = "seed"
    PROXY = "proxy"
    CLOCK = "clock"
    LINK = "link"
    FILE = "file"


GONE_TOGETHER: Final = frozenset((ComponentClass.HOST, ComponentClass.GROUP))
"""What happens to one of these happens to its members themselves; a proxy, a clock or a file is
only used by its members, who must do without it."""


SHARED: Final = GONE_TOGETHER | {ComponentClass.PROXY, ComponentClass.CLOCK, ComponentClass.FILE}
"""On what several components hang at once."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """A full node.

    Args:
        name: its own.
        dials: the only nodes that it dials; None to find peers by itself.
        knows: nodes whose addresses it is told at its start.
        seeds: names that it looks up where it knows no address.
        listens: it lets others in.
        admits: the only nodes that it lets in; None for everybody.
        filters: it serves compact filters.
        relays: it takes and passes on transactions (not `-blocksonly`).
        keeps_blocks: so many of the last blocks are served, at least 288 (BIP 159); 0 for all.
        max_tx_version: the highest version of a transaction that it takes into its pool; 2 is what
            programs took before there were transactions of version 3.
        bitcoind: its program is Bitcoin Core's, as it comes: there is none in the simulator.
    """

    name: str
    dials: tuple[str, ...] | None = None
    knows: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    listens: bool = True
    admits: tuple[str, ...] | None = None
    filters: bool = True
    relays: bool = True
    keeps_blocks: int = 0
    max_tx_version: int = MAX_STANDARD_VERSION
    bitcoind: bool = False


@dataclass(frozen=True, slots=True)
class WalletPlan:
    """A light client with a wallet.

    Args:
        name: its own.
        dials: the only nodes that it dials; None to find nodes by itself.
        knows: nodes whose addresses it is told at its start.
        seeds: names that it looks up where it knows no address.
        tx_version: of the transactions that it makes.
        listens: other wallets pay it directly.
    """

    name: str
    dials: tuple[str, ...] | None = None
    knows: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    listens: bool = False
    tx_version: int = USUAL_TX_VERSION


@dataclass(frozen=True, slots=True)
class MinerPlan:
    """A miner, who asks nodes for what to mine.

    Args:
        name: its own.
        nodes: which it asks in turn; whoever does not answer is passed over. What it finds it hands
            to the next one, too.
        censors: its blocks hold no transactions.
        waits: it does not ask in turn, but always the first that lets it connect, and waits for the
            answer however long that takes.
    """

    name: str
    nodes: tuple[str, ...]
    censors: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """Something on which several components hang at once.

    Args:
        name: its own.
        kind: a host or a group, whose members go with it; a proxy through which they dial, a clock
            from which they have their time, or a file that they have in common.
        members: nodes, wallets and, of a host or a group, miners.
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
        names = Counter(self._names())
        if names.total() > MAX_COMPONENTS:
            raise ConfigError(f"a network has at most {MAX_COMPONENTS:,} components")
        for name, count in names.items():
            if _NAME.fullmatch(name) is None:
                raise ConfigError(
                    f"{name!r:.80} is no name of a component: a letter, then letters, digits, - "
                    "and _, 16 in all"
                )
            if count > 1:
                raise ConfigError(f"there are two components {name!r}")
        for node in self.nodes:
            if node.keeps_blocks and not KEPT_BLOCKS <= node.keeps_blocks <= MAX_KEPT_BLOCKS:
                raise ConfigError(
                    f"{node.name} keeps all blocks (0), or {KEPT_BLOCKS} to {MAX_KEPT_BLOCKS:,} of "
                    f"the last, not {node.keeps_blocks}"
                )
        for each in self.shared:
            if each.kind not in SHARED:
                raise ConfigError(f"{each.name} is shared, and a {each.kind} is not")
        kinds = self.components() | {
            each.name: kind
            for each, kind in (
                (self.newcomer_node, ComponentClass.NODE),
                (self.newcomer_wallet, ComponentClass.WALLET),
            )
            if each is not None
        }
        for user, wanted, fitting in self._references():
            if wanted not in names:
                raise ConfigError(f"{user} names {wanted!r}, which this network does not have")
            if kinds[wanted] not in fitting:
                raise ConfigError(f"{user} names {wanted!r}, a {kinds[wanted]}, where none can be")
        for miner in self.miners:
            if not miner.nodes:
                raise ConfigError(f"{miner.name} asks no node for what to mine")

    @property
    def bitcoinds(self) -> int:
        """How many nodes are Bitcoin Core's program."""
        return sum(node.bitcoind for node in self.nodes)

    @property
    def is_mixed(self) -> bool:
        """Whether Bitcoin Core's program is among its nodes."""
        return self.bitcoinds > 0

    @property
    def payees(self) -> tuple[str, ...]:
        """The wallets that other wallets pay directly."""
        return tuple(wallet.name for wallet in self.wallets if wallet.listens)

    def payers(self, harmed: Collection[str]) -> list[str]:
        """The wallets that pay directly and are not harmed; none where there are not two.

        Whoever alone listens has nobody to pay.
        """
        names = [wallet.name for wallet in self.wallets if wallet.name not in harmed]
        return [name for name in names if self.payee_of(name, ())] if len(names) > 1 else []

    def payee_of(self, payer: str, harmed: Collection[str]) -> str:
        """Whom a wallet pays directly: the next one that listens and is not harmed; or empty."""
        names = [wallet.name for wallet in self.wallets]
        place = names.index(payer)
        following = [*names[place + 1 :], *names[:place]]
        return next((n for n in following if n in self.payees and n not in harmed), "")

    def components(self) -> dict[str, ComponentClass]:
        """Every component by its name, links left out: see `all_links`."""
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

    def all_links(self) -> list[str]:
        """The same with those between two wallets of which one pays the other directly."""
        pairs = combinations(self.wallets, 2)
        paying = [
            f"{one.name}-{other.name}" for one, other in pairs if one.listens or other.listens
        ]
        return self.links() + paying

    def members(self, name: str) -> tuple[str, ...]:
        """Who is harmed itself where a component is: those on a host or in a group, or just it."""
        for each in self.shared:
            if each.name == name and each.kind in GONE_TOGETHER:
                return each.members
        return (name,)

    def users(self, name: str) -> tuple[str, ...]:
        """Who uses a proxy, a clock or a file; nobody uses anything else."""
        for each in self.shared:
            if each.name == name and each.kind not in GONE_TOGETHER:
                return each.members
        return ()

    def _names(self) -> Iterator[str]:
        yield from (node.name for node in self.nodes)
        yield from (wallet.name for wallet in self.wallets)
        yield from (each.name for each in (self.newcomer_node, self.newcomer_wallet) if each)
        yield from (miner.name for miner in self.miners)
        yield from self.seeds
        yield from (each.name for each in self.shared)
        yield from (each.name for each in self.uplinks)

    def _references(self) -> Iterator[tuple[str, str, Collection[ComponentClass]]]:
        """Who names whom, and what that may be."""
        node, seed = (ComponentClass.NODE,), (ComponentClass.SEED,)
        linked = (ComponentClass.NODE, ComponentClass.WALLET)
        newcomers = (each for each in (self.newcomer_node, self.newcomer_wallet) if each)
        users: Sequence[NodePlan | WalletPlan] = (*self.nodes, *self.wallets, *newcomers)
        for user in users:
            yield from ((user.name, named, node) for named in (*(user.dials or ()), *user.knows))
            yield from ((user.name, named, seed) for named in user.seeds)
            if isinstance(user, NodePlan):
                yield from ((user.name, named, linked) for named in user.admits or ())
        for miner in self.miners:
            yield from ((miner.name, named, node) for named in miner.nodes)
        for name, given in self.seeds.items():
            yield from ((name, named, node) for named in given)
        for each in self.shared:
            on_it = (*linked, ComponentClass.MINER) if each.kind in GONE_TOGETHER else linked
            yield from ((each.name, member, on_it) for member in each.members)
        for uplink in self.uplinks:
            yield from ((uplink.name, named, linked) for side in uplink.sides for named in side)


def _may_link(one: str, other: str, dials: tuple[str, ...] | None) -> bool:
    return one != other and (dials is None or other in dials)


def node_names(count: int) -> tuple[str, ...]:
    """`n1` to the last."""
    return tuple(f"n{number}" for number in range(1, count + 1))
