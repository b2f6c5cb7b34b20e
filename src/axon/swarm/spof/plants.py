"""Networks with a single point of failure on purpose, and sound ones without: whoever judges a
network must find the first kind, and must not find any in the second.

In each of the first kind one component alone is to blame. Where the point itself would make others
to points as well, such as the only link of a leaf, there is a second one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from axon.errors import ConfigError
from axon.p2p.views import KEPT_BLOCKS
from axon.swarm.blueprint import (
    Blueprint,
    ComponentClass,
    MinerPlan,
    NodePlan,
    SharedPlan,
    UplinkPlan,
    WalletPlan,
    node_names,
)


@dataclass(frozen=True, slots=True)
class Plant:
    """A network with a single point of failure.

    Args:
        number: of the plant, from 1.
        about: what is wrong with it, in words.
        culprit: the component that must be named.
        make: draws it up for so many nodes.
        least: of fewer nodes others would be to blame as well, or nobody.
    """

    number: int
    about: str
    culprit: str
    make: Callable[[int], Blueprint]
    least: int = 3

    def drawn(self, nodes: int) -> Blueprint:
        """The network of so many nodes.

        Raises:
            ConfigError: there are too few.
        """
        found = self.make(max(nodes, self.least))
        if nodes < self.least:
            raise ConfigError(
                f"{found.name} takes {self.least} nodes: of {nodes} not {self.culprit} alone is to "
                "blame"
            )
        return found


def organic(nodes: int = 10, wallets: int = 3, miners: int = 2) -> Blueprint:
    """Nodes that find each other; everybody is told of all at the start."""
    names = node_names(nodes)
    shift = max(1, nodes // max(1, miners))
    return Blueprint(
        "organic",
        tuple(
            NodePlan(name, knows=tuple(each for each in names if each != name)) for name in names
        ),
        tuple(WalletPlan(f"w{number}", knows=names) for number in range(1, wallets + 1)),
        tuple(
            MinerPlan(f"m{place + 1}", names[place * shift :] + names[: place * shift])
            for place in range(miners)
        ),
        newcomer_node=NodePlan("j1", knows=names),
        newcomer_wallet=WalletPlan("c1", knows=names),
    )


def _leaves(nodes: int) -> list[tuple[str, ...]]:
    """All nodes but the first, in twos; the last three together where one would be left over."""
    names = node_names(nodes)[1:]
    count = len(names) // 2
    pairs = [names[2 * place : 2 * place + 2] for place in range(count)]
    return [*pairs[:-1], names[2 * (count - 1) :]]


def _star(nodes: int) -> Blueprint:
    """All dial the first, and leaves hang on it in twos: one leaf's link is no single point."""
    leaves = _leaves(nodes)
    found = organic(nodes)
    return replace(
        found,
        name="star",
        nodes=(
            NodePlan("n1", ()),
            *(
                NodePlan(name, ("n1", *(each for each in leaf if each != name)))
                for leaf in leaves
                for name in leaf
            ),
        ),
        miners=(MinerPlan("m1", leaves[0]), MinerPlan("m2", leaves[-1])),
        newcomer_node=NodePlan("j1", ("n1",)),
    )


def _one_server(nodes: int) -> Blueprint:
    found = organic(nodes)
    return replace(
        found,
        name="one-server",
        wallets=tuple(replace(each, dials=("n1",), knows=()) for each in found.wallets),
    )


def _fixed_address(nodes: int) -> Blueprint:
    """One of the wallets has one address and no other; the others find nodes by themselves."""
    found = organic(nodes)
    first, *others = found.wallets
    return replace(
        found,
        name="fixed-address",
        wallets=(replace(first, dials=("n4",), knows=()), *others),
    )


def _bridge_node(nodes: int) -> Blueprint:
    """Two halves that know of each other only through n1."""
    names = node_names(nodes)
    cut = 1 + (nodes - 1) // 2
    halves = names[1:cut], names[cut:]

    def dials(name: str) -> tuple[str, ...]:
        half = halves[0] if name in halves[0] else halves[1]
        return ("n1", *(each for each in half if each != name))

    found = organic(nodes)
    return replace(
        found,
        name="bridge-node",
        nodes=tuple(NodePlan(name, () if name == "n1" else dials(name)) for name in names),
        miners=(MinerPlan("m1", halves[0]), MinerPlan("m2", halves[1])),
        newcomer_node=NodePlan("j1", halves[0]),
    )


def _bridge_link(nodes: int) -> Blueprint:
    """Two sites with one way between them."""
    found = organic(nodes)
    names = node_names(nodes)
    sides = (*names[: nodes // 2], "w1", "j1", "c1"), (*names[nodes // 2 :], "w2", "w3")
    return replace(
        found,
        name="bridge-link",
        miners=(MinerPlan("m1", names[: nodes // 2]), MinerPlan("m2", names[nodes // 2 :])),
        uplinks=(UplinkPlan("u1", sides),),
    )


def _only_miner(nodes: int) -> Blueprint:
    return replace(organic(nodes, miners=1), name="only-miner")


def _one_seed(nodes: int) -> Blueprint:
    """Whoever comes new has one name to ask, and no address."""
    found = organic(nodes)
    return replace(
        found,
        name="one-seed",
        seeds={"s1": node_names(nodes)},
        newcomer_node=NodePlan("j1", seeds=("s1",)),
        newcomer_wallet=WalletPlan("c1", seeds=("s1",)),
    )


def _one_host(nodes: int) -> Blueprint:
    return replace(
        organic(nodes),
        name="one-host",
        shared=(SharedPlan("h1", ComponentClass.HOST, node_names(nodes)),),
    )


def _one_filter_server(nodes: int) -> Blueprint:
    found = organic(nodes)
    return replace(
        found,
        name="one-filter-server",
        nodes=tuple(replace(each, filters=each.name == "n3") for each in found.nodes),
    )


def _one_archive(nodes: int) -> Blueprint:
    """All but n2 keep the last blocks only, so that nobody else can bring a newcomer up."""
    found = organic(nodes)
    return replace(
        found,
        name="one-archive",
        nodes=tuple(
            each if each.name == "n2" else replace(each, keeps_blocks=KEPT_BLOCKS)
            for each in found.nodes
        ),
    )


def _one_relay(nodes: int) -> Blueprint:
    """Only n2 takes transactions; two miners ask it, and one that asks others mines none."""
    found = organic(nodes)
    dialled = ("n2", "n4", "n6")
    return replace(
        found,
        name="one-relay",
        wallets=tuple(replace(each, dials=dialled, knows=()) for each in found.wallets),
        nodes=tuple(replace(each, relays=each.name == "n2") for each in found.nodes),
        miners=(
            MinerPlan("m1", ("n2",)),
            MinerPlan("m2", ("n2",)),
            MinerPlan("m3", node_names(nodes)[2:]),
        ),
    )


def _one_listener(nodes: int) -> Blueprint:
    """Only n5 lets strangers in; the others know each other, and let nobody else in."""
    found = organic(nodes)
    names = node_names(nodes)
    return replace(
        found,
        name="one-listener",
        nodes=tuple(
            each if each.name == "n5" else replace(each, admits=names) for each in found.nodes
        ),
    )


def _one_proxy(nodes: int) -> Blueprint:
    """Whoever dials, dials through x1."""
    found = organic(nodes)
    newcomers = (each for each in (found.newcomer_node, found.newcomer_wallet) if each)
    users = (*found.nodes, *found.wallets, *newcomers)
    proxy = SharedPlan("x1", ComponentClass.PROXY, tuple(each.name for each in users))
    return replace(found, name="one-proxy", shared=(proxy,))


def _one_folder(nodes: int) -> Blueprint:
    """All wallets have their files in one folder, as on one network drive."""
    found = organic(nodes)
    folder = SharedPlan("f1", ComponentClass.FILE, tuple(each.name for each in found.wallets))
    return replace(found, name="one-folder", shared=(folder,))


def _censor(nodes: int) -> Blueprint:
    """The one that mines the pool is alone with it: the other finds empty blocks."""
    found = organic(nodes)
    first, second = found.miners
    return replace(found, name="censor", miners=(first, replace(second, censors=True)))


def _only_connect(nodes: int) -> Blueprint:
    """Nodes and wallets hold n1 as their only `-connect`; leaves add their neighbour by hand."""
    found = _star(nodes)
    return replace(
        found,
        name="only-connect",
        wallets=tuple(replace(each, dials=("n1",), knows=()) for each in found.wallets),
        newcomer_wallet=WalletPlan("c1", ("n1",)),
    )


def _one_operator(nodes: int) -> Blueprint:
    """All nodes that the first wallet has saved are of one operator."""
    found = organic(nodes)
    own = node_names(nodes)[:3]
    first, *others = found.wallets
    return replace(
        found,
        name="one-operator",
        wallets=(replace(first, dials=own, knows=()), *others),
        shared=(SharedPlan("g1", ComponentClass.GROUP, own),),
    )


def _one_clock(nodes: int) -> Blueprint:
    """All but two have their time from t1, and so have those that the miners ask."""
    found = organic(nodes)
    led = node_names(nodes)[:-2]
    return replace(
        found,
        name="one-clock",
        miners=(MinerPlan("m1", led), MinerPlan("m2", led[1:] + led[:1])),
        shared=(SharedPlan("t1", ComponentClass.CLOCK, led),),
    )


def _no_failover(nodes: int) -> Blueprint:
    """Miners go on to another node when n2 is dead, and wait for it when it is not."""
    found = organic(nodes)
    others = tuple(name for name in node_names(nodes) if name != "n2")
    return replace(
        found,
        name="no-failover",
        miners=(
            MinerPlan("m1", ("n2", *others), waits=True),
            MinerPlan("m2", ("n2", *reversed(others)), waits=True),
        ),
    )


def _version_skew(nodes: int) -> Blueprint:
    """Wallets make transactions of a version that n3 takes, and no older program does."""
    found = organic(nodes)
    dialled = ("n3", "n4", "n6")
    return replace(
        found,
        name="version-skew",
        nodes=tuple(
            each if each.name == "n3" else replace(each, max_tx_version=2) for each in found.nodes
        ),
        wallets=tuple(
            replace(each, dials=dialled, knows=(), tx_version=3) for each in found.wallets
        ),
        miners=(MinerPlan("m1", ("n3", "n4")), MinerPlan("m2", ("n3", "n5"))),
    )


def paying(nodes: int = 3, wallets: int = 4, miners: int = 2) -> Blueprint:
    """Few nodes, and wallets that listen and pay each other directly."""
    found = organic(nodes, wallets, min(miners, nodes))
    return replace(
        found,
        name="wallets",
        wallets=tuple(replace(each, listens=True) for each in found.wallets),
    )


def _one_payee(nodes: int) -> Blueprint:
    """Only w1 listens: whom others pay directly is always w1."""
    found = paying(nodes)
    first, *others = found.wallets
    return replace(
        found,
        name="one-payee",
        wallets=(first, *(replace(each, listens=False) for each in others)),
    )


def _one_node_of_wallets(nodes: int) -> Blueprint:
    """All wallets hold n1 alone: without it they pay each other, and nothing is settled."""
    found = paying(nodes)
    return replace(
        found,
        name="one-node-of-wallets",
        wallets=tuple(replace(each, dials=("n1",), knows=()) for each in found.wallets),
    )


_PLANTS: Final = (
    Plant(1, "the hub of a star", "n1", _star),
    Plant(2, "all wallets ask one node, as behind a web server", "n1", _one_server),
    Plant(3, "a wallet has one address, and no other", "n4", _fixed_address, 4),
    Plant(4, "a node is the bridge between two halves", "n1", _bridge_node, 5),
    Plant(5, "a link is the bridge between two halves", "u1", _bridge_link),
    Plant(6, "there is one miner", "m1", _only_miner),
    Plant(7, "newcomers have one seed, and no address", "s1", _one_seed),
    Plant(8, "all nodes are on one host", "h1", _one_host),
    Plant(9, "one node serves filters", "n3", _one_filter_server),
    Plant(10, "one node has old blocks", "n2", _one_archive),
    Plant(11, "one node relays transactions", "n2", _one_relay, 6),
    Plant(12, "one node lets strangers in", "n5", _one_listener, 5),
    Plant(13, "all dial through one proxy", "x1", _one_proxy),
    Plant(14, "all wallets share a folder", "f1", _one_folder),
    Plant(15, "one miner mines transactions", "m1", _censor),
    Plant(16, "all hold one node as their only -connect", "n1", _only_connect),
    Plant(17, "a wallet's saved peers are all of one operator", "g1", _one_operator, 4),
    Plant(18, "most nodes have their time from one clock", "t1", _one_clock, 5),
    Plant(19, "miners wait for a node that is slow", "n2", _no_failover),
    Plant(20, "one node takes the transactions that wallets make", "n3", _version_skew, 6),
    Plant(21, "one wallet listens, and all others pay it directly", "w1", _one_payee),
    Plant(22, "all wallets that pay directly hold one node", "n1", _one_node_of_wallets),
)

PLANTS: Final[Mapping[str, Plant]] = MappingProxyType(
    {plant.make(10).name: plant for plant in _PLANTS}
)
"""By name."""
