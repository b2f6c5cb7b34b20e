"""Curves of how blocks and transactions come from node to node, beside published figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from axon.swarm.markup import Markup, element, text
from axon.swarm.spof.plot import (
    WIDTH,
    Scale,
    axes,
    chart,
    curve,
    key,
    plain_table,
    seconds,
    share,
)
from axon.swarm.spof.reportlinks import line_key
from axon.swarm.spof.spread import PUBLISHED, SHARES, Arrivals, arrivals_of
from axon.swarm.trialhistory import TrialHistory

_HEIGHT: Final = 270.0
_FIRST_S: Final = 0.01
"""Where the axis of time begins: nothing is faster than a link."""


def measured(histories: Iterable[TrialHistory]) -> tuple[Arrivals, Arrivals]:
    """Of blocks, and of transactions, over several trials."""
    found = list(histories)
    return (
        arrivals_of([us for each in found for us in each.block_delays_us]),
        arrivals_of([us for each in found for us in each.transaction_delays_us]),
    )


def spread_section(histories: Sequence[TrialHistory]) -> list[Markup]:
    """The picture, with its figures."""
    blocks, payments = measured(histories)
    if not blocks.delays_us and not payments.delays_us:
        return [element("p", text("The file does not say how blocks and transactions spread."))]
    ours = [("blocks", "", blocks), ("transactions", "dashed", payments)]
    ours = [each for each in ours if each[2].delays_us]
    last_s = max(100.0, *[each[2].after_s(1.0) for each in ours])
    x = Scale(_FIRST_S, last_s, 46.0, WIDTH - 16, is_log=True)
    y = Scale(0.0, 1.0, _HEIGHT - 40, 14.0)
    parts = [0.0, 0.25, 0.5, 0.75, 1.0]
    across = [(value, seconds(value)) for value in x.ticks()]
    drawn = axes(x, y, across=across, up=[(part, share(part)) for part in parts])
    drawn += _published(x, y)
    for _, kind, each in ours:
        points = [(max(_FIRST_S, s), part) for s, part in each.points()]
        start = [(_FIRST_S, 0.0), (points[0][0], 0.0)]
        drawn.append(curve([*start, *points, (last_s, 1.0)], x, y, kind))
    middle = (x.start + x.end) / 2
    said = "after a node was the first to have it (equal ratios are equally far apart)"
    drawn.append(element("text", text(said), x=middle, y=_HEIGHT - 6))
    caption = [
        *[line_key(kind, f"{name}, here") for name, kind, _ in ours],
        key("told", "blocks of the live network, published"),
        text("Up: the part of the nodes that had it by then."),
    ]
    about = (
        "From the first node that had a block in its chain, or a transaction in its pool, to each "
        f"other node that was not harmed, in {len(histories):,} trials that hold. The links of the "
        "simulator take 40 ms each way, and a block waits for no script to be run: the shape can "
        "be compared with the live network, the seconds only with care."
    )
    title = "how blocks and transactions spread, beside published figures of 2013, 2014 and 2021"
    words = _words(ours)
    return [
        element("p", text(about)),
        chart(title, _HEIGHT, drawn, caption, words, is_folded=False),
    ]


def _published(x: Scale, y: Scale) -> list[Markup]:
    drawn = []
    for each in PUBLISHED:
        if len(each.points) > 1:
            drawn.append(curve(each.points, x, y, "told"))
        for at_s, part in each.points:
            at, up = x.at(at_s), y.at(part)
            drawn.append(element("circle", cx=at, cy=up, r=3.5, class_="told"))
        if each.mean_s is not None:
            at = x.at(each.mean_s)
            line = {"x1": at, "y1": y.start, "x2": at, "y2": y.end}
            drawn.append(element("line", class_="told", stroke_dasharray="4 3", **line))
            said = text(f"{each.when}, mean")
            drawn.append(element("text", said, x=at - 5, y=y.start - 8, class_="left"))
        else:
            at, up = x.at(each.points[0][0]), y.at(each.points[0][1])
            drawn.append(element("text", text(each.when), x=at + 7, y=up + 14, class_="right"))
    return drawn


def _words(ours: Sequence[tuple[str, str, Arrivals]]) -> Markup:
    rows = [
        (
            f"{name}, here",
            f"{len(each.delays_us):,}",
            _shown(each.mean_s()),
            *[_shown(each.after_s(part)) for part in SHARES],
        )
        for name, _, each in ours
    ]
    for published in PUBLISHED:
        known = {part: at_s for at_s, part in published.points}
        rows.append(
            (
                f"blocks, {published.when}",
                "",
                "" if published.mean_s is None else f"{published.mean_s:g} s",
                *[f"{known[part]:g} s" if part in known else "" for part in SHARES],
            )
        )
    heads = ("", "arrivals", "mean", *[share(part) for part in SHARES])
    return plain_table(heads, rows)


def _shown(value_s: float) -> str:
    return f"{value_s:.3f} s" if value_s < 10 else f"{value_s:,.1f} s"
