"""A verdict as lines of a terminal, none wider than 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

from axon.swarm.blueprint import ComponentClass
from axon.swarm.invariants import TITLES, counted
from axon.swarm.sightings import sightings_lines
from axon.swarm.spof.search import CandidateState
from axon.swarm.spof.verdict import SpofVerdict, first_broken

WIDTH: Final = 80

SHOWN_WITNESSES: Final = 10


def verdict_lines(verdict: SpofVerdict, replay: str) -> Iterator[str]:
    """The verdict first, then what it rests on.

    Args:
        verdict: what was found.
        replay: the command line that tries one candidate again, but for the candidate.
    """
    yield from wrap(verdict.sentence(), WIDTH)
    yield ""
    yield from _inventory(verdict)
    yield from _counted(verdict)
    passed = [control.about for control in verdict.controls if control.passed]
    said = f"{'; '.join(passed)}: seen as it must be" if passed else "none was carried out"
    yield from _row("controls", said)
    for control in verdict.controls:
        if not control.passed:
            yield from _row("control", f"NOT as it must be: {control.about}: {control.said}")
    yield from _predicted(verdict)
    for left in verdict.exclusions():
        yield from _row("left out", left)
    for record in verdict.witnesses[:SHOWN_WITNESSES]:
        yield ""
        failed = sum(bool(each.broken) for each in record.reports.values())
        yield f"{record.candidate}: fails, {failed} of {len(record.reports)} times"
        for finding in record.reports[0].broken:
            yield from _row(finding.name, f"{TITLES[finding.name]}: {finding.said}")
        yield from _row("again", f"{replay} --only '{record.candidate}'")
    more = len(verdict.witnesses) - SHOWN_WITNESSES
    if more > 0:
        yield f"\nand {more} more; --json shows all"
    yield from _sometimes(verdict)


def _sometimes(verdict: SpofVerdict) -> Iterator[str]:
    found, runs = verdict.sightings()
    if runs:
        yield ""
        yield from sightings_lines(found, runs)


def _inventory(verdict: SpofVerdict) -> Iterator[str]:
    kinds = list(verdict.blueprint.components().values())
    parts = [counted(kinds.count(kind), kind) for kind in ComponentClass if kind in kinds]
    links = verdict.blueprint.all_links()
    between = "nodes, or wallets" if verdict.blueprint.payees else "nodes"
    parts += [f"{counted(len(links), 'possible link')} between {between}"] if links else []
    if verdict.blueprint.is_mixed:
        parts[0] += f" ({verdict.blueprint.bitcoinds} bitcoind)"
    yield from _row("network", f"{verdict.blueprint.name}: {', '.join(parts)}")


def _counted(verdict: SpofVerdict) -> Iterator[str]:
    shown: Sequence[str] = [f"{count} {word}" for word, count in verdict.counts().items()]
    yield from _row("tried", ", ".join(shown) or "nothing")
    flaky = verdict.of(CandidateState.FLAKY)
    for record in flaky[:SHOWN_WITNESSES]:
        said = next(filter(None, map(first_broken, record.reports.values())), "")
        yield from _row("flaky", f"{record.candidate}: {said}")


def _predicted(verdict: SpofVerdict) -> Iterator[str]:
    """What was to be read from the plan beside what trials showed."""
    shown = verdict.predictions[:SHOWN_WITNESSES]
    for each, standing in shown:
        denied = ", WHICH WAS NOT TO BE" * (standing == CandidateState.HOLDS)
        targets = " ".join(each.targets)
        yield from _row("predicted", f"without {targets} ({each.why}): {standing}{denied}")
    for candidate in verdict.unpredicted[:SHOWN_WITNESSES]:
        yield from _row("predicted", f"not {candidate}, which fails: by trial alone")
    if not verdict.predictions and not verdict.unpredicted:
        yield from _row("predicted", "no set of nodes, and by trial none fails")


def _row(head: str, said: str) -> list[str]:
    return wrap(f"{head:<10}{said}", WIDTH, subsequent_indent=" " * 10)
