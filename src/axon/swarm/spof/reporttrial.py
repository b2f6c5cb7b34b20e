"""What a report tells of one trial: the plan, what was found, what clients got, how to replay."""

from __future__ import annotations

import json
import shlex
from typing import Final

from axon.machine import SECOND
from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import FaultPlan, FaultStep
from axon.swarm.invariants import Finding
from axon.swarm.markup import Markup, element, joined, table, text, told
from axon.swarm.spof.candidates import Mode
from axon.swarm.spof.reportexcerpt import excerpt_table
from axon.swarm.spof.reporthistory import pictures
from axon.swarm.spof.savedfields import SIM
from axon.swarm.spof.savedverdict import SavedVerdict
from axon.swarm.spof.search import CandidateRecord, CandidateState
from axon.swarm.spof.verdict import first_broken
from axon.swarm.trialreport import Operation, TrialReport

MAX_NAME: Final = 80
"""Characters of a name, or of several together."""

MAX_STEPS: Final = 40
"""Steps of a plan that are shown."""

MOODS: Final = {
    CandidateState.HOLDS: "good",
    CandidateState.FAILS: "bad",
    CandidateState.FLAKY: "open",
    CandidateState.UNDECIDED: "open",
    CandidateState.IMPLIED: "open",
    CandidateState.UNTRIED: "open",
}
"""The class that colours a word; the word itself always stands there."""

MODE_WORDS: Final = {
    Mode.KILL: "its program ends at once; a file or a seed is gone",
    Mode.STOP: "its program stands still, and its connections stay open",
    Mode.CUT: "nothing reaches it or leaves it; a link carries nothing",
    Mode.ONE_WAY: "nothing leaves it, and everything reaches it",
    Mode.SLOW: "all that it does takes 100 times as long",
    Mode.WIPE: "its program ends, and starts again with an empty disk",
    Mode.CLOCK: "its clock jumps by three hours",
    Mode.NO_BLOCKS: "it withholds blocks from those who ask",
    Mode.NO_TRANSACTIONS: "it withholds transactions from those who ask",
    Mode.NO_FILTERS: "it withholds compact filters from those who ask",
}


def number(value: float | None, unit: str = "") -> str:
    """A measure as it is read: `1,185 s`, `0.91 s`."""
    if value is None:
        return ""
    shown = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"
    return f"{shown} {unit}".rstrip()


def share_used(record: CandidateRecord) -> float | None:
    """The largest part of a deadline that any invariant took; None where none has one."""
    shares = [
        each.worst / each.deadline
        for report in record.reports.values()
        for each in report.findings
        if each.worst is not None and each.deadline
    ]
    return max(shares, default=None)


def replay(record: CandidateRecord, verdict: SavedVerdict, source: str) -> str:
    """The command line that tries a candidate again on the network that its verdict holds.

    It is made here, and not read from the file: whoever copies it trusts us, not who wrote that.
    """
    words = ["axon", "swarm", "spof", "--network", source, "--seed", str(verdict.seed)]
    words += ["--backend", verdict.backend] if verdict.backend != SIM else []
    return shlex.join([*words, "--only", str(record.candidate)])


def command(line: str) -> Markup:
    """A command line, in a box of its own."""
    return element("pre", told(line, 2_000))


def word(record: CandidateRecord) -> Markup:
    """How a candidate stands, with how often."""
    failed = sum(bool(each.broken) for each in record.reports.values())
    said = str(record.standing)
    if failed:
        said = f"{said}, {failed} of {len(record.reports)} times"
    return element("span", text(said), class_=MOODS[record.standing])


def row(head: str, *said: str, most: int = 2_000) -> Markup:
    """A row of a table: a name, and what is said of it."""
    cells: list[Markup] = [element("td", told(each, most)) for each in said]
    return element("tr", element("td", told(head, MAX_NAME)), *cells)


def witness(place: int, record: CandidateRecord, line: str, blueprint: Blueprint) -> Markup:
    """One that fails, with all that is needed to see it again.

    Args:
        place: of its trial among all.
        record: of its trials.
        line: the command that replays it.
        blueprint: of the network.
    """
    report = record.reports[0]
    broken = [
        element("li", told(f"{each.name} {each.title}: {each.said}")) for each in report.broken
    ]
    link = element("a", text("all that was seen in this trial"), href=f"#t{place}")
    history: list[Markup] = []
    if report.history is not None:
        lines = [element("p", text("How it came to that:")), excerpt_table(report.history)]
        history = lines + pictures(report, blueprint, record.candidate.targets)
    return element(
        "article",
        element("h3", told(f"{record.candidate}: ", MAX_NAME), word(record)),
        element("p", text("What does not hold:")),
        element("ul", joined(broken)),
        element("p", text("The plan; no part of it that was tried fails:")),
        element("pre", told(json.dumps(report.harm.to_json()), 2_000)),
        element("p", text("Again:")),
        command(line),
        *history,
        element("p", link),
        class_="witness",
    )


def trial(place: int, record: CandidateRecord, line: str) -> Markup:
    """All that is known of one candidate, folded until it is asked for."""
    several = len(record.reports) > 1
    attempts = [
        _attempt(report, f"Attempt {attempt + 1} of {len(record.reports)}" if several else "")
        for attempt, report in sorted(record.reports.items())
    ]
    inner = element("div", *attempts, element("p", text("Again:")), command(line), id=f"t{place}")
    head = element("summary", told(f"{record.candidate}: ", MAX_NAME), word(record), _first(record))
    return element("details", head, inner)


def _first(record: CandidateRecord) -> Markup:
    said = next(filter(None, map(first_broken, record.reports.values())), "")
    return told(f" ({said})", 120) if said else Markup("")


def _attempt(report: TrialReport, title: str) -> Markup:
    parts = [element("h4", text(title))] if title else []
    parts += [
        element("p", text("Harm: "), _steps(report.harm)),
        element("p", text("Taken back by: "), _steps(report.healing)),
    ]
    if report.trouble:
        parts.append(element("p", told(f"It could not be carried out: {report.trouble}")))
    heads = ("invariant", "", "holds", "seen", "worst", "deadline", "margin")
    parts.append(table(heads, [_finding(each) for each in report.findings]))
    parts.append(table(("client", "asked to", "done after"), list(map(_asked, report.operations))))
    parts += [element("p", told(note)) for note in report.notes[:MAX_STEPS]]
    if report.digest:
        parts.append(element("p", told(f"Fingerprint of the run: {report.digest}"), class_="about"))
    return joined(parts)


def _steps(plan: FaultPlan) -> Markup:
    shown = "; ".join(map(_step, plan.steps[:MAX_STEPS])) or "nothing"
    more = len(plan.steps) - MAX_STEPS
    return told(shown + f"; and {more} more" * (more > 0))


def _step(done: FaultStep) -> str:
    params = ", ".join(f"{name} {value}" for name, value in done.params)
    said = f"at {number(done.at_us / SECOND, 's')} {done.op} {done.target}".rstrip()
    return f"{said} ({params})" if params else said


def _finding(each: Finding) -> Markup:
    mood = {True: "good", False: "bad", None: "open"}[each.holds]
    measures = (each.worst, each.deadline, each.margin)
    return element(
        "tr",
        element("td", text(each.name)),
        element("td", text(each.title)),
        element("td", element("span", text(each.word), class_=mood)),
        element("td", told(each.said), class_="said"),
        *[element("td", told(number(value, each.unit)), class_="number") for value in measures],
    )


def _asked(each: Operation) -> Markup:
    is_done = each.took_us is not None
    took = number(each.took_us / SECOND, "s") if each.took_us is not None else "never"
    return element(
        "tr",
        element("td", told(each.client, MAX_NAME)),
        element("td", told(each.what, MAX_NAME)),
        element("td", element("span", text(took), class_="good" if is_done else "bad")),
    )
