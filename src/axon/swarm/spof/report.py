"""The page of a verdict: one HTML file that needs nothing else, in the order in which one asks.

What was claimed and tried, of what the network consists, the verdict, whether the judge could say
no, each component against each harm, what fails and how to see it again, which states were met,
what was not tried and what cannot be known; then figures and pictures, and every trial.

Its size is bounded: pictures over time are only of the trials whose history a verdict keeps.
"""

from __future__ import annotations

from collections import Counter
from math import comb
from typing import Final

from axon.swarm.invariants import counted
from axon.swarm.markup import Markup, element, joined, page, text, told
from axon.swarm.spof.candidates import Mode, singles
from axon.swarm.spof.planted import PlantedScore
from axon.swarm.spof.plot import PLOT_STYLE
from axon.swarm.spof.reportclaim import claim_section, inventory_section
from axon.swarm.spof.reportfailover import failover_section
from axon.swarm.spof.reporthistory import sampled_section
from axon.swarm.spof.reportlinks import links_section, node_graph
from axon.swarm.spof.reportmatrix import matrix, sets
from axon.swarm.spof.reportplanted import controls_section
from axon.swarm.spof.reportprediction import compare, prediction_section
from axon.swarm.spof.reportresources import resources_section
from axon.swarm.spof.reportsometimes import sometimes_section
from axon.swarm.spof.reportspread import spread_section
from axon.swarm.spof.reportstyle import REPORT_STYLE
from axon.swarm.spof.reporttopology import topology
from axon.swarm.spof.reporttrial import MAX_NAME, replay, trial, witness
from axon.swarm.spof.savedfields import SIM
from axon.swarm.spof.savedverdict import SavedVerdict
from axon.swarm.spof.search import CandidateState
from axon.swarm.spof.verdict import Level

MAX_TRIALS: Final = 3_000
"""Candidates that are told in full; those that do not hold come first."""

MAX_WITNESSES: Final = 20
MAX_LINES: Final = 100
"""Of a list that the file holds."""

_MOODS: Final = {
    Level.FOUND: "bad",
    Level.WEAK: "bad",
    Level.NONE: "good",
    Level.SWARM: "good",
    Level.OPEN: "open",
}

_LIMITS: Final = (
    "A client that is cut off from every node cannot be served by anybody; no network can do "
    "that, and none is blamed for it.",
    "One ledger needs an honest majority of the hash rate, and more than half by as much as "
    "blocks take to spread; nothing here tries an attacker with more.",
    "Whoever comes new needs one honest address from somewhere: a file, a seed or a friend.",
    "A network can be cut at its least connected node: to survive k deaths each needs more than "
    "k neighbours.",
    "With one miner left, that miner decides what is confirmed.",
    "The verdict is about this workload, these harms and this seed. What holds in each trial may "
    "fail in one that nobody has made.",
)


def render(verdict: SavedVerdict, source: str, planted: PlantedScore | None = None) -> str:
    """The page.

    Args:
        verdict: what was found.
        source: the name of its file, with which a trial is replayed.
        planted: a score of planted points that was made apart.
    """
    blueprint, records = verdict.blueprint, verdict.records
    foretold = prediction_section(compare(records, blueprint))
    sections: list[tuple[str, str, list[Markup]]] = [
        ("claim", "What was tested", claim_section(verdict)),
        ("inventory", "Of what the network consists", [inventory_section(verdict)]),
        ("verdict", "Verdict", _verdict(verdict)),
        ("controls", "Could the judge say no?", controls_section(verdict.controls, planted)),
        ("matrix", "Each component, each harm", _matrix(verdict)),
        ("witnesses", "What fails, and how to see it again", _witnesses(verdict, source)),
        ("sometimes", "Which states the trials met", sometimes_section(records)),
        ("foretold", "What the plan foretells", foretold),
        ("left", "What was not tried", _left_out(verdict)),
        ("limits", "What cannot be known in this way", _limits(verdict)),
        ("picture", "Who may dial whom", [topology(blueprint, _culprits(verdict))]),
        ("links", "How well it hangs together", links_section(node_graph(blueprint, verdict.calm))),
        ("spread", "How fast things spread", spread_section(verdict.sound_histories)),
        ("failover", "How long clients waited", failover_section(records)),
        ("sample", "What trials look like", sampled_section(verdict.calm, records, blueprint)),
        ("resources", "What it took", resources_section(records)),
        ("trials", "All trials", _trials(verdict, source)),
    ]
    contents = [element("a", text(title), href=f"#{name}") for name, title, _ in sections]
    name = told(verdict.blueprint.name, MAX_NAME)
    body = [
        element("h1", text("Is there a single point of failure?")),
        element("p", text("axon swarm spof on the network "), element("b", name), class_="about"),
        element("nav", joined(contents)),
    ]
    for name_, title, parts in sections:
        body.append(element("section", element("h2", text(title)), *parts, id=name_))
    style = REPORT_STYLE + PLOT_STYLE
    return page(Markup(f"{text(verdict.level)}: {name}"), style, body)


def _verdict(verdict: SavedVerdict) -> list[Markup]:
    counts = ", ".join(f"{word} {count:,}" for word, count in verdict.counts.items()) or "none"
    total = sum(verdict.counts.values())
    attempts = sum(len(each.reports) for each in verdict.records)
    lines = [
        _within(verdict),
        _possible(verdict),
        f"{counted(total, 'candidate')}: {counts}; {counted(attempts, 'trial')} in all. "
        f"{_sampled(verdict)}: each candidate was tried, or stands below as not tried.",
        "Left out: " + ("; ".join(verdict.exclusions[:MAX_LINES]) or "nothing of what is known"),
    ]
    mood = _MOODS[verdict.level]
    if mood == "good" and not _tried_all(verdict):
        mood = "open"
        lines.append("So the claim is not decided: not every single harm was tried.")
    word = element("strong", told(verdict.sentence))
    banner = [word, *[element("p", told(line, 2_000)) for line in lines]]
    return [element("div", *banner, class_=f"banner {mood}")]


def _sampled(verdict: SavedVerdict) -> str:
    sample = verdict.sample
    if sample is None:
        return "Nothing was sampled"
    sizes = f"{sample.smallest} to {sample.largest}"
    return f"Sets of {sizes} nodes were sampled, {sample.drawn} of {sample.possible:,}"


def _within(verdict: SavedVerdict) -> str:
    """How many nodes may die at once."""
    if verdict.exhaustive:
        size = counted(verdict.exhaustive, "node")
        return f"Every set of up to {size} was killed, and nothing failed."
    nodes = {node.name for node in verdict.blueprint.nodes}
    killed = [each for each in verdict.witnesses if each.candidate.mode is Mode.KILL]
    if any(
        len(each.candidate.targets) == 1 and nodes >= {*each.candidate.targets} for each in killed
    ):
        return "There is a node whose death alone the network does not bear."
    return "Not every node was killed alone, so nothing is said of how many may die."


def _tried_all(verdict: SavedVerdict) -> bool:
    held = {each.candidate for each in verdict.records if each.standing is CandidateState.HOLDS}
    return held >= {*singles(verdict.blueprint)}


def _possible(verdict: SavedVerdict) -> str:
    """How much of what could be tried was."""
    tried = {each.candidate for each in verdict.records}
    single = singles(verdict.blueprint)
    killed = Counter(
        len(each.targets) for each in tried if each.mode is Mode.KILL and len(each.targets) > 1
    )
    nodes = len(verdict.blueprint.nodes)
    parts = [f"{sum(each in tried for each in single):,} of {len(single):,} single harms"]
    parts += [
        f"{count:,} of {comb(nodes, size):,} sets of {counted(size, 'node')} killed"
        for size, count in sorted(killed.items())
    ]
    return f"Tried of what is possible: {'; '.join(parts)}."


def _matrix(verdict: SavedVerdict) -> list[Markup]:
    kinds = verdict.blueprint.components()
    about = (
        "A cell says what a trial showed and leads to it; the number beside it is the largest part "
        "of any deadline that was used. A dash: that harm does not fit, or was not tried."
    )
    return [
        element("p", text(about)),
        matrix(verdict.records, kinds),
        element("h3", text("Several nodes at once")),
        sets(verdict.records),
    ]


def _witnesses(verdict: SavedVerdict, source: str) -> list[Markup]:
    places = {each.candidate: place for place, each in enumerate(verdict.records)}
    shown = [
        witness(places[each.candidate], each, replay(each, verdict, source), verdict.blueprint)
        for each in verdict.witnesses[:MAX_WITNESSES]
    ]
    more = len(verdict.witnesses) - MAX_WITNESSES
    if more > 0:
        shown.append(element("p", text(f"and {more:,} more, in the matrix and among the trials")))
    return shown or [element("p", text("Nothing that was tried fails each time."))]


def _culprits(verdict: SavedVerdict) -> frozenset[str]:
    """What is marked: the components of the smallest sets that fail."""
    found = verdict.witnesses
    size = len(found[0].candidate.targets) if found else 0
    smallest = [each.candidate for each in found if len(each.candidate.targets) == size]
    return frozenset(name for candidate in smallest for name in candidate.targets)


def _left_out(verdict: SavedVerdict) -> list[Markup]:
    used = Counter(each.candidate.mode for each in verdict.records)
    lines = [*verdict.exclusions]
    lines += [f"undecided: {each}" for each in verdict.undecided]
    lines += [f"no component was harmed like this: {mode}" for mode in Mode if not used[mode]]
    lines.append("attackers with many addresses")
    if not verdict.blueprint.is_mixed:
        lines.append("programs other than axon's")
    items = [element("li", told(line)) for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        items.append(element("li", text(f"and {len(lines) - MAX_LINES:,} more")))
    return [element("ul", joined(items))]


def _limits(verdict: SavedVerdict) -> list[Markup]:
    host = (
        "One host, one process, virtual time: what depends on a real kernel, disk or network is "
        "not in it."
        if verdict.backend == SIM
        else "One host, one kernel: what many machines would do differently is not in it."
    )
    return [element("ul", joined([element("li", text(each)) for each in (host, *_LIMITS)]))]


def _trials(verdict: SavedVerdict, source: str) -> list[Markup]:
    places = sorted(
        range(len(verdict.records)),
        key=lambda place: verdict.records[place].standing is CandidateState.HOLDS,
    )
    shown = []
    for place in places[:MAX_TRIALS]:
        record = verdict.records[place]
        shown.append(trial(place, record, replay(record, verdict, source)))
    more = len(places) - MAX_TRIALS
    if more > 0:
        shown.append(element("p", text(f"{more:,} more hold, and stand in the file alone.")))
    return [joined(shown)]
