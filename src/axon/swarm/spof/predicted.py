"""Sets of nodes without which a network must fail, read from the plan: nothing is tried.

Beside what trials find they are a check of both: a set that is predicted and holds when it is
killed, or one that fails and was not to be read, is shown. Reading knows who may dial whom, and
nothing of what nodes serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from axon.swarm.audit.linkgraph import LinkGraph, components, cut_vertices, weakest_cut
from axon.swarm.blueprint import Blueprint


@dataclass(frozen=True, slots=True)
class Prediction:
    """A set of nodes without which something must fail.

    Args:
        targets: the nodes.
        why: what is apart then, or who reaches nobody.
    """

    targets: tuple[str, ...]
    why: str


def predicted(blueprint: Blueprint, size: int) -> list[Prediction]:
    """The smallest sets that can be read, smaller ones first, none of which holds another.

    Args:
        blueprint: of the network.
        size: larger sets are of no interest.
    """
    kept: list[Prediction] = []
    for each in sorted(_all(blueprint), key=lambda each: len(each.targets)):
        fits = 0 < len(each.targets) <= min(size, len(blueprint.nodes) - 1)
        if fits and not any(set(part.targets) <= set(each.targets) for part in kept):
            kept.append(each)
    return kept


def _all(blueprint: Blueprint) -> Iterator[Prediction]:
    names = [node.name for node in blueprint.nodes]

    def prediction(targets: Sequence[str], why: str) -> Prediction:
        return Prediction(tuple(name for name in names if name in targets), why)

    graph = LinkGraph([_ends(link) for link in blueprint.links()], names)
    vertices = cut_vertices(graph)
    for cut in [[vertex] for vertex in vertices] or [weakest_cut(graph) or []]:
        parts = components(graph, cut)
        yield prediction(cut, "apart: " + " | ".join(" ".join(part) for part in parts))
    newcomers = (blueprint.newcomer_node, blueprint.newcomer_wallet)
    for client in (*blueprint.wallets, *(each for each in newcomers if each is not None)):
        if client.dials is not None:
            yield prediction(client.dials, f"{client.name} dials no other")
    asked = {name for miner in blueprint.miners for name in miner.nodes}
    yield prediction(sorted(asked), "miners ask no other")


def _ends(link: str) -> tuple[str, str]:
    one, _, other = link.partition("-")
    return one, other
