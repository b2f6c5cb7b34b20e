"""Tips over time: how high each node stood at each moment, and where the steps begin.

The first step brings a hundred blocks, all others together a few; so the scale of heights is
broken: what lies below the height at the end of the first step is squeezed into a strip at the
bottom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from axon.swarm.markup import Markup, element, text
from axon.swarm.story.record import Sample, Standing

WIDTH: Final = 960.0
HEIGHT: Final = 300.0
COLOURS: Final = 6
"""Of nodes, as classes `node0` to `node5` of the page."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 12.0, 34.0, 26.0
_STRIP: Final = 36.0  # For all heights below the break.
_APART: Final = 2.5  # So that the lines of nodes on one height are seen beside each other.
_CROSS: Final = 4.0
_TICKS: Final = 8
_ROWS: Final = (12.0, 25.0)  # Numbers of short steps would run into each other on one line.


@dataclass(frozen=True, slots=True)
class Span:
    """When a step was played.

    Args:
        number: of the step.
        begin_s, end_s: seconds since the story's beginning.
    """

    number: int
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class _Scale:
    end_s: float
    broken_at: int
    top: int

    def x(self, at_s: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * min(1.0, at_s / self.end_s)

    def y(self, height: int) -> float:
        floor = HEIGHT - _BOTTOM
        if height < self.broken_at:
            return floor - _STRIP * height / self.broken_at
        part = (height - self.broken_at) / max(1, self.top - self.broken_at)
        return floor - _STRIP - (floor - _STRIP - _TOP - 2 * _CROSS) * part


def chart(samples: Sequence[Sample], spans: Sequence[Span]) -> Markup:
    """The picture, with its legend."""
    scale = _scale(samples, spans)
    names = list(dict.fromkeys(name for sample in samples for name, _ in sample.standings))
    drawn = [*_bands(scale, spans), *_axes(scale)]
    for place, name in enumerate(names):
        drawn.append(_line(scale, samples, name, place, len(names)))
    picture = element(
        "svg",
        element("title", text("heights of the nodes' last blocks over time")),
        *drawn,
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
    )
    legend = [
        element("span", element("i", class_=f"mark node{n % COLOURS}"), text(name), class_="block")
        for n, name in enumerate(names)
    ]
    about = text(
        "Height of each node's last block, over seconds. × killed; ○ the same height as another"
        " node, and another block. The numbers above are those of the acts."
    )
    return element("figure", picture, element("figcaption", *legend, about), class_="wide")


def _scale(samples: Sequence[Sample], spans: Sequence[Span]) -> _Scale:
    """From nothing to the highest block, broken at the height with which the first step ended."""
    heights = [(sample.at_s, standing.height) for sample, standing in _standings(samples)]
    end_s = max([1.0, *[span.end_s for span in spans], *[at_s for at_s, _ in heights]])
    top = max([1, *[height for _, height in heights]])
    first_end_s = spans[0].end_s if spans else 0.0
    early = [height for at_s, height in heights if at_s <= first_end_s]
    return _Scale(end_s, max([0, *early]) if len(spans) > 1 else 0, top)


def _standings(samples: Sequence[Sample]) -> list[tuple[Sample, Standing]]:
    return [
        (sample, standing)
        for sample in samples
        for _, standing in sample.standings
        if standing is not None
    ]


def _bands(scale: _Scale, spans: Sequence[Span]) -> list[Markup]:
    """A background for each step, every second one darker, with its number above."""
    drawn = []
    for span in spans:
        left, right = scale.x(span.begin_s), scale.x(span.end_s)
        shade = f"band{span.number % 2}"
        high = HEIGHT - _BOTTOM - _TOP
        box = {"x": left, "y": _TOP, "width": max(0.5, right - left), "height": high}
        drawn.append(element("rect", class_=shade, **box))
        above = _ROWS[span.number % 2]
        middle = (left + right) / 2
        drawn.append(element("text", text(str(span.number)), x=middle, y=above, class_="note"))
    return drawn


def _axes(scale: _Scale) -> list[Markup]:
    drawn = []
    step = max(1, -(-(scale.top - scale.broken_at) // _TICKS))
    for height in [0, *range(scale.broken_at, scale.top + 1, step)]:
        y = scale.y(height)
        drawn.append(element("line", x1=_LEFT, y1=y, x2=WIDTH - _RIGHT, y2=y, class_="grid"))
        drawn.append(element("text", text(str(height)), x=_LEFT - 6, y=y + 4, class_="tick"))
    seconds = max(1, int(scale.end_s) // _TICKS)
    for at_s in range(0, int(scale.end_s) + 1, seconds):
        x, y = scale.x(at_s), HEIGHT - _BOTTOM + 16
        drawn.append(element("text", text(f"{at_s} s"), x=x, y=y, class_="note"))
    return drawn


def _line(scale: _Scale, samples: Sequence[Sample], name: str, place: int, count: int) -> Markup:
    """The steps of one node, in pieces where it was dead."""
    apart = (place - (count - 1) / 2) * _APART
    seen = [
        (sample.at_s, standing, _is_split(sample, standing))
        for sample in samples
        for other, standing in sample.standings
        if other == name
    ]
    pieces = [
        [
            (scale.x(at_s), scale.y(standing.height) + apart, split)
            for at_s, standing, split in piece
            if standing is not None
        ]
        for _, piece in groupby(seen, key=lambda item: item[1] is None)
    ]
    drawn: list[Markup] = []
    for number, points in enumerate(pieces):
        if not points:
            continue  # It was dead.
        drawn.append(element("path", d=_steps(points)))
        drawn += [element("circle", cx=x, cy=y, r=3.0) for x, y, split in points if split]
        if number + 1 < len(pieces):
            drawn.append(_cross(*points[-1][:2]))
    return element("g", *drawn, class_=f"line node{place % COLOURS}")


def _is_split(sample: Sample, standing: Standing | None) -> bool:
    """Whether another node stood on another block of the same height."""
    return standing is not None and any(
        other is not None and other.height == standing.height and other.tip != standing.tip
        for _, other in sample.standings
    )


def _steps(points: Sequence[tuple[float, float, bool]]) -> str:
    """A path that stays on a height until the moment at which another one was seen."""
    (x, y, _), *rest = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for x, y_next, _ in rest:
        parts.append(f"H{x:.1f}")
        if y_next != y:
            parts.append(f"V{y_next:.1f}")
            y = y_next
    return "".join(parts)


def _cross(x: float, y: float) -> Markup:
    arm = _CROSS
    wide = 2 * arm
    path = f"M{x - arm:.1f} {y - arm:.1f}l{wide:g} {wide:g}m0 {-wide:g}l{-wide:g} {wide:g}"
    return element("path", d=path, class_="killed")
