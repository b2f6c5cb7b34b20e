"""What the trials took of the machine: time, processor and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.swarm.markup import Markup, element, text
from axon.swarm.spof.plot import WIDTH, Scale, axes, chart, key, plain_table
from axon.swarm.spof.search import CandidateRecord
from axon.swarm.trialreport import Resources

BINS: Final = 12
_HEIGHT: Final = 190.0
_MAX_PROGRAMS: Final = 60


def resources_of(records: Sequence[CandidateRecord]) -> list[Resources]:
    """Of all trials that were measured."""
    reports = [report for record in records for report in record.reports.values()]
    return [report.resources for report in reports if report.resources is not None]


def resources_section(records: Sequence[CandidateRecord]) -> list[Markup]:
    """Figures of all trials, how long they took, and what each program took."""
    found = resources_of(records)
    if not found:
        return [element("p", text("The file does not say what the trials took."))]
    walls = sorted(each.wall_s for each in found)
    cpus = sorted(each.cpu_s for each in found)
    memory = sorted(each.memory_kb / 1024 for each in found)
    rows = [
        ("real time of a trial", *_quantiles(walls, "s")),
        ("processor time of a trial", *_quantiles(cpus, "s")),
        ("memory", *_quantiles(memory, "MiB")),
    ]
    words = plain_table(("of " + f"{len(found):,} trials", "least", "median", "most"), rows)
    caption = [key("ink", "trials by how much real time they took")]
    title = f"histogram of {len(walls)} trials by real time"
    figure = chart(title, _HEIGHT, _bars(walls), caption, words, is_folded=False)
    return [figure, *_programs(found)]


def _quantiles(values: Sequence[float], unit: str) -> list[str]:
    chosen = (values[0], values[len(values) // 2], values[-1])
    return [f"{each:,.1f} {unit}" if each < 100 else f"{each:,.0f} {unit}" for each in chosen]


def _bars(walls: Sequence[float]) -> list[Markup]:
    wide = max(walls[-1], 0.1) / BINS
    counts = [0] * BINS
    for each in walls:
        counts[min(BINS - 1, int(each / wide))] += 1
    x = Scale(0.0, wide * BINS, 46.0, WIDTH - 16)
    y = Scale(0.0, float(max(counts)), _HEIGHT - 26, 14.0)
    up = [(value, f"{value:,.0f}") for value in y.ticks(4) if value == int(value)]
    drawn = axes(x, y, across=[(value, f"{value:g} s") for value in x.ticks()], up=up)
    for place, count in enumerate(counts):
        left, right, top = x.at(place * wide) + 1, x.at((place + 1) * wide) - 1, y.at(count)
        box = {"x": left, "y": top, "width": right - left, "height": y.start - top}
        drawn += [element("rect", class_="bar", **box)] * bool(count)
    return drawn


def _programs(found: Sequence[Resources]) -> list[Markup]:
    """The mean of each program over all trials in which it ran; processes have names."""
    seen: dict[str, list[tuple[float, int]]] = {}
    for each in found:
        for name, took in each.programs.items():
            seen.setdefault(name, []).append(took)
    if not seen:
        said = "All nodes and wallets are in one process here, so none has figures of its own."
        return [element("p", text(said), class_="about")]
    rows = []
    for name, trials in list(seen.items())[:_MAX_PROGRAMS]:
        mean_s = sum(cpu_s for cpu_s, _ in trials) / len(trials)
        most_kb = max(kb for _, kb in trials)
        rows.append((name, f"{len(trials):,}", f"{mean_s:.2f} s", f"{most_kb / 1024:,.0f} MiB"))
    heads = ("program", "trials", "mean processor time of one", "most memory (PSS)")
    return [element("h3", text("By program")), plain_table(heads, rows)]
