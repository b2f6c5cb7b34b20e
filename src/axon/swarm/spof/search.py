"""What is tried next, and what follows from what was tried.

    candidate --holds--> done
        \\--fails--> tried twice more --fails each time--> found; sets that hold it are passed over
                                    \\--holds once-------> flaky: neither one nor the other

With a guide there is more to try when all candidates are done: sets without which it has not been
seen yet that all comes about. They are taken in rounds, so that what is tried does not depend on
how many trials run at once.

The search runs nothing: whoever can carry trials out takes one after the other, in as many
processes as there are, and tells what became of each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.guide import Guide
from axon.swarm.spof.keeping import HistoryKeeping
from axon.swarm.trialreport import TrialReport

RETRIES: Final = 2
"""So often a candidate that failed is tried again, each time with chance of its own."""

ROUND: Final = 4
"""So many sets of a guide are tried before it is asked again, with what these have shown."""


class CandidateState(StrEnum):
    """What is known of a candidate."""

    HOLDS = "holds"
    FAILS = "fails"
    FLAKY = "flaky"
    """It failed once and held once."""
    UNDECIDED = "undecided"
    """The trial itself could not be carried out."""
    IMPLIED = "implied"
    """It was passed over: a part of it fails already."""
    UNTRIED = "untried"
    """Time was up before."""


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to carry out.

    Args:
        candidate: what is harmed, and how.
        attempt: 0, or which of the `RETRIES`; each has chance of its own.
    """

    candidate: Candidate
    attempt: int = 0


@dataclass(slots=True)
class CandidateRecord:
    """All that was tried of one candidate.

    Args:
        candidate: what was harmed, and how.
        reports: of its trials, by attempt.
        implied_by: a candidate that failed and is a part of this one, which is why it was not
            tried.
    """

    candidate: Candidate
    reports: dict[int, TrialReport] = field(default_factory=dict)
    implied_by: Candidate | None = None

    @property
    def standing(self) -> CandidateState:
        """What is known of it."""
        if self.implied_by is not None:
            return CandidateState.IMPLIED
        if not self.reports:
            return CandidateState.UNTRIED
        if any(report.trouble for report in self.reports.values()):
            return CandidateState.UNDECIDED
        failed = sum(bool(report.broken) for report in self.reports.values())
        if not failed:
            return CandidateState.HOLDS
        if failed < len(self.reports):
            return CandidateState.FLAKY
        return (
            CandidateState.FAILS if len(self.reports) == 1 + RETRIES else CandidateState.UNDECIDED
        )


class Search:
    """Works through candidates.

    Args:
        candidates: in the order in which they are tried; smaller sets come first, so that larger
            ones are passed over where a part of them fails.
        guide: says what else may fail, by what the trials have shown; None for nothing else.
    """

    def __init__(self, candidates: Iterable[Candidate], guide: Guide | None = None) -> None:
        self.guide = guide
        self.records: dict[Candidate, CandidateRecord] = {
            each: CandidateRecord(each) for each in candidates
        }
        self._queue = deque(Job(each) for each in self.records)
        self._found: list[Candidate] = []
        self._keeping = HistoryKeeping(self.records)
        self._running = 0

    def take(self) -> Job | None:
        """The next trial; None if none waits now (one that runs may bring more)."""
        job = self._next()
        while job is None and not self._running and self._queue_guided():
            job = self._next()
        self._running += job is not None
        return job

    def _queue_guided(self) -> bool:
        """Queue the next round of the guide; whether there is any."""
        chosen = self.left()[:ROUND]
        self.records |= {each: CandidateRecord(each) for each in chosen}
        self._queue.extend(map(Job, chosen))
        return bool(chosen)

    def left(self) -> list[Candidate]:
        """What the guide has found that is not a candidate yet."""
        if self.guide is None:
            return []
        guided = [Candidate(targets, Mode.KILL) for targets in self.guide.sets()]
        return [each for each in guided if each.targets and each not in self.records]

    def _next(self) -> Job | None:
        while self._queue:
            job = self._queue.popleft()
            part = self._part_that_fails(job.candidate) if not job.attempt else None
            if part is None:
                return job
            self.records[job.candidate].implied_by = part
        return None

    def tell(self, job: Job, report: TrialReport) -> None:
        """What became of a trial that was taken."""
        self._running -= 1
        record = self.records[job.candidate]
        self._keeping.thin(job.candidate, job.attempt, report)
        record.reports[job.attempt] = report
        if self.guide is not None and job.candidate.mode is Mode.KILL and not report.trouble:
            self.guide.learn(report.supports, job.candidate.targets)
        if job.attempt == 0 and report.broken and not report.trouble:
            retries = range(RETRIES, 0, -1)
            self._queue.extendleft(Job(job.candidate, attempt) for attempt in retries)
        if record.standing is CandidateState.FAILS:
            self._found.append(job.candidate)

    def _part_that_fails(self, candidate: Candidate) -> Candidate | None:
        targets = set(candidate.targets)
        return next(
            (
                found
                for found in self._found
                if found.mode is candidate.mode and targets.issuperset(found.targets)
            ),
            None,
        )
