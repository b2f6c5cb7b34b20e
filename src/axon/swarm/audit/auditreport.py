"""The verdict on a network that was read, with all that was seen and all that could not be.

Three words are possible. `SPOF FOUND`: some check names a component on which service hangs alone.
`NONE FOUND UP TO k`: every check was decided, and in none do k components suffice. `INCONCLUSIVE`:
nothing was found, and a check could not be decided. What is not read is named every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Final

from axon.errors import ConfigError
from axon.swarm.audit.auditcheck import AuditCheck, AuditState, SinglePoint, named
from axon.swarm.audit.linkchecks import link_checks
from axon.swarm.audit.linkgraph import bridges, cut_vertices
from axon.swarm.audit.nodereading import NodeReading
from axon.swarm.audit.observednetwork import WORLD, ObservedNetwork, observe
from axon.swarm.audit.places import Places
from axon.swarm.audit.sharedchecks import ToldUse, shared_checks
from axon.swarm.invariants import counted
from axon.swarm.lab.verdict import WIDTH, Exit

SCHEMA: Final = "axon swarm audit 1"
"""Names the form of the JSON; fields may be added to it, none changes its meaning."""

HOW: Final = "by reading, nothing was harmed"

MAX_NODES_READ: Final = 200
"""Nodes of one operator; for so many the smallest cuts are found within half a minute."""

CHECKS: Final = tuple(
    "links bridges outside-netgroups outside-as nodes host netgroup as version proxy seed filters "
    "blocks relay inbound template wallets".split()
)
"""The names of all checks."""

_ALWAYS: Final = (
    "components that go together in other ways than by one host, netgroup, AS or proxy: provider, "
    "power, administrator, shared files and configuration",
    "failures other than loss: nodes that are slow, stop, lie, or come back with an empty disk",
    "links as they will be: this is one moment, and a node that dials by itself may replace a link",
    "links among hosts outside, which are taken for one connected world",
    "several components of different kinds at once",
    "which DNS seeds are set",
)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What came of reading a network.

    Args:
        network: what was seen.
        checks: every question with its answer.
        exclusions: what could not be seen, or was left out.
    """

    network: ObservedNetwork
    checks: tuple[AuditCheck, ...]
    exclusions: tuple[str, ...]

    @property
    def points(self) -> tuple[SinglePoint, ...]:
        """All that service hangs on alone, each once."""
        return tuple(dict.fromkeys(each for check in self.checks for each in check.points))

    @property
    def undecided(self) -> tuple[str, ...]:
        """The names of checks that could not be decided."""
        return tuple(each.name for each in self.checks if each.state is AuditState.UNDECIDED)

    @property
    def up_to(self) -> int | None:
        """How many components may be gone at once, as far as was counted; None if not decided."""
        if self.points or self.undecided:
            return None
        needs = [each.needs for each in self.checks if each.state is AuditState.NONE and each.needs]
        return min(needs) - 1 if needs else None

    @property
    def exit_code(self) -> Exit:
        """The same as a number."""
        if self.points:
            return Exit.VIOLATED
        return Exit.INCONCLUSIVE if self.up_to is None else Exit.PASS

    @property
    def verdict(self) -> str:
        """The same in words."""
        if self.points:
            return "SPOF FOUND"
        return "INCONCLUSIVE" if self.up_to is None else f"NONE FOUND UP TO {self.up_to}"

    def sentence(self) -> str:
        """The verdict with what it rests on."""
        what = ""
        if self.points:
            what = f": {named([str(each) for each in self.points])}"
        elif self.undecided:
            what = f": {named(self.undecided)} could not be decided"
        elif self.up_to is None:
            what = ": nothing was checked"
        done = sum(each.state in (AuditState.FOUND, AuditState.NONE) for each in self.checks)
        read = counted(len(self.network.nodes), "node")
        return f"{self.verdict}{what}. {HOW.capitalize()}: {read}, {counted(done, 'check')} decided"

    def lines(self) -> list[str]:
        """The report for a terminal; the verdict comes last."""
        lines = [*_node_table(self.network), "", *_check_table(self.checks), "", "not seen:"]
        for each in self.exclusions:
            lines += wrap(each, WIDTH, initial_indent="  - ", subsequent_indent="    ")
        return [*lines, "", *wrap(f"{self.sentence()}.", WIDTH)]

    def to_json(self) -> dict[str, object]:
        """The report for programs; docs/audit.md tells every field."""
        network = self.network
        graph = network.graph()
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "exit": int(self.exit_code),
            "up_to": self.up_to,
            "how": HOW,
            "single_points": [
                {"component": each.component, "kind": each.kind} for each in self.points
            ],
            "undecided": list(self.undecided),
            "checks": {each.name: each.to_json() for each in self.checks},
            "exclusions": list(self.exclusions),
            "nodes": {node.name: _node_json(network, node) for node in network.nodes.values()},
            "links": [list(link) for link in network.links],
            "outside": [
                {
                    "host": each.host,
                    "netgroup": network.places.netgroup(each.host),
                    "nodes": list(each.nodes),
                }
                for each in network.outside.values()
            ],
            "cut_vertices": [
                vertex.removeprefix(WORLD) for vertex in cut_vertices(graph) if vertex != WORLD
            ],
            "bridges": [
                [end.removeprefix(WORLD) for end in link]
                for link in bridges(graph)
                if WORLD not in link
            ],
        }


def audit_network(
    nodes: Sequence[NodeReading], places: Places, told: ToldUse, left_out: Sequence[str] = ()
) -> AuditReport:
    """Judge a network by what its nodes say.

    Args:
        nodes: each of another name.
        places: how addresses are read.
        told: who asks which nodes.
        left_out: names of checks that do not count.

    Raises:
        ConfigError: there is no node or there are too many, two are of one name or of different
            chains, or a node or check is named that there is not.
    """
    _check_input(nodes, told, left_out)
    network = observe(nodes, places)
    checks = tuple(
        replace(each, state=AuditState.LEFT_OUT, points=()) if each.name in left_out else each
        for each in (*link_checks(network), *shared_checks(network, told))
    )
    return AuditReport(network, checks, tuple(_exclusions(network, told, left_out)))


def _check_input(nodes: Sequence[NodeReading], told: ToldUse, left_out: Sequence[str]) -> None:
    if not 1 <= len(nodes) <= MAX_NODES_READ:
        raise ConfigError(f"an audit reads 1 to {MAX_NODES_READ} nodes, not {len(nodes)}")
    names = [node.name for node in nodes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"there are two nodes {twice!r}; give each a name of its own")
    chains: dict[str, str] = {}
    for node in nodes:
        if node.chain is not None:
            chains.setdefault(node.chain, node.name)
    if len(chains) > 1:
        told_chains = ", ".join(f"{name} is on {chain}" for chain, name in chains.items())
        raise ConfigError(f"these nodes are of different networks: {told_chains}")
    asked = (*told.miners, *(name for nodes_ in told.wallets.values() for name in nodes_))
    unknown = next((name for name in asked if name not in names), None)
    if unknown is not None:
        raise ConfigError(f"no node {unknown!r} was read; there are {named(names)}")
    wrong = next((name for name in left_out if name not in CHECKS), None)
    if wrong is not None:
        raise ConfigError(f"there is no check {wrong!r}; the checks are {', '.join(CHECKS)}")


def _exclusions(network: ObservedNetwork, told: ToldUse, left_out: Sequence[str]) -> list[str]:
    found = [f"left out: {', '.join(left_out)}"] if left_out else []
    if not told.wallets:
        found.append("which nodes wallets ask: not visible by reading (tell it with --wallet)")
    if not told.miners:
        made = [node.name for node in network.nodes.values() if node.made_templates]
        hint = f"; {named(made)} assembled a block since its start" if made else ""
        found.append(f"which node miners ask: not visible by reading (tell it with --miner){hint}")
    if network.places.asmap is None:
        found.append("autonomous systems: no map was given (--asmap)")
    if network.places.lab:
        found.append("that hosts on loopback are one machine (--lab)")
    for node in network.nodes.values():
        if node.missing:
            found.append(f"{node.name} did not answer {', '.join(node.missing)}")
    if network.unclear:
        found.append(
            f"who was dialled on {named(network.unclear)}, hosts of nodes that were read: at ports "
            "not known to be theirs, so it counts as nobody"
        )
    if network.strangers:
        found.append(
            f"{counted(network.strangers, 'full node')} outside that dialled in: may be anybody's, "
            "and count as no way out"
        )
    return [*found, *_ALWAYS]


def _node_json(network: ObservedNetwork, node: NodeReading) -> dict[str, object]:
    return {
        "version": node.user_agent,
        "chain": node.chain,
        "hosts": list(network.hosts[node.name]),
        "outbound": len(node.outbound),
        "inbound": len(node.inbound),
        "filters": node.serves_filters,
        "all_blocks": node.serves_all_blocks,
        "relay": node.relays,
        "missing": list(node.missing),
    }


def _node_table(network: ObservedNetwork) -> list[str]:
    rows = [("node", "version", "out", "in", "linked to", "outside")]
    for node in network.nodes.values():
        linked = [
            one if other == node.name else other
            for one, other in network.links
            if node.name in (one, other)
        ]
        outside = sum(node.name in each.nodes for each in network.outside.values())
        rows.append(
            (
                node.name,
                node.user_agent[:24],
                str(len(node.outbound)),
                str(len(node.inbound)),
                named(linked, 4) or "-",
                counted(outside, "host"),
            )
        )
    return _columns(rows)


def _check_table(checks: Sequence[AuditCheck]) -> list[str]:
    rows = [("check", "about", "single point", "needs")]
    for each in checks:
        word = {AuditState.FOUND: "FOUND", AuditState.UNDECIDED: "?"}.get(
            each.state, str(each.state)
        )
        rows.append((each.name, each.title, word, "" if each.needs is None else str(each.needs)))
    lines = _columns(rows)
    told = lines[:1]
    for line, each in zip(lines[1:], checks, strict=True):
        told.append(line)
        told += wrap(each.said, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return told


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
