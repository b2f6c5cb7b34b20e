"""Pictures of the network at one moment: circles with names, links, last blocks by colour.

Everybody keeps the same place in all pictures of a report, and every block its colour: nodes stand
on an inner ring, wallets on an outer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Final

from axon.swarm.markup import Markup, element, text
from axon.swarm.story.record import Actor, ActorKind, Scene, Standing

COLOURS: Final = 8
"""Of blocks, as classes `tip0` to `tip7` of the page; a story has more blocks than that, but one
picture shows a few, and those follow each other."""

WIDTH: Final = 320.0
HEIGHT: Final = 268.0

_CENTRE: Final = (WIDTH / 2, 120.0)
_RINGS: Final = {ActorKind.NODE: (64.0, 52.0), ActorKind.WALLET: (132.0, 106.0)}
_FIRST: Final = {
    ActorKind.NODE: -135.0,
    ActorKind.WALLET: -160.0,
}  # Degrees, clockwise from the right.
_TURN: Final = {ActorKind.NODE: 1, ActorKind.WALLET: -1}
_RADIUS: Final = {ActorKind.NODE: 22.0, ActorKind.WALLET: 19.0}
_NOTE_BELOW: Final = 12.0
_SHORT: Final = 8
_LONG_NAME: Final = 7
"""Letters of a name that fits into a wallet's circle in smaller type only."""


@dataclass(frozen=True, slots=True)
class Atlas:
    """What is the same in all pictures of a report.

    Args:
        places: of everybody, by name.
        colours: of blocks, by name.
    """

    places: Mapping[str, tuple[float, float]]
    colours: Mapping[str, int]


def atlas(scenes: Sequence[Scene]) -> Atlas:
    """Places and colours for some pictures, given in order of appearance."""
    actors = {actor.name: actor for scene in scenes for actor in scene.actors}
    places: dict[str, tuple[float, float]] = {}
    for kind in ActorKind:
        ring = [actor.name for actor in actors.values() if actor.kind is kind]
        for place, name in enumerate(ring):
            places[name] = _on_ring(kind, place, len(ring))
    tips = dict.fromkeys(
        actor.standing.tip for scene in scenes for actor in scene.actors if actor.standing
    )
    return Atlas(places, {tip: number % COLOURS for number, tip in enumerate(tips)})


def _on_ring(kind: ActorKind, place: int, count: int) -> tuple[float, float]:
    angle = (_FIRST[kind] + _TURN[kind] * 360.0 * place / count) * pi / 180
    wide, high = _RINGS[kind]
    return _CENTRE[0] + wide * cos(angle), _CENTRE[1] + high * sin(angle)


def network(scene: Scene, known: Atlas) -> Markup:
    """The picture of one moment, with a legend of the blocks in it."""
    drawn = [_line(*link, known, "link") for link in scene.links]
    drawn += [_line(*way, known, "handed") for way in scene.handed]
    drawn += [_actor(actor, known) for actor in scene.actors]
    if not scene.actors:
        x, y = _CENTRE
        drawn.append(element("text", text("nothing yet"), x=x, y=y, class_="note"))
    picture = element(
        "svg",
        element("title", text(_in_words(scene))),
        *drawn,
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
    )
    caption = element("figcaption", element("b", text(scene.caption)), *_legend(scene, known))
    return element("figure", picture, caption)


def _line(one: str, other: str, known: Atlas, kind: str) -> Markup:
    (x1, y1), (x2, y2) = known.places[one], known.places[other]
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def _actor(actor: Actor, known: Atlas) -> Markup:
    x, y = known.places[actor.name]
    radius = _RADIUS[actor.kind]
    standing = actor.standing
    is_long = actor.kind is ActorKind.WALLET and len(actor.name) >= _LONG_NAME
    kind = "name long" if is_long else "name"
    parts: list[Markup] = []
    if standing is None:
        parts.append(element("circle", cx=x, cy=y, r=radius, class_="dead"))
        arm = radius * 0.7
        for way in (1, -1):
            ends = {"x1": x - arm, "y1": y - way * arm, "x2": x + arm, "y2": y + way * arm}
            parts.append(element("line", class_="cross", **ends))
        parts.append(element("text", text(actor.name), x=x, y=y, class_=f"{kind} gone"))
    else:
        colour = f"{actor.kind} tip{known.colours[standing.tip]}"
        parts.append(element("circle", cx=x, cy=y, r=radius, class_=colour))
        parts.append(element("text", text(actor.name), x=x, y=y, class_=kind))
    below = y + radius + _NOTE_BELOW
    parts.append(element("text", text(_note(actor)), x=x, y=below, class_="note"))
    return element("g", *parts)


def _note(actor: Actor) -> str:
    if actor.standing is None:
        return "dead"
    return (
        f"block {actor.standing.height}" if actor.kind is ActorKind.NODE else f"has {actor.holds}"
    )


def _legend(scene: Scene, known: Atlas) -> list[Markup]:
    """A coloured mark and the name of each block on which somebody stands."""
    blocks = dict.fromkeys(actor.standing for actor in scene.actors if actor.standing)
    return [
        element(
            "span",
            element("i", class_=f"mark tip{known.colours[block.tip]}"),
            text(_block(block)),
            class_="block",
        )
        for block in sorted(blocks, key=lambda block: (block.height, block.tip))
    ]


def _block(block: Standing) -> str:
    return f"block {block.height} ..{block.tip[-_SHORT:]}"


def _in_words(scene: Scene) -> str:
    """The picture for those who cannot see it."""
    dead = [actor.name for actor in scene.actors if actor.standing is None]
    alive = [actor.name for actor in scene.actors if actor.standing is not None]
    links = ", ".join(f"{one} and {other}" for one, other in scene.links)
    told = [("alive", ", ".join(alive)), ("dead", ", ".join(dead)), ("linked", links)]
    if scene.handed:
        ways = ", ".join(f"{payer} to {payee}" for payer, payee in scene.handed)
        told.append(("paying directly", ways))
    return "; ".join(f"{what}: {who or 'nobody'}" for what, who in told)
