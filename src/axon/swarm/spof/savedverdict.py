"""A verdict that was saved, read again; perhaps a stranger wrote it, so nothing is taken on trust.

What a verdict says is held against its own trials: a file whose word denies what its trials show is
none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from axon.errors import ConfigError
from axon.machine import SECOND
from axon.swarm import blueprintfile
from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import FaultPlan
from axon.swarm.invariants import TITLES, Finding
from axon.swarm.sightings import SIGHTS
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.savedfields import (
    backend_of,
    count_of,
    flag_of,
    list_of,
    number_of,
    read_bounded,
    text_of,
    whole_of,
)
from axon.swarm.spof.savedhistory import history_of, resources_of
from axon.swarm.spof.search import CandidateRecord, CandidateState
from axon.swarm.spof.setsample import SetSample
from axon.swarm.spof.verdict import SCHEMA, Control, Level
from axon.swarm.trialhistory import TrialHistory
from axon.swarm.trialreport import Operation, TrialReport

MAX_VERDICT_BYTES: Final = 64 << 20
"""Of a file: all subsets of ten nodes take a tenth of it."""


@dataclass(frozen=True, slots=True)
class SavedVerdict:
    """What a file says of a network.

    Args:
        level: the word.
        sentence: the verdict in words.
        exhaustive: all sets of so many nodes were killed, and nothing failed.
        counts: how many candidates stand how.
        undecided: candidates of which nothing can be said.
        exclusions: what was left out.
        controls: trials whose outcome was known beforehand.
        records: of all candidates that were tried.
        blueprint: of the network.
        backend: where the trials ran.
        seed: of all chance.
        version: of the program that tried; empty if the file does not say.
        machine: on which it ran; empty if the file does not say.
        commit: of that program's source; empty if the file does not say.
        sample: what sets showed that were drawn; None if none were.
    """

    level: Level
    sentence: str
    exhaustive: int
    counts: Mapping[str, int]
    undecided: tuple[str, ...]
    exclusions: tuple[str, ...]
    controls: tuple[Control, ...]
    records: tuple[CandidateRecord, ...]
    blueprint: Blueprint
    backend: str
    seed: int
    version: str = ""
    machine: str = ""
    commit: str = ""
    sample: SetSample | None = None

    @property
    def witnesses(self) -> list[CandidateRecord]:
        """Those that failed each time, the smallest first."""
        return _failing(self.records)

    @property
    def calm(self) -> TrialHistory | None:
        """What happened where nothing was harmed; None if the file does not say."""
        return next((each.history for each in self.controls if each.history is not None), None)

    @property
    def sound_histories(self) -> list[TrialHistory]:
        """Of the trials that hold, as far as they were kept; the one without harm first."""
        found = [] if self.calm is None else [self.calm]
        reports = [report for each in self.records for report in each.reports.values()]
        return found + [
            each.history for each in reports if each.history is not None and not each.broken
        ]


def read_verdict(text: str) -> SavedVerdict:
    """From the text of a file.

    Raises:
        ConfigError: it is no verdict, or it denies itself; the text says what was expected.
    """
    data = _object(text)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ConfigError(
            f"expected an object with the schema {SCHEMA!r}, as axon swarm spof --save writes it"
        )
    try:
        verdict = _verdict(data)
    except ConfigError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"this is no verdict: {error!r:.200}") from None
    _check_consistent(verdict)
    return verdict


def read_file(path: Path) -> SavedVerdict:
    """From a file, no further than it may be long.

    Raises:
        ConfigError: it cannot be read, or as `read_verdict`; the text names it.
    """
    return read_bounded(path, MAX_VERDICT_BYTES, read_verdict)


def read_network(text: str) -> Blueprint:
    """A network, from the text of its own file or of a verdict on it.

    Raises:
        ConfigError: it is neither.
    """
    if len(text) > blueprintfile.MAX_BYTES or SCHEMA not in text:
        return blueprintfile.read(text)
    data = _object(text)
    is_verdict = isinstance(data, dict) and data.get("schema") == SCHEMA
    return blueprintfile.from_json(data.get("network") if is_verdict else data)


def _object(text: str) -> Any:
    if len(text) > MAX_VERDICT_BYTES:
        raise ConfigError(f"a verdict has at most {MAX_VERDICT_BYTES >> 20} MiB")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"a verdict is JSON, and this is not: {error!s:.200}") from None


def _verdict(data: Mapping[str, Any]) -> SavedVerdict:
    blueprint = blueprintfile.from_json(data["network"])
    known = frozenset((*blueprint.components(), *blueprint.all_links()))
    return SavedVerdict(
        Level(data["level"]),
        text_of(data["sentence"]),
        count_of(data["k_exhaustive"]),
        {str(CandidateState(word)): count_of(count) for word, count in data["counts"].items()},
        tuple(text_of(each) for each in list_of(data["undecided"])),
        tuple(text_of(each) for each in list_of(data["exclusions"])),
        tuple(_control(each) for each in list_of(data["controls"])),
        tuple(_record(each, known) for each in list_of(data["trials"])),
        blueprint,
        backend_of(data["backend"]),
        whole_of(data["seed"]),
        text_of(data.get("version", "")),
        text_of(data.get("machine", "")),
        text_of(data.get("commit", "")),
        _sample(data.get("sampled"), len(blueprint.nodes)),
    )


def _sample(data: Mapping[str, Any] | None, nodes: int) -> SetSample | None:
    if data is None:
        return None
    smallest, largest = (count_of(each) for each in list_of(data["sizes"]))
    sample = SetSample(nodes, smallest, largest, count_of(data["drawn"]), count_of(data["failed"]))
    if not (1 <= smallest <= largest < nodes and sample.failed <= sample.drawn):
        raise ConfigError(f"of {nodes} nodes no such sets are drawn: {data!r:.100}")
    return sample


def _control(data: Mapping[str, Any]) -> Control:
    return Control(
        text_of(data["about"]),
        flag_of(data["passed"]),
        text_of(data["said"]),
        flag_of(data.get("must_fail", False)),
        history_of(data["history"]) if "history" in data else None,
    )


def _record(data: Mapping[str, Any], known: frozenset[str]) -> CandidateRecord:
    targets = tuple(text_of(each) for each in list_of(data["targets"]))
    unknown = next((name for name in targets if name not in known), None)
    if unknown is not None or not targets:
        raise ConfigError(f"a trial harms {unknown!r:.80}, which this network does not have")
    candidate = Candidate(targets, Mode(data["mode"]))
    attempts = enumerate(_report(each) for each in list_of(data["attempts"]))
    record = CandidateRecord(candidate, dict(attempts))
    if record.standing != data["standing"]:
        said = f"{data['standing']!r:.20}, and its trials say {str(record.standing)!r}"
        raise ConfigError(
            f"this verdict denies itself: {str(candidate)!r:.80} is said to be {said}"
        )
    return record


def _report(data: Mapping[str, Any]) -> TrialReport:
    return TrialReport(
        FaultPlan.from_json(data["harm"]),
        FaultPlan.from_json(data["healing"]),
        [_finding(name, each) for name, each in data["invariants"].items()],
        [_operation(each) for each in list_of(data["operations"])],
        text_of(data["digest"]),
        [text_of(each) for each in list_of(data["notes"])],
        text_of(data["trouble"]),
        {_sight(name): count_of(times) for name, times in data.get("sometimes", {}).items()},
        history_of(data["history"]) if "history" in data else None,
        resources_of(data["resources"]) if "resources" in data else None,
    )


def _sight(name: str) -> str:
    if name not in SIGHTS:
        raise ConfigError(f"there is no state {name!r:.80} that is looked for")
    return name


def _finding(name: str, data: Mapping[str, Any]) -> Finding:
    if name not in TITLES:
        raise ConfigError(f"there is no invariant {name!r:.80}")
    holds = None if data["ok"] is None else flag_of(data["ok"])
    worst, deadline = number_of(data["worst"]), number_of(data["deadline"])
    if holds and worst is not None and deadline is not None and worst > deadline:
        raise ConfigError(f"this verdict denies itself: {name} holds, and is beyond its deadline")
    culprits = tuple(text_of(each) for each in list_of(data["culprits"]))
    said, unit, tried = text_of(data["said"]), text_of(data["unit"]), count_of(data["tried"])
    return Finding(name, holds, said, worst, deadline, unit, culprits, tried)


def _operation(data: Mapping[str, Any]) -> Operation:
    took_s = number_of(data["took"])
    took_us = None if took_s is None else round(took_s * SECOND)
    hung_on = tuple(text_of(each) for each in list_of(data.get("hung_on", [])))
    return Operation(text_of(data["client"]), text_of(data["what"]), took_us, hung_on)


def _check_consistent(verdict: SavedVerdict) -> None:
    """Whether the word follows from the trials; one that is open denies nothing."""
    failing = [len(each.candidate.targets) for each in verdict.witnesses]
    smallest = min(failing, default=0)
    is_judged = all(each.passed for each in verdict.controls)
    follows = {
        Level.FOUND: is_judged and smallest == 1,
        Level.WEAK: is_judged and smallest > 1,
        Level.NONE: is_judged and not smallest,
        Level.SWARM: is_judged and not smallest,
        Level.OPEN: True,
    }
    sample = verdict.sample
    if sample is not None:
        held = [each.candidate for each in verdict.records if each.standing == CandidateState.HOLDS]
        sizes = [len(each.targets) for each in held if each.mode is Mode.KILL]
        in_sample = sum(1 for size in sizes if sample.smallest <= size <= sample.largest)
        if not sample.drawn or in_sample != sample.drawn - sample.failed:
            raise ConfigError(
                f"this verdict denies itself: {in_sample} drawn sets hold by its trials, and not "
                f"{sample.drawn - sample.failed}"
            )
    if not follows[verdict.level]:
        raise ConfigError(
            f"this verdict denies itself: it says {verdict.level}, and its own trials and "
            "controls do not"
        )


def _failing(records: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    failing = [each for each in records if each.standing is CandidateState.FAILS]
    return sorted(failing, key=lambda each: len(each.candidate.targets))
