"""Networks as their nodes would tell of them: answers of calls, made from a list of links."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, count
from typing import Any

from axon.swarm.audit.auditreport import AuditReport, audit_network
from axon.swarm.audit.nodereading import read_node
from axon.swarm.audit.places import Places
from axon.swarm.audit.sharedchecks import ToldUse
from axon.wire.messages import Services

FULL = Services.NETWORK | Services.WITNESS | Services.NETWORK_LIMITED

Answers = dict[str, Any]


class PretendNetwork:
    """Nodes with public addresses of their own, each in another netgroup and of another version.

    Args:
        names: of the nodes.
        hosts: of each; several may be on one.
    """

    def __init__(self, names: Sequence[str], hosts: Sequence[str] = ()) -> None:
        self.ends: dict[str, str] = {}
        self.answers: dict[str, Answers] = {}
        self._ports = count(40_000)
        for place, name in enumerate(names):
            self.add(name, hosts[place] if hosts else f"20.{place + 1}.0.1")

    def add(self, name: str, host: str) -> None:
        """One more node."""
        place = len(self.answers) + 1
        port = 8_100 + place
        self.ends[name] = f"{host}:{port}"
        self.answers[name] = _alone(host, port, place)

    def link(self, dialler: str, dialled: str) -> None:
        """One node dials another; both tell of it."""
        here, there = self._new_end(dialler), self.ends[dialled]
        self.peers(dialler).append(self._peer(there, here, dialled, "outbound-full-relay"))
        self.peers(dialled).append(self._peer(here, there, dialler, "inbound"))

    def _new_end(self, name: str) -> str:
        return f"{self.ends[name].partition(':')[0]}:{next(self._ports)}"

    def dial_out(self, dialler: str, host: str, services: int = FULL) -> None:
        """A node dials a host that is not read."""
        here = self._new_end(dialler)
        peer = _peer_json(f"{host}:8333", here, services, "outbound-full-relay")
        self.peers(dialler).append(peer)

    def peers(self, name: str) -> list[Any]:
        """What the node tells of its peers, to be changed."""
        found: list[Any] = self.answers[name]["getpeerinfo"]
        return found

    def network(self, name: str) -> Answers:
        """What the node tells of itself, to be changed."""
        found: Answers = self.answers[name]["getnetworkinfo"]
        return found

    def serve(self, name: str, services: int) -> None:
        """What the node offers."""
        self.network(name)["localservices"] = f"{services:016x}"

    def _peer(self, remote: str, local: str, other: str, kind: str) -> Answers:
        services = int(self.network(other)["localservices"], 16)
        return _peer_json(remote, local, services, kind)

    def audit(
        self, told: ToldUse | None = None, left_out: tuple[str, ...] = (), lab: bool = False
    ) -> AuditReport:
        """What the audit says of it."""
        nodes = [read_node(name, said) for name, said in self.answers.items()]
        return audit_network(nodes, Places(lab), told or ToldUse({}), left_out)


def _alone(host: str, port: int, place: int) -> Answers:
    return {
        "getpeerinfo": [],
        "getnetworkinfo": {
            "subversion": f"/Satoshi:{place}.0.0/",
            "localservices": f"{FULL:016x}",
            "localrelay": True,
            "networks": [{"name": "ipv4", "reachable": True, "proxy": ""}],
            "localaddresses": [{"address": host, "port": port, "score": 4}],
        },
        "getblockchaininfo": {"chain": "main", "pruned": False},
        "getindexinfo": {},
        "getnodeaddresses": [
            {"address": f"30.{number}.0.1", "port": 8333} for number in range(1, 9)
        ],
        "getaddednodeinfo": [],
        "getmininginfo": {},
    }


def _peer_json(remote: str, local: str, services: int, kind: str) -> Answers:
    return {
        "addr": remote,
        "addrbind": local,
        "services": f"{services:016x}",
        "relaytxes": True,
        "inbound": kind == "inbound",
        "connection_type": kind,
    }


def mesh(size: int, hosts: Sequence[str] = ()) -> PretendNetwork:
    """Every node is linked with every other; about half of the others have dialled it."""
    names = [f"n{number}" for number in range(1, size + 1)]
    network = PretendNetwork(names, hosts)
    for place, (one, other) in enumerate(combinations(names, 2)):
        network.link(one, other) if (place + size) % 2 else network.link(other, one)
    return network


def star(leaves: int) -> PretendNetwork:
    """All nodes hang on the first, `hub`, and all accept inbound: each dials a host of its own."""
    names = [f"n{number}" for number in range(1, leaves + 1)]
    network = PretendNetwork(["hub", *names])
    for name in names:
        network.link("hub", name)
    return network
