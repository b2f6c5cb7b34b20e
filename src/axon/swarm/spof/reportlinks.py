"""Who was linked to whom, how well that hangs together, and what is left as nodes go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.swarm.audit.linkgraph import LinkGraph
from axon.swarm.blueprint import Blueprint
from axon.swarm.markup import Markup, element, text, told
from axon.swarm.spof.connectivity import MAX_VERTICES, Connectivity, connectivity
from axon.swarm.spof.plot import WIDTH, Scale, axes, chart, key, plain_table, share, steps
from axon.swarm.spof.removal import DRAWS, RemovalCurve, removal_curves
from axon.swarm.trialhistory import TrialHistory, TrialPhase

RANDOM_PUBLISHED: Final = (0.72, 0.92)
TARGETED_PUBLISHED: Final = (0.05, 0.20)
"""Thresholds that were published of the live network: by chance, and the best linked first."""

_KINDS: Final = {"random": "", "degree": "dashed", "betweenness": "dotted", "hoster": "harm"}
_ORDERS: Final = {
    "random": "by chance",
    "degree": "most neighbours first",
    "betweenness": "most ways first",
    "hoster": "hoster by hoster, the largest first",
}
_HEIGHT: Final = 270.0
_MAX_NAMED: Final = 12


def node_graph(blueprint: Blueprint, history: TrialHistory | None) -> LinkGraph | None:
    """The links between nodes before anything was harmed; None if nobody wrote them down."""
    if history is None or TrialPhase.BEFORE not in history.links:
        return None
    nodes = [node.name for node in blueprint.nodes]
    known = frozenset(nodes)
    links = [link for link in history.links[TrialPhase.BEFORE] if known.issuperset(link)]
    return LinkGraph(links, nodes)


def links_section(graph: LinkGraph | None) -> list[Markup]:
    """The figures and the curves."""
    if graph is None:
        return [element("p", text("The file does not say who was linked to whom."))]
    found = connectivity(graph)
    if found is None:
        said = f"{len(graph.neighbours):,} nodes are more than the {MAX_VERTICES} of which the "
        return [element("p", text(f"{said}figures are taken."))]
    about = (
        "Links between nodes that both ends had, in the control where nothing is harmed. Nodes "
        "dial others when some die, so what is left then is found by trial and not from these."
    )
    return [
        element("p", text(about)),
        _figures(found),
        element("h3", text("As nodes go and nobody dials anew")),
        *removal_chart(removal_curves(graph)),
    ]


def _figures(found: Connectivity) -> Markup:
    most = found.vertices - 1
    cut = ", ".join(found.weakest_cut[:_MAX_NAMED]) or "every two nodes are linked"
    alone = ", ".join(found.cut_vertices[:_MAX_NAMED]) or "none"
    rows = (
        ("nodes, links", f"{found.vertices:,}, {found.links:,}", "in the graph"),
        ("parts", f"{found.parts:,}", "1: it hangs together"),
        (
            "smallest degree \u03b4",
            f"{found.min_degree:,}",
            f"neighbours of the least linked node; mean {found.mean_degree:.1f}, most "
            f"{found.max_degree:,}",
        ),
        (
            "vertex connectivity \u03ba",
            f"{found.vertex_connectivity:,}",
            f"so many nodes must go until the rest is in parts ({cut}); at most \u03b4, and "
            f"{most:,} if all are linked",
        ),
        (
            "algebraic connectivity \u03bb\u2082",
            f"{found.algebraic_connectivity:.2f}",
            "second smallest eigenvalue of the Laplacian: the larger, the harder to part",
        ),
        (
            "largest k-core",
            f"{found.core:,}",
            f"{found.core_size:,} nodes have so many neighbours among each other",
        ),
        ("cut vertices", f"{len(found.cut_vertices):,}", f"each alone parts it: {alone}"),
    )
    return plain_table(("figure", "", "what it says"), rows)


def removal_chart(curves: Sequence[RemovalCurve]) -> list[Markup]:
    """The curves beside what was published."""
    if not curves:
        return [element("p", text("There are too few nodes for curves, or too many."))]
    x, y = Scale(0.0, 1.0, 46.0, WIDTH - 26), Scale(0.0, 1.0, _HEIGHT - 40, 26.0)
    parts = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    drawn = [_published(x, y, TARGETED_PUBLISHED), _published(x, y, RANDOM_PUBLISHED)]
    drawn += axes(x, y, across=[(n, share(n)) for n in parts], up=[(n, share(n)) for n in parts])
    for each in curves:
        count = len(each.largest) - 1
        points = [(gone / count, left) for gone, left in enumerate(each.largest)]
        drawn.append(steps(points, x, y, _KINDS[each.order]))
    middle = (x.start + x.end) / 2
    drawn.append(element("text", text("of the nodes are gone"), x=middle, y=_HEIGHT - 6))
    caption = [
        *[line_key(_KINDS[each.order], _ORDERS[each.order]) for each in curves],
        key("told", "published thresholds of the live network"),
        text("Up: the part of all nodes that still hangs together."),
    ]
    rows = [_row(each) for each in curves]
    title = "what still hangs together as nodes go, in several orders, beside published thresholds"
    heads = ("order", "comes apart at f_c", "published", "first to go")
    words = plain_table(heads, rows)
    said = (
        "f_c: the part of the nodes after whose loss the largest piece first holds less than half "
        "of those that are left; two that are left count as gone. By chance: the mean of "
        f"{DRAWS} orders. The published figures are of "
        "a far larger network; so few nodes as here, that all find each other, stay together far "
        "longer."
    )
    return [
        chart(title, _HEIGHT, drawn, caption, words, is_folded=False),
        element("p", told(said, 2_000), class_="about"),
    ]


def _published(x: Scale, y: Scale, ends: tuple[float, float]) -> Markup:
    left, right = x.at(ends[0]), x.at(ends[1])
    said = "targeted" if ends == TARGETED_PUBLISHED else "random"
    box = element(
        "rect", x=left, y=y.end, width=right - left, height=y.start - y.end, class_="told"
    )
    return element("g", box, element("text", text(said), x=(left + right) / 2, y=y.end - 6))


def line_key(kind: str, said: str) -> Markup:
    """What a way of drawing a line means."""
    line = element("line", x1=0, y1=5, x2=26, y2=5, class_=f"curve {kind}".rstrip())
    drawn = element("svg", line, viewBox="0 0 26 10", class_="line", aria_hidden="true")
    return element("span", drawn, text(said), class_="key")


def _row(each: RemovalCurve) -> tuple[str, ...]:
    low, high = RANDOM_PUBLISHED if each.order == "random" else TARGETED_PUBLISHED
    first = ", ".join(each.first[:_MAX_NAMED]) or "drawn"
    return (_ORDERS[each.order], f"{each.threshold:.2f}", f"{low:.2f} to {high:.2f}", first)
