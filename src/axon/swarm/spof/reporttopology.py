"""A picture of who may dial whom: nodes on a circle, all others around it, what fails marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, hypot, pi, sin
from typing import Final

from axon.swarm.blueprint import Blueprint, NodePlan, WalletPlan
from axon.swarm.markup import Markup, element, text, told
from axon.swarm.trialhistory import Link

MAX_DRAWN: Final = 60
"""Components; more cannot be told apart."""

_WIDTH: Final = 560.0
_HEIGHT: Final = 520.0
_INNER: Final = 150.0
_OUTER: Final = 228.0
_RADIUS: Final = 17.0
_GAP: Final = 4.0
"""Between a circle and a line that ends at it."""
_SHORT: Final = 6
_TITLE_CHARACTERS: Final = 300

_Line = tuple[str, str, str]
"""From whom, to whom, and its class."""


def topology(blueprint: Blueprint, culprits: frozenset[str]) -> Markup:
    """The picture.

    Args:
        blueprint: of the network.
        culprits: components that the verdict names, which are marked.
    """
    kinds = blueprint.components()
    if len(kinds) > MAX_DRAWN:
        said = f"{len(kinds):,} components are too many to draw; the inventory counts them."
        return element("p", text(said))
    nodes = [node.name for node in blueprint.nodes]
    others = [name for name in kinds if name not in nodes]
    places = dict(_ring(nodes, _INNER)) | dict(_ring(others, _OUTER))
    lines = dict.fromkeys(_lines(blueprint))
    drawn = [_line(line, places, culprits) for line in lines]
    drawn += [_component(name, kinds[name], places[name], name in culprits) for name in kinds]
    picture = element(
        "svg",
        element("title", told(_in_words(blueprint, culprits), _TITLE_CHARACTERS)),
        _arrow(),
        *drawn,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        role="img",
    )
    return element("figure", picture, element("figcaption", text(_LEGEND)), class_="topology")


def linked(
    blueprint: Blueprint,
    before: Sequence[Link],
    links: Sequence[Link],
    harmed: frozenset[str],
    said: str,
) -> Markup:
    """Who was linked to whom at one moment: nodes on a circle, wallets around it.

    Args:
        blueprint: of the network.
        before: links at the beginning.
        links: links at that moment.
        harmed: components that were harmed, which are marked.
        said: which moment it is.
    """
    nodes = [node.name for node in blueprint.nodes]
    wallets = [wallet.name for wallet in blueprint.wallets]
    places = dict(_ring(nodes, _INNER)) | dict(_ring(wallets, _OUTER))
    was, now = dict.fromkeys(before), dict.fromkeys(links)
    kinds = {link: "lost" for link in was if link not in now}
    kinds |= {link: "linked" if link in was else "new" for link in now}
    drawn = [_line((*link, kind), places, frozenset()) for link, kind in kinds.items()]
    known = blueprint.components()
    for name, (x, y) in places.items():
        if name in harmed:
            radius = _RADIUS + 5 if known[name] == "node" else _RADIUS + 2
            drawn.append(element("circle", cx=x, cy=y, r=radius, class_="harm"))
        drawn.append(_component(name, known[name], places[name], is_culprit=False))
    lost = sum(kind == "lost" for kind in kinds.values())
    new = sum(kind == "new" for kind in kinds.values())
    words = f"{said}: {len(now)} links, {lost} of those before are gone, {new} are new"
    picture = element(
        "svg",
        element("title", text(words)),
        *drawn,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        role="img",
    )
    return element("figure", picture, element("figcaption", text(words)), class_="topology")


_LEGEND: Final = (
    "Large circles are nodes, small ones all else. A thin line: one finds the other by itself and "
    "may dial it. An arrow: it dials only what the arrow points to. Dots: a miner asks for work, "
    "or a seed, a host, a file or a link is used. What the verdict names has a second ring and the "
    "word \u2018fails\u2019."
)


def _ring(names: list[str], radius: float) -> Iterator[tuple[str, tuple[float, float]]]:
    for place, name in enumerate(names):
        angle = 2 * pi * (place + (radius > _INNER) / 2) / len(names) - pi / 2
        yield name, (_WIDTH / 2 + radius * cos(angle), _HEIGHT / 2 + radius * sin(angle))


def _lines(blueprint: Blueprint) -> Iterator[_Line]:
    admitting = {node.name: node.admits for node in blueprint.nodes if node.listens}
    users: tuple[NodePlan | WalletPlan, ...] = (*blueprint.nodes, *blueprint.wallets)
    seen: set[frozenset[str]] = set()
    for user in users:
        for name, admits in admitting.items():
            pair = frozenset((user.name, name))
            if user.dials is None and name != user.name and pair not in seen:
                if admits is None or user.name in admits:
                    seen.add(pair)
                    yield user.name, name, "may"
        for name in user.dials or ():
            yield user.name, name, "only"
        for seed in user.seeds:
            yield user.name, seed, "uses"
    for miner in blueprint.miners:
        yield from ((miner.name, node, "uses") for node in miner.nodes)
    for seed, given in blueprint.seeds.items():
        yield from ((seed, node, "uses") for node in given)
    for shared in blueprint.shared:
        yield from ((shared.name, member, "uses") for member in shared.members)
    for uplink in blueprint.uplinks:
        yield from ((uplink.name, member, "uses") for side in uplink.sides for member in side)


def _line(line: _Line, places: dict[str, tuple[float, float]], culprits: frozenset[str]) -> Markup:
    one, other, kind = line
    if one not in places or other not in places:
        return Markup("")  # A component that comes only when something is wrong.
    (x1, y1), (x2, y2) = places[one], places[other]
    far = hypot(x2 - x1, y2 - y1) or 1.0
    short = (_RADIUS + _GAP) / far
    dx, dy = (x2 - x1) * short, (y2 - y1) * short
    is_culprit = not culprits.isdisjoint((f"{one}-{other}", f"{other}-{one}"))
    ends = {"x1": x1 + dx, "y1": y1 + dy, "x2": x2 - dx, "y2": y2 - dy}
    marked = {"marker_end": "url(#arrow)"} if kind == "only" else {}
    return element("line", **ends, **marked, class_=f"{kind} fails" if is_culprit else kind)


def _component(name: str, kind: str, place: tuple[float, float], is_culprit: bool) -> Markup:
    x, y = place
    radius = _RADIUS if kind == "node" else _RADIUS - 3
    parts = [element("title", told(f"{name}, a {kind}", _TITLE_CHARACTERS))]
    if is_culprit:
        beside = y - radius - 10 if y < _HEIGHT / 2 else y + radius + 18
        parts.append(element("circle", cx=x, cy=y, r=radius + 5, class_="ring"))
        parts.append(element("text", text("fails"), x=x, y=beside, class_="fails"))
    parts.append(element("circle", cx=x, cy=y, r=radius, class_="culprit" if is_culprit else kind))
    parts.append(element("text", told(name, _SHORT), x=x, y=y, class_="name"))
    return element("g", *parts)


def _arrow() -> Markup:
    head = element("path", d="M0 0L8 4L0 8z", class_="head")
    marker = element(
        "marker",
        head,
        id="arrow",
        viewBox="0 0 8 8",
        refX="7",
        refY="4",
        markerWidth="7",
        markerHeight="7",
        orient="auto",
    )
    return element("defs", marker)


def _in_words(blueprint: Blueprint, culprits: frozenset[str]) -> str:
    named = ", ".join(sorted(culprits)) or "nothing"
    return f"{len(blueprint.nodes)} nodes and who may dial whom; the verdict names {named}"
