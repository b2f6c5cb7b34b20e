"""One trial as a picture over time: what was harmed, and how long each client waited for what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from axon.machine import SECOND
from axon.swarm.faultplan import FaultPlan
from axon.swarm.markup import Markup, element, text, told
from axon.swarm.spof.plot import WIDTH, Scale, axes, chart, key, plain_table, seconds, time_ticks
from axon.swarm.trialhistory import JUDGE, NEMESIS, LineType, TrialHistory
from axon.swarm.trialreport import TrialReport

MAX_ROWS: Final = 40
"""Operations of one picture; those that were never done come first."""

MAX_FAULTS: Final = 10
"""Components that are harmed, of one picture."""

LEFT: Final = 92.0
RIGHT: Final = 40.0
"""Room beside the axis of time, the same in all pictures of a trial."""

_ROW: Final = 17.0
_BAR: Final = 10.0
_LEAST: Final = 2.5
"""Units of the picture: a shorter bar would not be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasted.

    Args:
        name: whose, and what.
        begin_s, end_s: seconds from the begin of the trial.
        is_done: an operation that was done; else it was given up.
        refused_s: when it was refused in between.
    """

    name: str
    begin_s: float
    end_s: float
    is_done: bool = True
    refused_s: tuple[float, ...] = ()


def time_scale(history: TrialHistory) -> Scale:
    """The axis of time of one trial."""
    return Scale(0.0, max(1.0, history.ends_at_us / SECOND), LEFT, WIDTH - RIGHT)


def fault_bars(report: TrialReport, history: TrialHistory) -> list[Bar]:
    """What was harmed, and from when until when; what is never taken back lasts until the end."""
    begin_s = next((each.at_us for each in history.lines if each.client == NEMESIS), 0) / SECOND
    healed = {name for step in report.healing.steps for name in step.target.split(",")}
    heals_s = None if history.heals_at_us is None else history.heals_at_us / SECOND
    found: dict[str, Bar] = {}
    for target, said, first_s, last_s in _harmed(report.harm):
        lasts = target in healed or "" in healed
        end_s = begin_s + last_s if not lasts else heals_s
        end_s = history.ends_at_us / SECOND if end_s is None else end_s
        found[target] = Bar(f"{said} {target}", begin_s + first_s, max(end_s, begin_s + first_s))
    return list(found.values())


def _harmed(plan: FaultPlan) -> Iterator[tuple[str, str, float, float]]:
    """Each target: its operations in words, and when the first and the last of them were."""
    seen: dict[str, list[tuple[str, float]]] = {}
    for step in plan.steps:
        for target in step.target.split(",") if "|" not in step.target else (step.target,):
            seen.setdefault(target, []).append((str(step.op), step.at_us / SECOND))
    for target, done in seen.items():
        said = ", ".join(dict.fromkeys(op for op, _ in done))
        yield target, said, done[0][1], done[-1][1]


def operation_bars(history: TrialHistory) -> list[Bar]:
    """How long each operation of a client took."""
    asked: dict[tuple[str, str], float] = {}
    refused: dict[tuple[str, str], list[float]] = {}
    done: dict[tuple[str, str], float] = {}
    for line in history.lines:
        name, at_s = (line.client, line.what), line.at_us / SECOND
        if line.client in (NEMESIS, JUDGE):
            continue
        if line.kind is LineType.INVOKE:
            asked.setdefault(name, at_s)
        elif line.kind is LineType.OK:
            done.setdefault(name, at_s)
        elif line.kind is LineType.FAIL:
            refused.setdefault(name, []).append(at_s)
    given_up_s = history.ends_at_us if history.heals_at_us is None else history.heals_at_us
    return [
        Bar(
            " ".join(name),
            begin_s,
            max(begin_s, done.get(name, given_up_s / SECOND)),
            name in done,
            tuple(refused.get(name, ())),
        )
        for name, begin_s in asked.items()
    ]


def timeline(report: TrialReport, history: TrialHistory) -> Markup:
    """The picture, and the same in words."""
    faults = fault_bars(report, history)
    operations = sorted(operation_bars(history), key=lambda bar: bar.is_done)
    shown_faults, shown = faults[:MAX_FAULTS], operations[:MAX_ROWS]
    x = time_scale(history)
    bottom = 10 + _ROW * (len(shown_faults) + len(shown)) + 6
    y = Scale(0.0, 1.0, bottom, 6.0)
    drawn = axes(x, y, across=time_ticks(x), up=())
    for row, bar in enumerate(shown_faults):
        drawn += _drawn(bar, x, 10 + _ROW * row, "harm")
    for row, bar in enumerate(shown, len(shown_faults)):
        drawn += _drawn(bar, x, 10 + _ROW * row, "good" if bar.is_done else "bad")
    if history.heals_at_us is not None and faults:
        at = x.at(history.heals_at_us / SECOND)
        drawn.append(element("line", x1=at, y1=6.0, x2=at, y2=bottom, class_="harm"))
    more = len(faults) - len(shown_faults) + len(operations) - len(shown)
    caption = [
        key("harm", "harmed"),
        key("good", "asked until done"),
        key("bad", "asked and never done"),
        text("\u00d7 refused meanwhile. The thin line: the harm is taken back."),
    ]
    if more:
        caption.append(text(f" {more:,} more are not drawn."))
    rows = [_in_words(bar, "harm") for bar in shown_faults]
    rows += [_in_words(bar, "done" if bar.is_done else "never done") for bar in shown]
    words = plain_table(("what", "from", "to", "", "refused"), rows)
    title = f"who waited how long, {len(shown_faults)} harmed and {len(shown)} operations"
    return chart(title, bottom + 22, drawn, caption, words)


def _drawn(bar: Bar, x: Scale, top: float, kind: str) -> list[Markup]:
    left, right = x.at(bar.begin_s), x.at(bar.end_s)
    wide = max(_LEAST, right - left)
    middle = top + _BAR / 2 + 4
    said = "never" if kind == "bad" else seconds(round(bar.end_s - bar.begin_s, 1))
    beside = left + wide + 4
    drawn = [
        element("text", told(bar.name, 15), x=LEFT - 6, y=middle, class_="left ink"),
        element("rect", x=left, y=top, width=wide, height=_BAR, class_=kind),
        element("text", text(said), x=beside, y=middle, class_=f"right {kind}"),
    ]
    drawn += [_cross(x.at(at_s), top + _BAR / 2) for at_s in bar.refused_s[:MAX_ROWS]]
    return drawn


def _cross(x: float, y: float) -> Markup:
    return element("path", d=f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6", class_="bad")


def _in_words(bar: Bar, said: str) -> tuple[str, ...]:
    times = (f"{bar.begin_s:,.1f} s", f"{bar.end_s:,.1f} s")
    return (bar.name, *times, said, f"{len(bar.refused_s)}" * bool(bar.refused_s))
