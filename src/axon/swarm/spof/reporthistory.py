"""Pictures of one trial: over time, and who was linked to whom before, while harmed and healed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.swarm.blueprint import Blueprint
from axon.swarm.markup import Markup, element, text
from axon.swarm.spof.reportriver import river
from axon.swarm.spof.reporttimeline import timeline
from axon.swarm.spof.reporttopology import MAX_DRAWN, linked
from axon.swarm.spof.search import CandidateRecord
from axon.swarm.trialhistory import TrialHistory, TrialPhase
from axon.swarm.trialreport import TrialReport

_PHASES: Final = {
    TrialPhase.BEFORE: "before",
    TrialPhase.HELD: "at the end of the harm",
    TrialPhase.HEALED: "at the end of the trial",
}


def pictures(report: TrialReport, blueprint: Blueprint, harmed: Sequence[str]) -> list[Markup]:
    """Of a trial whose history was kept; none of another.

    Args:
        report: of the trial.
        blueprint: of the network.
        harmed: the components that were harmed, which are marked.
    """
    history = report.history
    if history is None:
        return []
    parts = [
        element("h4", text("Who waited, and what was harmed meanwhile")),
        timeline(report, history),
        element("h4", text("Where the nodes stood")),
        river(history),
    ]
    scenes = _scenes(history, blueprint, harmed)
    if scenes:
        parts += [element("h4", text("Who was linked to whom")), scenes]
    if history.left_out:
        said = f"The history was too long: {history.left_out:,} of its parts were not kept."
        parts.append(element("p", text(said), class_="about"))
    return parts


def _scenes(history: TrialHistory, blueprint: Blueprint, harmed: Sequence[str]) -> Markup:
    if len(blueprint.nodes) + len(blueprint.wallets) > MAX_DRAWN or not history.links:
        return Markup("")
    before = history.links.get(TrialPhase.BEFORE, [])
    drawn = [
        linked(blueprint, before, history.links[phase], frozenset(harmed), said)
        for phase, said in _PHASES.items()
        if phase in history.links
    ]
    legend = (
        "A line: both ends have that link; thick: they did not have it before; dashes: they had "
        "it before. Large circles are nodes, small ones wallets. A ring: it was harmed."
    )
    return element(
        "div",
        element("div", *drawn, class_="scenes"),
        element("p", text(legend), class_="about"),
    )


def sampled_section(
    calm: TrialHistory | None, records: Sequence[CandidateRecord], blueprint: Blueprint
) -> list[Markup]:
    """Trials that hold and whose history was kept, each folded.

    Args:
        calm: the control where nothing is harmed.
        records: of all candidates.
        blueprint: of the network.
    """
    parts = []
    if calm is not None:
        parts.append(element("h3", text("Nothing is harmed")))
        parts.append(river(calm))
    for record in records:
        report = record.reports.get(0)
        if report is None or report.history is None or report.broken:
            continue
        summary = element("summary", text(f"{record.candidate}: holds"))
        shown = pictures(report, blueprint, record.candidate.targets)
        parts.append(element("details", summary, element("div", *shown)))
    if not parts:
        return [element("p", text("No history of a trial that holds was kept."))]
    about = (
        "The first trial of each kind of harm, as a sample of those that hold; those that fail are "
        "pictured with the witnesses."
    )
    return [element("p", text(about)), *parts]
