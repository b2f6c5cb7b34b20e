"""Parts of charts: where a value lies, axes with their numbers, curves; as inline SVG.

One class means one thing on the whole page: `good` holds, `bad` does not, `open` is undecided,
`harm` was done on purpose, `told` are published figures of others, `branch1` and so on are blocks
that others than the main chain's have. All else is ink.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from axon.swarm.markup import Markup, element, table, text, told

WIDTH: Final = 640.0

_NUMBER: Final = re.compile(r"-?[\d.,]+( (s|ms|min|MiB|%))?")

PLOT_STYLE: Final = """
:root { --harm: #7b3fb5; --branch1: #0b6bcb; --branch2: #0e7c86; --branch3: #b0307f; }
@media (prefers-color-scheme: dark) { :root { --harm: #c69cf4; --branch1: #6cb2ff;
  --branch2: #4fc3cf; --branch3: #f28cc8; } }
figure.chart { margin: .6rem 0; overflow-x: auto; max-width: 46rem; }
figure.chart svg { min-width: 36rem; } figure.chart figcaption { margin-top: .3rem; }
.chart line.grid { stroke: var(--line); stroke-width: 1; }
.chart text.left { text-anchor: end; } .chart text.right { text-anchor: start; }
.chart .curve { fill: none; stroke: var(--ink); stroke-width: 2; }
.chart .curve.harm { stroke: var(--harm); }
.chart .curve.dashed { stroke-dasharray: 7 4; } .chart .curve.dotted { stroke-dasharray: 2 3; }
.chart .told { stroke: var(--dead); fill: none; stroke-width: 1.6; }
.chart rect.told { fill: var(--dead); opacity: .22; stroke: none; }
.chart circle.told { fill: var(--paper); }
.chart rect.good { fill: var(--good); } .chart rect.bad { fill: var(--bad); }
.chart rect.harm { fill: var(--harm); } .chart line.harm { stroke: var(--harm); }
.chart path.bad { stroke: var(--bad); stroke-width: 2; fill: none; }
.chart rect.bar { fill: var(--ink); opacity: .72; } .chart text.ink { fill: var(--ink); }
.chart text.bad { fill: var(--bad); font-weight: 700; } .chart text.harm { fill: var(--harm); }
.lane { fill: none; stroke: var(--ink); stroke-width: 9; } .lane.odd { opacity: .65; }
.chart text.on { fill: var(--paper); stroke: none; font-weight: 600; }
.lane.branch1 { stroke: var(--branch1); } .lane.branch2 { stroke: var(--branch2); }
.lane.branch3 { stroke: var(--branch3); }
.key { display: inline-block; margin-right: 1rem; white-space: nowrap; }
.key i { display: inline-block; width: 1.1em; height: .6em; margin-right: .35em; }
.key .good { background: var(--good); } .key .bad { background: var(--bad); }
.key .harm { background: var(--harm); } .key .told { background: var(--dead); }
.key .ink { background: var(--ink); opacity: .72; } .key .branch1 { background: var(--branch1); }
.key .branch2 { background: var(--branch2); } .key .branch3 { background: var(--branch3); }
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values lie along one axis.

    Args:
        least, most: values at its ends.
        start, end: of the axis, in units of the picture.
        is_log: equal ratios are equally far apart; the least is above 0 then.
    """

    least: float
    most: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies; beyond the ends at the end."""
        value = min(max(value, self.least), self.most)
        if self.most <= self.least:
            return self.start
        if self.is_log:
            part = log10(value / self.least) / log10(self.most / self.least)
        else:
            part = (value - self.least) / (self.most - self.least)
        return self.start + (self.end - self.start) * part

    def ticks(self, count: int = 6) -> list[float]:
        """Round values to write beside it, about as many as are wanted."""
        if self.is_log:
            powers = range(ceil(log10(self.least)), floor(log10(self.most)) + 1)
            return [10.0**power for power in powers]
        span = self.most - self.least
        if span <= 0:
            return [self.least]
        step = 10.0 ** floor(log10(span / count))
        step *= next(each for each in (1, 2, 5, 10) if span / (step * each) <= count)
        first = ceil(self.least / step)
        return [n * step for n in range(first, floor(self.most / step + 1e-9) + 1)]


def seconds(value: float) -> str:
    """A time beside an axis: `250 ms`, `30 s`, `20 min`."""
    if value and value < 1:
        return f"{value * 1000:g} ms"
    if value >= 120 and value % 60 == 0:
        return f"{value / 60:,g} min"
    return f"{value:,g} s"


def time_ticks(scale: Scale) -> list[tuple[float, str]]:
    """Round times to write beside an axis, all in one unit: seconds, or minutes on a long one."""
    if scale.most < 600:
        return [(value, f"{value:,g} s") for value in scale.ticks()]
    minutes = Scale(scale.least / 60, scale.most / 60, scale.start, scale.end)
    return [(value * 60, f"{value:,g} min") for value in minutes.ticks()]


def share(value: float) -> str:
    """A part of a whole: `40 %`."""
    return f"{100 * value:.0f} %"


def axes(
    x: Scale, y: Scale, *, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]
) -> list[Markup]:
    """Lines of a grid and the numbers beside it.

    Args:
        x, y: the scales.
        across, up: values with what is written there.
    """
    drawn = []
    for value, said in up:
        at = y.at(value)
        drawn.append(element("line", x1=x.start, y1=at, x2=x.end, y2=at, class_="grid"))
        drawn.append(element("text", text(said), x=x.start - 6, y=at + 4, class_="left"))
    for value, said in across:
        at = x.at(value)
        drawn.append(element("line", x1=at, y1=y.start, x2=at, y2=y.end, class_="grid"))
        drawn.append(element("text", text(said), x=at, y=max(y.start, y.end) + 15))
    return drawn


def curve(points: Sequence[tuple[float, float]], x: Scale, y: Scale, kind: str = "") -> Markup:
    """A line through points; a second class says how it is drawn."""
    path = "L".join(f"{x.at(one):.1f} {y.at(other):.1f}" for one, other in points)
    return element("path", d=f"M{path}", class_=f"curve {kind}".rstrip())


def steps(points: Sequence[tuple[float, float]], x: Scale, y: Scale, kind: str = "") -> Markup:
    """A line that stays at each value until the next one comes."""
    parts = [f"M{x.at(points[0][0]):.1f} {y.at(points[0][1]):.1f}"]
    parts += [f"H{x.at(one):.1f}V{y.at(other):.1f}" for one, other in points[1:]]
    return element("path", d="".join(parts), class_=f"curve {kind}".rstrip())


def chart(
    title: str,
    height: float,
    drawn: Sequence[Markup],
    caption: Sequence[Markup],
    words: Markup,
    *,
    is_folded: bool = True,
) -> Markup:
    """A whole figure.

    Args:
        title: what it shows, for those who do not see it.
        height: in the units of which it is `WIDTH` wide.
        drawn: what is in it.
        caption: what stands below it.
        words: the same as text.
        is_folded: the words are shown when somebody asks for them.
    """
    picture = element(
        "svg",
        element("title", told(title)),
        *drawn,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
    )
    figure = element("figure", picture, element("figcaption", *caption), class_="chart")
    folded = element("details", element("summary", text("the same in words")), words)
    return element("div", figure, folded if is_folded else words, class_="charted")


def key(kind: str, said: str) -> Markup:
    """What a colour means."""
    return element("span", element("i", class_=kind), text(said), class_="key")


def plain_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table of words and numbers; a number, with its unit, stands at the right."""
    return table(heads, [element("tr", *map(_plain_cell, row)) for row in rows])


def _plain_cell(said: str) -> Markup:
    shown = told(said, 300)
    is_number = _NUMBER.fullmatch(said) is not None
    return element("td", shown, class_="number") if is_number else element("td", shown)
