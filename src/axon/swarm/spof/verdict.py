"""What a search says of a network: one word, what it rests on, and what it leaves open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from axon.swarm.blueprint import Blueprint
from axon.swarm.invariants import counted
from axon.swarm.sightings import Sightings, over
from axon.swarm.spof.candidates import Candidate, Mode, all_but_one, singles
from axon.swarm.spof.guide import Guided
from axon.swarm.spof.predicted import Prediction, predicted
from axon.swarm.spof.scope import Scope, exhaustive_size
from axon.swarm.spof.search import CandidateRecord, CandidateState, Search
from axon.swarm.spof.setsample import SetSample
from axon.swarm.trialhistory import TrialHistory
from axon.swarm.trialreport import TrialReport

SCHEMA: Final = "axon spof 1"


class Level(StrEnum):
    """The word."""

    FOUND = "SPOF FOUND"
    WEAK = "1-RESILIENT"
    """No single component is one, but something larger fails."""
    NONE = "NONE FOUND"
    """Nothing that was tried fails."""
    SWARM = "SWARM, NONE FOUND"
    """No single component of any class, and each node is enough when all others are dead."""
    OPEN = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Control:
    """A trial whose outcome is known beforehand: a judge that misses it cannot be believed.

    Args:
        about: what was tried.
        passed: the outcome was the one that it had to be.
        said: what was seen.
        must_fail: there is a single point of failure on purpose; else nothing is harmed.
        history: of the trial where nothing is harmed: what the network is like when it is well.
    """

    about: str
    passed: bool
    said: str
    must_fail: bool = False
    history: TrialHistory | None = None

    def to_json(self) -> dict[str, object]:
        """For a report."""
        shown = {"about": self.about, "passed": self.passed, "said": self.said}
        shown["must_fail"] = self.must_fail
        return shown | ({} if self.history is None else {"history": self.history.to_json()})


@dataclass(slots=True)
class SpofVerdict:
    """What a search says.

    Args:
        blueprint: of the network.
        scope: what was to be tried.
        search: what was.
        is_narrowed: only some candidates were asked for by name.
        controls: trials whose outcome was known beforehand.
        left_out: what the backend cannot do, in words.
        trouble: why there is none, whatever was found.
    """

    blueprint: Blueprint
    scope: Scope
    search: Search
    is_narrowed: bool = False
    controls: list[Control] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    trouble: str = ""

    @property
    def records(self) -> list[CandidateRecord]:
        """All candidates, in the order in which the search came to them; a guide brings more."""
        return list(self.search.records.values())

    def of(self, *standings: CandidateState) -> list[CandidateRecord]:
        """The candidates that stand so."""
        return [each for each in self.records if each.standing in standings]

    @property
    def witnesses(self) -> list[CandidateRecord]:
        """Those that failed each time, the smallest first: no part of them fails."""
        return sorted(self.of(CandidateState.FAILS), key=lambda each: len(each.candidate.targets))

    @property
    def open(self) -> list[CandidateRecord]:
        """Those of which nothing can be said."""
        return self.of(CandidateState.FLAKY, CandidateState.UNDECIDED, CandidateState.UNTRIED)

    @property
    def predictions(self) -> list[tuple[Prediction, str]]:
        """What was to be read from the plan, as far as it is small enough, and how that stands."""
        size = max((len(each.candidate.targets) for each in self.records), default=0)
        return [
            (each, self._standing(Candidate(each.targets, Mode.KILL)))
            for each in predicted(self.blueprint, size)
        ]

    @property
    def unpredicted(self) -> list[Candidate]:
        """Sets of nodes that fail when they are killed, and of which nothing was to be read."""
        parts = [set(each.targets) for each, _ in self.predictions]
        nodes = {node.name for node in self.blueprint.nodes}
        return [
            each.candidate
            for each in self.witnesses
            if each.candidate.mode is Mode.KILL
            and nodes.issuperset(each.candidate.targets)
            and not any(part <= set(each.candidate.targets) for part in parts)
        ]

    def _standing(self, candidate: Candidate) -> str:
        record = self.search.records.get(candidate)
        return str(CandidateState.UNTRIED if record is None else record.standing)

    @property
    def level(self) -> Level:
        """The word."""
        if self.trouble or not all(each.passed for each in self.controls):
            return Level.OPEN
        sizes = [len(each.candidate.targets) for each in self.witnesses]
        if sizes and min(sizes) == 1:
            return Level.FOUND
        if self.open or not self.records or self.search.left() or self._unparted:
            return Level.OPEN
        if sizes:
            return Level.WEAK
        held = {each.candidate for each in self.of(CandidateState.HOLDS)}
        wanted = {*singles(self.blueprint), *all_but_one(self.blueprint)}
        has_all = len(self.blueprint.nodes) > 1 and wanted <= held
        return Level.SWARM if has_all else Level.NONE

    @property
    def exhaustive(self) -> int:
        """So many nodes may die at once, whichever: all sets up to that size were killed."""
        held = frozenset(each.candidate for each in self.of(CandidateState.HOLDS))
        return exhaustive_size(self.blueprint, held)

    def sentence(self) -> str:
        """The verdict in words; what it leaves out is said by `exclusions`."""
        match self.level:
            case Level.OPEN:
                return f"{Level.OPEN}: {self._why_open()}."
            case Level.FOUND:
                names = [each.candidate.targets[0] for each in self._singles()]
                return f"{Level.FOUND}: {', '.join(dict.fromkeys(names))}."
            case Level.WEAK:
                shown = "; ".join(str(each.candidate) for each in self.witnesses[:3])
                more = f" and {len(self.witnesses) - 3} more" * (len(self.witnesses) > 3)
                return f"{Level.WEAK}: no single component, but {shown}{more}."
        sizes = Counter(len(each.candidate.targets) for each in self.of(CandidateState.HOLDS))
        counts = [f"{count} of {size} at once" for size, count in sorted(sizes.items())]
        upto = f" up to {counted(self.exhaustive, 'node')}" * (self.exhaustive > 0)
        held = f"{self.level}{upto}: {counted(sizes.total(), 'harm')} held, {', '.join(counts)}."
        guided = self.guided
        if guided is None:
            return held
        return (
            f"{held} Guided, up to {guided.size} at once: {guided.tried:,} of {guided.possible:,} "
            "sets tried."
        )

    @property
    def guided(self) -> Guided | None:
        """To which sets a guide has led; None without one."""
        guide = self.search.guide
        if guide is None:
            return None
        names = frozenset(guide.names)
        tried = [
            each
            for each in self.records
            if each.reports
            and each.candidate.mode is Mode.KILL
            and len(each.candidate.targets) <= guide.size
            and names.issuperset(each.candidate.targets)
        ]
        return Guided(
            guide.size,
            len(tried),
            guide.possible,
            len(self.search.left()),
            guide.operations,
            guide.ways,
        )

    @property
    def sample(self) -> SetSample | None:
        """What sets showed that were drawn; None if none were, or one of them is open."""
        nodes = [node.name for node in self.blueprint.nodes]
        sizes = self.scope.drawn_sizes(len(nodes))
        drawn = [each for each in self.records if len(each.candidate.targets) in sizes]
        standings = Counter(each.standing for each in drawn)
        held, failed = standings[CandidateState.HOLDS], standings[CandidateState.FAILS]
        failed += standings[CandidateState.IMPLIED]
        if self.is_narrowed or not drawn or held + failed < len(drawn):
            return None
        return SetSample(len(nodes), sizes[0], sizes[-1], len(drawn), failed)

    def exclusions(self) -> list[str]:
        """What was left out."""
        narrowed = ["all but what was asked for by name"]
        found = narrowed if self.is_narrowed else self.scope.exclusions(self.blueprint)
        found += self.left_out
        guided = self.guided
        if guided is not None:
            found.append(guided.left_out())
        if self.sample is not None:
            found.append(self.sample.left_out())
        untried = len(self.of(CandidateState.UNTRIED))
        if untried:
            found.append(f"{counted(untried, 'candidate')} for which there was no time")
        return found

    def counts(self) -> dict[str, int]:
        """How many candidates stand how."""
        found = Counter(each.standing for each in self.records)
        return {str(standing): found[standing] for standing in CandidateState if found[standing]}

    def matrix(self) -> dict[str, dict[str, str]]:
        """Per single component, what each kind of harm showed: `holds`, or what does not hold."""
        rows: dict[str, dict[str, str]] = {}
        for each in self.records:
            if len(each.candidate.targets) == 1:
                row = rows.setdefault(each.candidate.targets[0], {})
                row[str(each.candidate.mode)] = _cell(each)
        return rows

    def sightings(self) -> tuple[Sightings, int]:
        """In how many trials each interesting state was reached, and how many looked for them."""
        runs = [
            report.sometimes
            for record in self.records
            for report in record.reports.values()
            if report.sometimes
        ]
        return over(runs), len(runs)

    def to_json(self) -> dict[str, object]:
        """For a report."""
        found, runs = self.sightings()
        guided, sample = self.guided, self.sample
        return {
            "schema": SCHEMA,
            "level": str(self.level),
            "sentence": self.sentence(),
            "k_exhaustive": self.exhaustive,
            "counts": self.counts(),
            "witnesses": [witness_json(each) for each in self.witnesses],
            "undecided": [str(each.candidate) for each in self.open],
            "exclusions": self.exclusions(),
            "guided": None if guided is None else guided.to_json(),
            "sampled": None if sample is None else sample.to_json(),
            "predicted": [
                {"targets": list(each.targets), "why": each.why, "standing": standing}
                for each, standing in self.predictions
            ],
            "unpredicted": [str(each) for each in self.unpredicted],
            "controls": [each.to_json() for each in self.controls],
            "matrix": self.matrix(),
            "sometimes": {"runs": runs, "reached": found.to_json()},
            "trials": [trial_json(each) for each in self.records if each.reports],
        }

    @property
    def _unparted(self) -> list[Candidate]:
        """Several components that fail together, where nobody tried whether one alone would do."""
        return [
            each.candidate
            for each in self.witnesses
            if len(each.candidate.targets) > 1
            and any(
                self._standing(Candidate((name,), each.candidate.mode)) != CandidateState.HOLDS
                for name in each.candidate.targets
            )
        ]

    def _singles(self) -> list[CandidateRecord]:
        return [each for each in self.witnesses if len(each.candidate.targets) == 1]

    def _why_open(self) -> str:
        if self.trouble:
            return self.trouble
        missed = [each for each in self.controls if not each.passed]
        if missed:
            return f"a control failed, {missed[0].about}: {missed[0].said}"
        if not self.records:
            return "nothing was tried"
        if not self.open and self._unparted:
            return f"{self._unparted[0]} fails, and whether a part of it does was not tried"
        if not self.open:
            return f"there was no time for {counted(len(self.search.left()), 'set')} of the guide"
        shown = ", ".join(f"{each.candidate} is {each.standing}" for each in self.open[:3])
        return shown + f" and {len(self.open) - 3} more" * (len(self.open) > 3)


def first_broken(report: TrialReport) -> str:
    """The first invariant that does not hold, and what was seen."""
    return f"{report.broken[0].name} {report.broken[0].said}" if report.broken else ""


def witness_json(record: CandidateRecord) -> dict[str, object]:
    """What shows that a candidate fails."""
    report = record.reports[0]
    return {
        "targets": list(record.candidate.targets),
        "mode": str(record.candidate.mode),
        "first_broken": first_broken(report),
        "failed": sum(bool(each.broken) for each in record.reports.values()),
        "tried": len(record.reports),
        "digest": report.digest,
        "plan": report.harm.to_json(),
    }


def trial_json(record: CandidateRecord) -> dict[str, object]:
    """All trials of a candidate."""
    return {
        "targets": list(record.candidate.targets),
        "mode": str(record.candidate.mode),
        "standing": str(record.standing),
        "attempts": [report.to_json() for _, report in sorted(record.reports.items())],
    }


def _cell(record: CandidateRecord) -> str:
    if record.standing is CandidateState.FAILS:
        return " ".join(each.name for each in record.reports[0].broken)
    return str(record.standing)


def control_without_nodes(report: TrialReport) -> Control:
    """Where wallets pay each other directly: all nodes dead, payments are handed over all the same.

    Nothing may be settled then, and all of it once nodes are back.
    """
    holds = {each.name: each.holds for each in report.findings}
    passed = holds.get("L3") is False and bool(holds.get("L12") and holds.get("L12-kill"))
    said = "; ".join(f"{each.name}: {each.said}" for each in report.findings)
    about = "kill all nodes: payments are handed over, none is settled until nodes are back"
    return Control(about, passed and not report.trouble, report.trouble or said, must_fail=True)


def control_of(about: str, report: TrialReport, *, fails: bool) -> Control:
    """A control by what became of its trial.

    Args:
        about: what was tried.
        report: of the trial.
        fails: it must fail; else it must hold.
    """
    is_broken = bool(report.broken)
    said = first_broken(report) if is_broken else "all held"
    passed = is_broken is fails and not report.trouble
    history = None if fails else report.history
    return Control(about, passed, report.trouble or said, fails, history)
