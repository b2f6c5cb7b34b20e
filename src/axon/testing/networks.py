"""Several nodes on regtest, connected as a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Final

from axon.errors import ConfigError
from axon.swarm.lab.nodeprocess import equal_tips
from axon.swarm.lab.processes import wait_until
from axon.testing.nodes import RegtestNode, node

AGREE_LIMIT_S: Final = 60.0

MakeNode = Callable[[str], RegtestNode]
"""Starts a node of this name."""


class Topology(StrEnum):
    """Who is connected to whom."""

    MESH = "mesh"  # Everybody to everybody.
    RING = "ring"
    LINE = "line"
    STAR = "star"  # All to the first.
    NONE = "none"


def links(count: int, topology: Topology) -> list[tuple[int, int]]:
    """The pairs of nodes, by number, that are connected."""
    match topology:
        case Topology.MESH:
            return [(a, b) for b in range(count) for a in range(b)]
        case Topology.LINE:
            return [(a, a + 1) for a in range(count - 1)]
        case Topology.RING:
            closing = [(count - 1, 0)] if count > 2 else []
            return [*links(count, Topology.LINE), *closing]
        case Topology.STAR:
            return [(0, b) for b in range(1, count)]
        case Topology.NONE:
            return []


def read_shape(count: int, topology: Topology | str) -> Topology:
    """The topology of a network of so many nodes, before any of them is started.

    Raises:
        ConfigError: there is none of this name, or no node.
    """
    if count < 1:
        raise ConfigError(f"a network has at least one node, not {count}")
    try:
        return Topology(topology)
    except ValueError as error:
        names = ", ".join(Topology)
        raise ConfigError(f"there is no topology {topology!r}: {names}") from error


def join(nodes: list[RegtestNode], topology: Topology) -> None:
    """Connect nodes, and wait until all stand on one block if all can hear of it."""
    pairs = links(len(nodes), topology)
    for a, b in pairs:
        nodes[b].connect(nodes[a])
    if pairs:
        wait_until(lambda: equal_tips(nodes), AGREE_LIMIT_S, "all nodes on one block")


@contextmanager
def network(
    count: int,
    topology: Topology | str = Topology.MESH,
    *,
    blocks: int = 0,
    program: str = "axon",
) -> Iterator[list[RegtestNode]]:
    """Nodes on regtest, connected, until the block is left.

    Args:
        count: how many nodes.
        topology: who is connected to whom.
        blocks: mined by the first one before the block is entered.
        program: as of `node`.

    Raises:
        ConfigError: there is no such topology, or no node.
        NodeFailed: one does not start, or they do not agree in time.
    """
    shape = read_shape(count, topology)
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(node(program, name=f"n{number}", blocks=blocks * (number == 1)))
            for number in range(1, count + 1)
        ]
        join(nodes, shape)
        yield nodes
