"""The report of a story: one HTML file that needs nothing else, no script and no network.

It shows how the network stood before and after each step and at the moments between that matter,
where the nodes stood over time, what was told, every check, and how long all took. It follows the
reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.swarm.markup import Markup, element, joined, page, table, text
from axon.swarm.story.checks import FAILS, Check, verdict
from axon.swarm.story.record import ActorKind, Sample, Scene, StoryRecord
from axon.swarm.story.reportchart import Span, chart
from axon.swarm.story.reportpicture import Atlas, atlas, network
from axon.swarm.story.story import FinishedStep, Outcome

_TITLE: Final = "axon demo"
_STYLE: Final = """
.scenes { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { flex: 1 1 17rem; max-width: 20rem; } figure.wide { max-width: none; }
figcaption b { color: var(--ink); display: block; }
.block { display: inline-block; margin-right: .8rem; white-space: nowrap; }
.mark { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .3em;
  background: currentColor; }
svg text.name { fill: #fff; font-weight: 600; dominant-baseline: central; stroke: none; }
svg text.long { font-size: 9px; }
svg text.gone { fill: var(--soft); stroke: var(--paper); } svg text.tick { text-anchor: end; }
.link { stroke: var(--dead); stroke-width: 1.3; }
.handed { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 6 4; }
.node, .wallet { fill: currentColor; }
.wallet { stroke: var(--paper); stroke-width: 2; }
.dead { fill: var(--paper); stroke: var(--dead); stroke-width: 1.5; stroke-dasharray: 3 3; }
.cross { stroke: var(--bad); stroke-width: 1.5; opacity: .7; }
.band0 { fill: var(--band); } .band1 { fill: none; } .grid { stroke: var(--line); }
.line path { fill: none; stroke: currentColor; stroke-width: 2; }
.line circle { fill: var(--paper); stroke: currentColor; stroke-width: 1.5; }
.tip0 { color: #2563eb; } .tip1 { color: #b45309; } .tip2 { color: #047857; }
.tip3 { color: #7c3aed; } .tip4 { color: #be123c; } .tip5 { color: #0e7490; }
.tip6 { color: #4d7c0f; } .tip7 { color: #a21caf; }
.node0 { color: #3b82f6; } .node1 { color: #d97706; } .node2 { color: #10b981; }
.node3 { color: #a855f7; } .node4 { color: #f43f5e; } .node5 { color: #06b6d4; }
details ul { list-style: none; margin: .5rem 0 0; padding: 0; font-size: .9rem; }
li.check { padding-left: 1.5rem; font-family: ui-monospace, monospace; font-size: .82rem; }
"""


def render(outcome: Outcome, when: str) -> str:
    """The page.

    Args:
        outcome: of the story.
        when: it was played, as participants write it.
    """
    record = outcome.record
    known = atlas(record.scenes)
    sections = [
        _step(number, step, record, known) for number, step in enumerate(outcome.steps, start=1)
    ]
    body = [
        *_head(outcome, when),
        element("h2", text("Tips over time")),
        chart(_samples(record), _spans(outcome.steps)),
        *sections,
        element("h2", text("All checks")),
        _checks(outcome.checks),
        element("h2", text("Times")),
        _times(outcome),
    ]
    return page(text(f"{_TITLE}: {verdict(outcome.checks)}"), _STYLE, body)


def _head(outcome: Outcome, when: str) -> list[Markup]:
    last = outcome.record.scenes[-1].actors if outcome.record.scenes else ()
    nodes = sum(actor.kind is ActorKind.NODE for actor in last)
    about = (
        f"{len(outcome.steps)} acts in {outcome.seconds:.1f} s, {when}. {nodes} nodes and"
        f" {len(last) - nodes} wallets, each a process of its own, on a test chain on one machine."
        " Circles are nodes (large) and wallets (small); equal colours are equal last blocks. A"
        " dashed line is a payment that goes from wallet to wallet."
    )
    mood = "good" if outcome.holds else "bad"
    return [
        element("h1", text(_TITLE)),
        element("p", element("strong", text(verdict(outcome.checks)), class_=mood)),
        element("p", text(about), class_="about"),
    ]


def _samples(record: StoryRecord) -> list[Sample]:
    """Where the nodes stood, also at the moments of the pictures, which no sample may have met."""
    from_scenes = [
        Sample(
            scene.at_s,
            tuple(
                [(item.name, item.standing) for item in scene.actors if item.kind is ActorKind.NODE]
            ),
        )
        for scene in record.scenes
    ]
    return sorted([*record.samples, *from_scenes], key=lambda sample: sample.at_s)


def _spans(steps: Sequence[FinishedStep]) -> list[Span]:
    return [
        Span(number, step.begin_s, step.begin_s + step.seconds)
        for number, step in enumerate(steps, start=1)
    ]


def _step(number: int, step: FinishedStep, record: StoryRecord, known: Atlas) -> Markup:
    scenes: list[Scene] = [scene for scene in record.scenes if scene.step == number]
    told = [item.what for item in record.told if item.step == number]
    title = element(
        "h2", text(f"Act {number}. {step.title} "), element("small", text(f"{step.seconds:.1f} s"))
    )
    pictures = element("div", *[network(scene, known) for scene in scenes], class_="scenes")
    count = sum(isinstance(what, Check) for what in told)
    summary = element("summary", text(f"what was told, and {count} checks"))
    lines = element("ul", joined([_told(what) for what in told]))
    return element("section", title, pictures, element("details", summary, lines))


def _told(what: str | Check) -> Markup:
    if isinstance(what, str):
        return element("li", text(what))
    expected = "" if what.holds else f" (expected: {what.expected})"
    line = text(f" {what.claim}: {what.seen}{expected}")
    return element("li", _word(what), line, class_="check")


def _word(item: Check) -> Markup:
    return element("span", text(item.word), class_="bad" if item.word == FAILS else "good")


def _checks(checks: Sequence[Check]) -> Markup:
    rows = [
        element(
            "tr",
            element("td", text(str(item.step)), class_="number"),
            *[element("td", text(told)) for told in (item.claim, item.expected, item.seen)],
            element("td", _word(item)),
        )
        for item in checks
    ]
    return table(("act", "what was checked", "expected", "seen", ""), rows)


def _times(outcome: Outcome) -> Markup:
    rows = [
        element(
            "tr",
            element("td", text(f"{step.seconds:.1f} s"), class_="number"),
            element("td", text(f"act {number}. {step.title}")),
        )
        for number, step in enumerate(outcome.steps, start=1)
    ]
    whole = element("td", text(f"{outcome.seconds:.1f} s"), class_="number")
    rows.append(element("tr", whole, element("td", text("in all"))))
    return table(("time", ""), rows)
