"""What all nodes share, and what only one of them offers: hosts, versions, proxies, services.

What is counted is how many such things must be gone until no node, or nobody who offers a service,
is left. Services that hosts outside are seen to offer count, for whoever needs one can go there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from axon.swarm.audit.auditcheck import AuditCheck, AuditState, SinglePoint, by_number, named
from axon.swarm.audit.linkchecks import point
from axon.swarm.audit.linkgraph import LinkGraph, components, vertex_cut
from axon.swarm.audit.nodereading import NodeReading
from axon.swarm.audit.observednetwork import WORLD, ObservedNetwork, OutsideHost
from axon.swarm.audit.places import Placed, address_of
from axon.swarm.invariants import counted
from axon.wire.messages import Services

_COMMENT: Final = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class ToldUse:
    """Who asks which nodes, which no node tells: the person who runs them does.

    Args:
        wallets: for each wallet the nodes that it asks, and no others.
        miners: the nodes from which miners get their block templates.
    """

    wallets: Mapping[str, tuple[str, ...]]
    miners: tuple[str, ...] = ()


def shared_checks(network: ObservedNetwork, told: ToldUse) -> list[AuditCheck]:
    """All questions about what is shared and what is offered."""
    nodes = list(network.nodes.values())
    found = [_nodes(nodes)]
    if len(nodes) > 1:
        places = network.places
        found.append(_hosts(network))
        found.append(_netgroups(network, "netgroup", "one netgroup of all nodes", places.netgroup))
        if places.asmap is not None:
            placed = places.autonomous_system
            found.append(_netgroups(network, "as", "one AS of all nodes", placed))
        found += [_versions(nodes), _proxies(network), _sources(network)]
        found += [_offered(network, service) for service in _SERVICES]
    if told.miners:
        found.append(_templates(told.miners))
    if told.wallets:
        found.append(_wallets(network, told.wallets))
    return found


def _nodes(nodes: Sequence[NodeReading]) -> AuditCheck:
    points = tuple(SinglePoint(node.name, "node") for node in nodes)
    said = f"{counted(len(nodes), 'node')} {'was' if len(nodes) == 1 else 'were'} read"
    return by_number("nodes", "how many nodes there are", said, len(nodes), points)


def _hosts(network: ObservedNetwork) -> AuditCheck:
    name, title = "host", "one host of all nodes"
    unknown = [node for node, hosts in network.hosts.items() if not hosts]
    if unknown:
        said = f"no own address is seen of {named(unknown)}"
        return AuditCheck(name, title, AuditState.UNDECIDED, said)
    machines = _machines(network)
    said = f"{counted(len(network.nodes), 'node')} on {counted(len(machines), 'host')}"
    points = tuple(SinglePoint(machine, "host") for machine in machines)
    return by_number(name, title, f"{said}, by their addresses", len(machines), points)


def _machines(network: ObservedNetwork) -> list[str]:
    """One host of each machine: hosts of one node are one, and so are nodes of one host."""
    links = [(hosts[0], host) for hosts in network.hosts.values() for host in hosts[1:]]
    vertices = [host for hosts in network.hosts.values() for host in hosts]
    return [part[0] for part in components(LinkGraph(links, vertices))]


def _netgroups(network: ObservedNetwork, name: str, title: str, placed: Placed) -> AuditCheck:
    groups: dict[str, None] = {}
    unknown = []
    for node, hosts in network.hosts.items():
        seen = [group for host in hosts if (group := placed(host)) is not None and _tells(host)]
        groups |= dict.fromkeys(seen)
        if not seen:
            unknown.append(node)
    if unknown:
        said = f"no address that tells it is seen of {named(unknown)}"
        return AuditCheck(name, title, AuditState.UNDECIDED, said)
    kind = "AS" if name == "as" else "netgroup"
    said = f"{counted(len(network.nodes), 'node')} in {named(list(groups))}"
    points = tuple(SinglePoint(group, kind) for group in groups)
    return by_number(name, title, said, len(groups), points)


def _tells(host: str) -> bool:
    """Whether its address tells where it is: those of Tor and I2P do not."""
    return not host.endswith((".onion", ".i2p"))


def _versions(nodes: Sequence[NodeReading]) -> AuditCheck:
    versions = list(dict.fromkeys(_COMMENT.sub("", node.user_agent) for node in nodes))
    said = (
        f"{counted(len(nodes), 'node')} of {counted(len(versions), 'version')}: {named(versions)}"
    )
    points = tuple(SinglePoint(version, "version") for version in versions)
    title = "one version of all nodes"
    return by_number("version", title, said, len(versions), points)


def _proxies(network: ObservedNetwork) -> AuditCheck:
    name, title = "proxy", "one proxy of all nodes"
    found: dict[str, None] = {}
    for node in network.nodes.values():
        proxies = list(node.proxies.values())
        if not proxies or "" in proxies:
            said = f"{node.name} reaches a network without any"
            return AuditCheck(name, title, AuditState.IDLE, said)
        for proxy in proxies:
            address = address_of(proxy.rpartition(":")[0].strip("[]"))
            if address is None or not address.is_local():
                found[proxy] = None
                continue
            hosts = network.hosts[node.name]  # A local proxy is one for the nodes of its host.
            if not hosts:
                said = f"{node.name} uses {proxy} of its own host, and which that is, is not seen"
                return AuditCheck(name, title, AuditState.UNDECIDED, said)
            found[proxy if hosts[0] == "loopback" else f"{proxy} of {hosts[0]}"] = None
    said = f"all nodes reach out through {named(list(found))}"
    points = tuple(SinglePoint(proxy, "proxy") for proxy in found)
    return by_number(name, title, said, len(found), points)


def _sources(network: ObservedNetwork) -> AuditCheck:
    """From where nodes know others: what they were given, and what they have heard of."""
    name, title = "seed", "one address that all nodes start from"
    known: dict[str, None] = {}
    unread = []
    for node in network.nodes.values():
        given = [peer.remote for peer in node.outbound if peer.manual]
        if node.book is None or node.added is None:
            unread.append(node.name)
        for end in (*given, *(node.added or ()), *(node.book or ())):
            if node.name not in network.owners.get(end, ()):
                known[network.owner(end, node.name) or WORLD + end.host] = None
    if len(known) > 1:
        said = f"the nodes know {len(known):,} others, given or heard of"
        return AuditCheck(name, title, AuditState.NONE, said, len(known))
    if unread or not known:
        what = f"address books of {named(unread)} were not read" if unread else "no address is seen"
        return AuditCheck(name, title, AuditState.UNDECIDED, f"{what}; seeds are not visible")
    only = point(network, next(iter(known)), "address")
    said = f"{only.component} is the only one that any node was given or has heard of"
    return AuditCheck(name, title, AuditState.FOUND, said, 1, (only,))


@dataclass(frozen=True, slots=True)
class _Service:
    """Something that nodes do for others.

    Args:
        name, title: of the check.
        by_node: whether a node that was read does it.
        by_host: whether a host outside is seen to.
    """

    name: str
    title: str
    by_node: Callable[[NodeReading], bool]
    by_host: Callable[[OutsideHost], bool]


_SERVICES: Final = (
    _Service(
        "filters",
        "who serves filters",
        lambda node: node.serves_filters,
        lambda host: bool(host.services & Services.COMPACT_FILTERS),
    ),
    _Service(
        "blocks",
        "who has all blocks",
        lambda node: node.serves_all_blocks,
        lambda host: bool(host.services & Services.NETWORK),
    ),
    _Service(
        "relay", "who relays transactions", lambda node: node.relays, lambda host: host.relays
    ),
    _Service(
        "inbound",
        "who accepts inbound",
        lambda node: bool(node.inbound),
        lambda _host: True,
    ),
)


def _offered(network: ObservedNetwork, service: _Service) -> AuditCheck:
    nodes = [node.name for node in network.nodes.values() if service.by_node(node)]
    hosts = [
        host.vertex for host in network.outside.values() if host.dialled and service.by_host(host)
    ]
    count = len(nodes) + len(hosts)
    if not count:
        said = "nobody is seen to, so nothing hangs on anyone"
        return AuditCheck(service.name, service.title, AuditState.IDLE, said)
    said = f"{len(nodes)} of {counted(len(network.nodes), 'node')}"
    said += f" ({named(nodes)})" if nodes else ""
    said += f" and {counted(len(hosts), 'host')} outside" if network.outside else ""
    points = tuple(point(network, vertex) for vertex in (*nodes, *hosts))
    return by_number(service.name, service.title, said, count, points)


def _templates(miners: tuple[str, ...]) -> AuditCheck:
    asked = tuple(dict.fromkeys(miners))
    points = tuple(SinglePoint(node, "node") for node in asked)
    said = f"as told, miners get their block templates from {named(asked)}"
    return by_number("template", "who gives block templates", said, len(asked), points)


def _wallets(network: ObservedNetwork, wallets: Mapping[str, tuple[str, ...]]) -> AuditCheck:
    """How many must be gone until some wallet has nobody."""
    points: dict[SinglePoint, None] = {}
    told = []
    fewest = len(network.nodes)
    for wallet, asked in wallets.items():
        cut = _wallet_cut(network, asked)
        fewest = min(fewest, len(cut))
        serving = [name for name in asked if network.nodes[name].serves_filters]
        if len(cut) == 1:
            points[point(network, cut[0])] = None
            told.append(f"{wallet} hangs on {cut[0].removeprefix(WORLD)}")
        elif len(serving) == 1:
            points[SinglePoint(serving[0], "node")] = None
            told.append(f"{wallet} gets filters from {serving[0]} alone")
        else:
            told.append(f"{wallet} asks {named(asked)}")
    needs = 1 if points else fewest
    return by_number("wallets", "whom wallets ask", "; ".join(told), needs, tuple(points))


def _wallet_cut(network: ObservedNetwork, asked: tuple[str, ...]) -> list[str]:
    """The smallest set without which a wallet that asks these nodes is cut off."""
    if not network.outside or len(asked) == 1:
        return list(asked)
    wallet = "wallet:"
    graph = LinkGraph([*network.graph().links(), *((wallet, node) for node in asked)])
    return vertex_cut(graph, wallet, WORLD, len(asked)) or list(asked)
