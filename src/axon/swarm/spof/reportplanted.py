"""What a page says of the controls and of planted points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.swarm.markup import Markup, element, table, text, told
from axon.swarm.spof.planted import PlantedScore, score_of
from axon.swarm.spof.verdict import Control

MAX_LINES: Final = 100


def controls_section(controls: Sequence[Control], whole: PlantedScore | None) -> list[Markup]:
    """The controls of the run and the scores.

    Args:
        controls: of the run.
        whole: a score that was made apart; None if there is none.
    """
    if not controls:
        parts = [element("p", text("No control was made, so nobody knows whether it could."))]
    else:
        about = (
            "Trials of the same run whose outcome was known beforehand: one where nothing is "
            "harmed must hold, and on networks with a single point of failure on purpose it must "
            "be found. If one of them fails, there is no verdict."
        )
        rows = list(map(_row, controls[:MAX_LINES]))
        parts = [element("p", text(about)), table(("what was tried", "seen", ""), rows)]
    scores = [score_of(controls)] * bool(controls) + ([] if whole is None else [whole])
    if scores:
        heads = ("planted points", "planted", "found", "missed", "false alarms")
        parts += [element("h3", text("Planted score")), table(heads, list(map(_score, scores)))]
        parts += [each for score in scores for each in _named(score)]
    if whole is None:
        more = (
            "All planted points, each alone: python -m bench.verdict planted --save FILE, and "
            "axon swarm report --planted FILE shows them here."
        )
        parts.append(element("p", text(more), class_="about"))
    return parts


def _row(each: Control) -> Markup:
    said = "as it must be" if each.passed else "NOT as it must be"
    return element(
        "tr",
        element("td", told(each.about)),
        element("td", told(each.said), class_="said"),
        element("td", element("span", text(said), class_=_mood(each.passed)), class_="word"),
    )


def _score(score: PlantedScore) -> Markup:
    count = len(score.found) + len(score.missed)
    return element(
        "tr",
        element("td", told(score.about, 200)),
        element("td", text(f"{count:,}"), class_="number"),
        _number(len(score.found), is_good=bool(score.found)),
        _number(len(score.missed), is_good=not score.missed),
        _number(len(score.false_alarms), is_good=not score.false_alarms),
    )


def _number(count: int, *, is_good: bool) -> Markup:
    word = element("span", text(f"{count:,}"), class_=_mood(is_good))
    return element("td", word, class_="number")


def _mood(is_good: bool) -> str:
    return "good" if is_good else "bad"


def _named(score: PlantedScore) -> list[Markup]:
    """Those that were missed or wrongly blamed, by name."""
    lines = [f"missed: {each}" for each in score.missed]
    lines += [f"false alarm: {each}" for each in score.false_alarms]
    return [element("p", told(line), class_="bad") for line in lines[:MAX_LINES]]
