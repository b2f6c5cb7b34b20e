"""S10, bounded resources: what a node uses stays below what it may use.

Memory and open files are seen from outside, the rest is what the node says of itself. How each
bound stands a flood is tried by `make attack`, against a node process with one hostile peer and
with thirty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from axon.mempool.orphans import RESERVED_WEIGHT
from axon.p2p.addrplacement import NEW_BUCKETS, TRIED_BUCKETS
from axon.p2p.addrtables import BUCKET_SIZE
from axon.p2p.blocksinflight import MAX_IN_FLIGHT
from axon.p2p.connectionsconfig import DEFAULT_MAX_CONNECTIONS
from axon.rpc.errors import RpcError
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun

MEMORY_LIMIT_MB: Final = 512
"""Resident memory of a node on a lab chain; 50 MB are usual, and 300 what its pool may take."""

FILES_BESIDE: Final = 200
"""Open files beside connections: databases, block files, sockets of callers."""

ADDRESSES_LIMIT: Final = (NEW_BUCKETS + TRIED_BUCKETS) * BUCKET_SIZE

_ASKED: Final = (
    ("getmempoolinfo", ()),
    ("getpeerinfo", ()),
    ("getaddrmaninfo", ()),
    ("getorphantxs", (1,)),
)


@dataclass(frozen=True, slots=True)
class Use:
    """How much of something one node uses.

    Args:
        node: its name.
        what: of what, with its unit.
        used, limit: in that unit.
    """

    node: str
    what: str
    used: float
    limit: float

    @property
    def share(self) -> float:
        """In percent of what it may use."""
        return 100 * self.used / self.limit

    def __str__(self) -> str:
        return f"{self.node} uses {self.used:,.0f} of {self.limit:,.0f} {self.what}"


def bounded_resources(run: CheckedRun) -> Finding:
    """S10: memory, open files, pool, orphans, addresses, connections and requests are in bounds."""
    uses = [use for node in run.nodes() for use in uses_of(node)]
    if not uses:
        return Finding("S10", None, "no node answers", tried=0)
    beyond = [use for use in uses if use.share > 100]
    highest = max(uses, key=lambda use: use.share)
    said = "; ".join(map(str, beyond)) or f"the nearest to its bound: {highest}"
    nodes = len({use.node for use in uses})
    kinds = len({use.what for use in uses})
    if not beyond:
        said = f"{counted(kinds, 'bound')} of {counted(nodes, 'node')} looked at; {said}"
    culprits = tuple(dict.fromkeys(use.node for use in beyond))
    return Finding("S10", not beyond, said, highest.share, 100, "%", culprits, len(uses))


def uses_of(node: CheckedNode) -> list[Use]:
    """All that is bounded of one node; what it does not tell is left out."""
    pool, peers, addresses, orphans = node.batch(list(_ASKED))
    found: list[Use] = []

    def add(what: str, used: float, limit: float) -> None:
        found.append(Use(node.name, what, used, limit))

    rss_kb, files = node.footprint()
    connections = len(peers) if isinstance(peers, list) else DEFAULT_MAX_CONNECTIONS
    if rss_kb:
        add("MB of memory", rss_kb / 1024, MEMORY_LIMIT_MB)
    if files:
        add("open files", files, connections + FILES_BESIDE)
    if isinstance(pool, dict):
        add("bytes of the pool", int(pool["usage"]), int(pool["maxmempool"]))
    if isinstance(peers, list):
        add("connections", connections, DEFAULT_MAX_CONNECTIONS)
        in_flight = max((len(peer.get("inflight", ())) for peer in peers), default=0)
        add("blocks asked of one peer", in_flight, MAX_IN_FLIGHT)
    if not isinstance(addresses, RpcError):
        add("addresses", int(addresses["all_networks"]["total"]), ADDRESSES_LIMIT)
    if not isinstance(orphans, RpcError):
        weight_wu = sum(int(_as_mapping(each)["weight"]) for each in orphans)
        add("weight units of orphans", weight_wu, RESERVED_WEIGHT * max(1, connections))
    return found


def _as_mapping(value: Any) -> Mapping[str, Any]:
    assert isinstance(value, dict), "as asked for"
    return value
