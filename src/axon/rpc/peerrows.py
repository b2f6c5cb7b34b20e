"""The peers of a node, as its answers tell of them: for a table, and for a page.

Whoever draws them need not know which call says what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

BLOCKS: Final = 20
"""Of so many newest blocks it is told who announced them first."""


@dataclass(frozen=True, slots=True)
class PeerRow:
    """One peer, as it is shown, and the keys under which a program finds it.

    Args:
        id: the node's number for it.
        address: of the other end.
        network: of it, by Bitcoin Core's names; likewise `connection_type` and `transport`.
        inbound: whether it dialled us.
        asn: the number of the autonomous system it is in; None if the node knows none.
        ping_ms: the last one; None before the first.
        bytes_received: in all; likewise sent.
        most_received: the message of which most bytes came; empty before the first.
        announced_first: of how many of the newest blocks it told us first.
        waiting_s: for how long the oldest block asked of it has not come; None if none is.
        stalled: how many of the newest blocks it was asked for and never gave.
    """

    id: int
    address: str
    network: str
    connection_type: str
    transport: str
    inbound: bool
    asn: int | None
    ping_ms: float | None
    bytes_received: int
    bytes_sent: int
    most_received: str
    most_sent: str
    announced_first: int
    waiting_s: float | None
    stalled: int


def peer_rows(
    peers: Sequence[Mapping[str, Any]], timelines: Sequence[Mapping[str, Any]]
) -> list[PeerRow]:
    """The peers of a node.

    Args:
        peers: what `getpeerinfo` says.
        timelines: what `getblocktimeline` says.
    """
    firsts = [each["announced"][0]["peer"] for each in timelines[:BLOCKS] if each["announced"]]
    stalls = [moment["peer"] for each in timelines for moment in each["stalled"]]
    waiting_s: dict[int, float] = {}
    for each in timelines:
        if "waiting" in each:
            asked = each["asked"][-1]["peer"]
            waiting_s[asked] = max(each["waiting"], waiting_s.get(asked, 0.0))
    return [
        PeerRow(
            id=peer["id"],
            address=peer["addr"],
            network=peer["network"],
            connection_type=peer["connection_type"],
            transport=peer["transport_protocol_type"],
            inbound=peer["inbound"],
            asn=peer.get("mapped_as"),
            ping_ms=round(peer["pingtime"] * 1_000, 3) if "pingtime" in peer else None,
            bytes_received=peer["bytesrecv"],
            bytes_sent=peer["bytessent"],
            most_received=_most(peer["bytesrecv_per_msg"]),
            most_sent=_most(peer["bytessent_per_msg"]),
            announced_first=firsts.count(peer["id"]),
            # Blocks that are asked of nobody any more are in no peer's `inflight`.
            waiting_s=waiting_s.get(peer["id"]) if peer["inflight"] else None,
            stalled=stalls.count(peer["id"]),
        )
        for peer in peers
    ]


def _most(counts: Mapping[str, int]) -> str:
    return max(counts, key=lambda name: counts[name], default="")
