"""The page of a verdict: one HTML file that needs nothing else, in the order in which one asks.

What was claimed and tried, of what the network consists, the verdict, whether the judge could say
no, each component against each harm, what fails and how to see it again, a picture, what was not
tried, what cannot be known in this way, and every trial.
"""

from __future__ import annotations

from collections import Counter
from math import comb
from typing import Final

from axon.swarm.blueprint import ComponentClass
from axon.swarm.invariants import TITLES, Finding, counted
from axon.swarm.markup import Markup, element, joined, page, table, text, told
from axon.swarm.spof.candidates import Mode, singles
from axon.swarm.spof.reportmatrix import matrix, sets
from axon.swarm.spof.reporttopology import topology
from axon.swarm.spof.reporttrial import MAX_NAME, MODE_WORDS, number, replay, trial, witness
from axon.swarm.spof.savedfields import SIM
from axon.swarm.spof.savedverdict import SavedVerdict
from axon.swarm.spof.search import CandidateState
from axon.swarm.spof.verdict import Level

MAX_TRIALS: Final = 3_000
"""Candidates that are told in full; those that do not hold come first."""

MAX_WITNESSES: Final = 20
MAX_LINES: Final = 100
"""Of a list that the file holds."""

_MAX_NAMES: Final = 400
"""Characters of names in one row."""

_MOODS: Final = {
    Level.FOUND: "bad",
    Level.WEAK: "bad",
    Level.NONE: "good",
    Level.SWARM: "good",
    Level.OPEN: "open",
}

_STYLE: Final = """
:root { --open: #8a5a00; --badwash: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --open: #e3b341; --badwash: #3a1d1d; } }
a { color: inherit; } .open { color: var(--open); } .none { color: var(--soft); }
.banner { border: 2px solid currentColor; border-radius: 8px; padding: .6rem 1rem; }
.banner p { margin: .3rem 0; color: var(--ink); font-weight: normal; }
.banner strong { font-size: 1.35rem; overflow-wrap: anywhere; }
p, li, summary { overflow-wrap: anywhere; } td { overflow-wrap: break-word; max-width: 34rem; }
td.number, td.word, td:first-child { white-space: nowrap; }
h3, h4 { margin: 1rem 0 .2rem; } nav a { margin-right: .9rem; white-space: nowrap; }
article.witness { border-left: 4px solid var(--bad); padding: 0 0 0 1rem; margin: 1.2rem 0; }
pre { background: var(--band); padding: .5rem .7rem; border-radius: 6px;
  font: .82rem/1.4 ui-monospace, monospace; margin: .3rem 0; white-space: pre-wrap;
  overflow-wrap: anywhere; }
table { margin: .4rem 0; } .said { min-width: 14rem; }
.matrix td, .matrix th { white-space: nowrap; } .matrix td.bad { background: var(--badwash); }
.matrix th[scope=row] { position: sticky; left: 0; background: var(--paper); border-bottom: 0; }
.matrix small { color: var(--soft); font-weight: normal; }
details { border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
details > div { padding: .2rem 0 .8rem 1rem; }
figure.topology { max-width: 44rem; }
.topology .may { stroke: var(--dead); stroke-width: .7; opacity: .6; }
.topology .only { stroke: var(--ink); stroke-width: 1.6; } .head { fill: var(--ink); }
.topology .uses { stroke: var(--dead); stroke-width: 1; stroke-dasharray: 1 4; }
.topology circle { fill: var(--band); stroke: var(--ink); stroke-width: 1.3; }
.topology circle.node { stroke-width: 2; } .topology circle.culprit { fill: var(--bad); }
.topology circle.ring { fill: none; stroke: var(--bad); stroke-width: 2; }
.topology line.fails { stroke: var(--bad); stroke-width: 3; }
.topology text.name { fill: var(--ink); stroke: none; dominant-baseline: central; }
.topology circle.culprit + text.name { fill: var(--paper); font-weight: 700; }
.topology text.fails { fill: var(--bad); font-weight: 700; }
"""

_CLAIM: Final = (
    "Whichever single component of this network is harmed in one of the ways below, all clients "
    "that live are served in time, blocks are found, all nodes that live come to agree on one "
    "last block, and a node and a wallet that come new with an empty disk are served too."
)

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


def render(verdict: SavedVerdict, source: str) -> str:
    """The page.

    Args:
        verdict: what was found.
        source: the name of its file, with which a trial is replayed.
    """
    sections: list[tuple[str, str, list[Markup]]] = [
        ("claim", "What was tested", _claim(verdict)),
        ("inventory", "Of what the network consists", [_inventory(verdict)]),
        ("verdict", "Verdict", _verdict(verdict)),
        ("controls", "Could the judge say no?", _controls(verdict)),
        ("matrix", "Each component, each harm", _matrix(verdict)),
        ("witnesses", "What fails, and how to see it again", _witnesses(verdict, source)),
        ("picture", "Who may dial whom", [topology(verdict.blueprint, _culprits(verdict))]),
        ("left", "What was not tried", _left_out(verdict)),
        ("limits", "What cannot be known in this way", _limits(verdict)),
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
    return page(Markup(f"{text(verdict.level)}: {name}"), _STYLE, body)


def _claim(verdict: SavedVerdict) -> list[Markup]:
    plan = verdict.blueprint
    parts = [
        counted(len(plan.nodes), "node"),
        counted(len(plan.wallets), "wallet"),
        counted(len(plan.miners), "miner"),
    ]
    where = (
        "in virtual time: the real code of nodes and wallets, with links, disks and clocks that "
        "are simulated"
        if verdict.backend == SIM
        else "as processes of one machine"
    )
    unsaid = "the file does not say"
    sizes = sorted({len(each.candidate.targets) for each in verdict.records})
    rows = [
        ("network", f"{plan.name:.{MAX_NAME}}: {', '.join(parts)}"),
        ("carried out", where),
        ("harmed at once", ", ".join(map(str, sizes)) or "nothing was harmed"),
        ("workload", _workload(verdict)),
        ("seed", str(verdict.seed)),
        ("version", verdict.version or unsaid),
        ("machine", verdict.machine or unsaid),
    ]
    used = [mode for mode in Mode if any(each.candidate.mode is mode for each in verdict.records)]
    return [
        element("p", element("strong", text(_CLAIM))),
        table(("", ""), [_row(*row) for row in rows]),
        element("h3", text("Harms")),
        table(("harm", "what it does"), [_row(mode, MODE_WORDS[mode]) for mode in used]),
        element("h3", text("What must hold, and how long it may take")),
        _deadlines(verdict),
    ]


def _workload(verdict: SavedVerdict) -> str:
    """Who asks what, as the trials tell it."""
    asked = dict.fromkeys(
        (each.what, each.client)
        for record in verdict.records
        for report in record.reports.values()
        for each in report.operations
    )
    found: dict[str, list[str]] = {}
    for what, client in asked:
        found.setdefault(what, []).append(client)
    said = "; ".join(f"{what}: {', '.join(clients[:20])}" for what, clients in found.items())
    return said or "no client asked anything"


def _deadlines(verdict: SavedVerdict) -> Markup:
    findings = [
        finding
        for record in verdict.records
        for report in record.reports.values()
        for finding in report.findings
    ]
    rows = []
    for name in TITLES:
        found = [each for each in findings if each.name == name]
        if found:
            rows.append(_deadline(name, found))
    return table(("invariant", "", "deadline", "worst where it held", "looked at", "failed"), rows)


def _deadline(name: str, found: list[Finding]) -> Markup:
    unit = found[0].unit
    deadline = max((each.deadline for each in found if each.deadline is not None), default=None)
    worst = max(
        (each.worst for each in found if each.holds and each.worst is not None), default=None
    )
    failed = sum(each.holds is False for each in found)
    mood = "bad" if failed else "good"
    return element(
        "tr",
        element("td", text(name)),
        element("td", text(TITLES[name])),
        element("td", told(number(deadline, unit)), class_="number"),
        element("td", told(number(worst, unit)), class_="number"),
        element("td", text(f"{len(found):,}"), class_="number"),
        element("td", element("span", text(f"{failed:,}"), class_=mood), class_="number"),
    )


def _inventory(verdict: SavedVerdict) -> Markup:
    kinds = dict(verdict.blueprint.components())
    kinds |= dict.fromkeys(verdict.blueprint.links(), ComponentClass.LINK)
    singles = [each for each in verdict.records if len(each.candidate.targets) == 1]
    tried = {each.candidate.targets[0] for each in singles}
    rows = []
    for kind in ComponentClass:
        names = [name for name, found in kinds.items() if found is kind]
        if names:
            harmed = sum(name in tried for name in names)
            shown = f"{harmed:,} of {len(names):,}"
            rows.append(_row(kind, f"{len(names):,}", shown, ", ".join(names), most=_MAX_NAMES))
    how = (
        "From the plan of the network, from which it was raised. Links are all pairs of nodes of "
        "which one may dial the other. What is not in this table was not looked at."
    )
    heads = ("kind", "there are", "harmed by itself", "names")
    return element("div", table(heads, rows), element("p", text(how), class_="about"))


def _verdict(verdict: SavedVerdict) -> list[Markup]:
    counts = ", ".join(f"{word} {count:,}" for word, count in verdict.counts.items()) or "none"
    total = sum(verdict.counts.values())
    attempts = sum(len(each.reports) for each in verdict.records)
    lines = [
        _within(verdict),
        _possible(verdict),
        f"{counted(total, 'candidate')}: {counts}; {counted(attempts, 'trial')} in all. Nothing "
        "was sampled: each candidate was tried, or stands below as not tried.",
        "Left out: " + ("; ".join(verdict.exclusions[:MAX_LINES]) or "nothing of what is known"),
    ]
    mood = _MOODS[verdict.level]
    if mood == "good" and not _tried_all(verdict):
        mood = "open"
        lines.append("So the claim is not decided: not every single harm was tried.")
    word = element("strong", told(verdict.sentence))
    banner = [word, *[element("p", told(line, 2_000)) for line in lines]]
    return [element("div", *banner, class_=f"banner {mood}")]


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


def _controls(verdict: SavedVerdict) -> list[Markup]:
    if not verdict.controls:
        return [element("p", text("No control was made, so nobody knows whether it could."))]
    rows = [
        element(
            "tr",
            element("td", told(each.about)),
            element("td", told(each.said), class_="said"),
            element("td", _yes(each.passed, "as it must be", "NOT as it must be"), class_="word"),
        )
        for each in verdict.controls[:MAX_LINES]
    ]
    about = (
        "Trials of the same run whose outcome was known beforehand: one where nothing is harmed "
        "must hold, and on networks with a single point of failure on purpose it must be found."
    )
    return [element("p", text(about)), table(("what was tried", "seen", ""), rows)]


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
        witness(places[each.candidate], each, replay(each, verdict, source))
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
    lines += [
        "attackers with many addresses, and programs other than axon's",
        "which rare states the trials met (a long reorganisation, a lost anchor, a full disk): "
        "the file does not count them",
    ]
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


def _row(head: str, *said: str, most: int = 2_000) -> Markup:
    cells: list[Markup] = [element("td", told(each, most)) for each in said]
    return element("tr", element("td", told(head, MAX_NAME)), *cells)


def _yes(holds: bool, good: str, bad: str) -> Markup:
    return element("span", text(good if holds else bad), class_="good" if holds else "bad")
