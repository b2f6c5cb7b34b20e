"""A newcomer finds all its peers by any one source of addresses, whatever the others are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from axon.machine import MINUTE, SECOND
from axon.node.settings import NodeSettings
from axon.p2p.redial import Target
from axon.p2p.requests import endpoint_of
from axon.primitives.network import REGTEST
from axon.swarm.sim.crowd import SERVICES, Crowd, Dialling, DiallingProgram
from bench.lonenode import NODE, LoneNode, address
from bench.seatfilling import DIALS

OTHERS = [address(number, 61) for number in range(40)]
FIRST, SEED = OTHERS[0], "seed.example"
NOWHERE = [address(number, 151) for number in range(4)]
TELLERS = 3


def seeded(node: LoneNode) -> None:
    """A DNS seed knows two of them."""
    told = tuple(each.to_text() for each in OTHERS[:2])
    node.net.simulation.set_name(f"x{SERVICES:x}.{SEED}", told)


def forsaken(node: LoneNode) -> None:
    """The same, and all whom the node has met are gone."""
    node.meet(NOWHERE)
    seeded(node)


def gossip(node: LoneNode) -> None:
    """Some dial the node, and tell it of one each now and then."""
    simulation = node.net.simulation
    crowd = Crowd(REGTEST, "/teller:1/", OTHERS, chain=node.chain)
    dialling = Dialling(node.net.nodes[NODE].endpoint, MINUTE, 20 * SECOND)
    for number in range(TELLERS):
        boot = partial(DiallingProgram, crowd, dialling, True, simulation.random("teller", number))
        simulation.add(boot, endpoint_of(address(number, 31)))


def nothing(_node: LoneNode) -> None:
    """Nobody tells of anybody."""


@dataclass(frozen=True)
class Source:
    """Where the addresses come from.

    Args:
        name: of it.
        decided: settings of the node's connections.
        prepare: what else there is.
    """

    name: str
    decided: dict[str, Any]
    prepare: Callable[[LoneNode], None] = nothing


SOURCES = [
    Source("of the last run", {}, lambda node: node.meet(OTHERS[:2])),
    Source("DNS seeds", {"dns_seeds": (SEED,)}, seeded),
    Source("compiled in", {"fixed_seeds": (FIRST,)}),
    Source("-seednode", {"seed_nodes": (endpoint_of(FIRST),)}),
    Source("-addnode", {"added": (Target("friend", endpoint_of(FIRST)),)}),
    Source("who dials us", {}, gossip),
    Source("compiled in, while all else is dead",
        {
            "dns_seeds": (SEED,),
            "seed_nodes": (endpoint_of(NOWHERE[0]),),
            "added": (Target("gone", endpoint_of(NOWHERE[1])),),
            "fixed_seeds": (FIRST,),
        },
    ),
    Source("DNS seeds, while all that is known is dead",
        {"dns_seeds": (SEED,), "seed_nodes": (endpoint_of(NOWHERE[0]),)},
        forsaken,
    ),
]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_each_source_alone_suffices(source: Source) -> None:
    def settings(usual: NodeSettings) -> NodeSettings:
        return replace(usual, connections=replace(usual.connections, **source.decided))

    node = LoneNode(1, settings, has_blocks=False)
    node.add_crowd("honest", OTHERS, OTHERS)
    source.prepare(node)
    assert node.wait_for_peers(DIALS, 10 * MINUTE) is not None


def test_without_any_source_nobody_is_found() -> None:
    node = LoneNode(1, has_blocks=False)
    node.add_crowd("honest", OTHERS, OTHERS)
    assert node.wait_for_peers(1, 10 * MINUTE) is None
