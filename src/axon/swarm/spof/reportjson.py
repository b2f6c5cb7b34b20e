"""The same as the page, for programs: `report.json` (its fields stand in docs/swarm.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.machine import SECOND
from axon.swarm import blueprintfile
from axon.swarm.blueprint import ComponentClass
from axon.swarm.sightings import over
from axon.swarm.spof.connectivity import connectivity
from axon.swarm.spof.planted import PlantedScore, score_of
from axon.swarm.spof.removal import removal_curves
from axon.swarm.spof.reportfailover import EDGES_S, LABELS, histogram
from axon.swarm.spof.reportlinks import RANDOM_PUBLISHED, TARGETED_PUBLISHED, node_graph
from axon.swarm.spof.reportprediction import compare
from axon.swarm.spof.reportspread import measured
from axon.swarm.spof.reporttrial import replay
from axon.swarm.spof.savedverdict import SavedVerdict
from axon.swarm.spof.search import CandidateRecord
from axon.swarm.spof.spread import PUBLISHED
from axon.swarm.spof.verdict import witness_json
from axon.swarm.trialhistory import TrialHistory
from axon.swarm.trialreport import TrialReport

SCHEMA: Final = "axon swarm report 1"


def report_json(
    verdict: SavedVerdict, source: str, planted: PlantedScore | None = None
) -> dict[str, object]:
    """The whole report.

    Args:
        verdict: what was found.
        source: the name of its file, with which a trial is replayed.
        planted: a score of planted points that was made apart.
    """
    records, sample = verdict.records, verdict.sample
    looked = [run.sometimes for run in _reports(records) if run.sometimes]
    score = score_of(verdict.controls)
    return {
        "schema": SCHEMA,
        "commit": verdict.commit,
        "version": verdict.version,
        "machine": verdict.machine,
        "capabilities": {
            "backend": verdict.backend,
            "harms": list(dict.fromkeys(str(each.candidate.mode) for each in records)),
        },
        "seed": verdict.seed,
        "manifest": _manifest(verdict),
        "network": blueprintfile.to_json(verdict.blueprint),
        "plans": [each.candidate.harm().to_json() for each in verdict.witnesses],
        "trials": [each for record in records for each in _trials(record, verdict)],
        "graph": _graph(verdict),
        "propagation": _propagation(verdict.sound_histories),
        "failover": {
            "edges": list(EDGES_S),
            "labels": list(LABELS),
            "counts": histogram(each for run in _reports(records) for each in run.operations),
        },
        "predicted": [each.to_json() for each in compare(records, verdict.blueprint)],
        "eclipse": None,
        "sometimes": {"runs": len(looked), "reached": over(looked).to_json()},
        "planted": score.to_json() | {"whole": None if planted is None else planted.to_json()},
        "controls": [
            {"about": each.about, "passed": each.passed, "said": each.said}
            for each in verdict.controls
        ],
        "verdict": {
            "level": str(verdict.level),
            "sentence": verdict.sentence,
            "k_exhaustive": verdict.exhaustive,
            "k_sampled": None if sample is None else sample.largest,
            "p95_bound": None if sample is None else round(sample.p95_bound, 4),
            "witnesses": [
                witness_json(each) | {"replay": replay(each, verdict, source)}
                for each in verdict.witnesses
            ],
            "undecided": list(verdict.undecided),
            "exclusions": list(verdict.exclusions),
        },
    }


def _reports(records: Sequence[CandidateRecord]) -> list[TrialReport]:
    return [report for record in records for report in record.reports.values()]


def _manifest(verdict: SavedVerdict) -> list[dict[str, object]]:
    kinds = dict(verdict.blueprint.components())
    kinds |= dict.fromkeys(verdict.blueprint.all_links(), ComponentClass.LINK)
    return [{"name": name, "kind": str(kind)} for name, kind in kinds.items()]


def _trials(record: CandidateRecord, verdict: SavedVerdict) -> list[dict[str, object]]:
    found = []
    for attempt, report in sorted(record.reports.items()):
        shown: dict[str, object] = {
            "set": list(record.candidate.targets),
            "mode": str(record.candidate.mode),
            "standing": str(record.standing),
            "backend": verdict.backend,
            "seed": verdict.seed + attempt,
            "trace_hash": report.digest,
            "invariants": {
                each.name: {
                    "ok": each.holds,
                    "said": each.said,
                    "worst": each.worst,
                    "deadline": each.deadline,
                    "unit": each.unit,
                }
                for each in report.findings
            },
            "ops": _operations(report),
        }
        if report.resources is not None:
            shown["resources"] = report.resources.to_json()
        if report.history is not None:
            shown["history"] = report.history.to_json()
        if report.trouble:
            shown["trouble"] = report.trouble
        found.append(shown)
    return found


def _operations(report: TrialReport) -> dict[str, object]:
    """How many were asked and done, how long they took, and the longest that anybody waited.

    Who was never served waited as long as the trial did; without a history nobody knows how long.
    """
    took = sorted(each.took_us for each in report.operations if each.took_us is not None)
    gap_us: int | None = took[-1] if took else None
    if len(took) < len(report.operations):
        gap_us = None if report.history is None else report.history.heals_at_us
    return {
        "n": len(report.operations),
        "ok": len(took),
        "p50": _rank(took, 50),
        "p99": _rank(took, 99),
        "max_gap": None if gap_us is None else gap_us / SECOND,
    }


def _rank(sorted_us: Sequence[int], percent: int) -> float | None:
    if not sorted_us:
        return None
    return sorted_us[max(0, -(-len(sorted_us) * percent // 100) - 1)] / SECOND


def _graph(verdict: SavedVerdict) -> dict[str, object] | None:
    graph = node_graph(verdict.blueprint, verdict.calm)
    if graph is None:
        return None
    found = connectivity(graph)
    return {
        "links": [list(link) for link in graph.links()],
        "figures": None if found is None else found.to_json(),
        "removal": [each.to_json() for each in removal_curves(graph)],
        "published": {"random": list(RANDOM_PUBLISHED), "targeted": list(TARGETED_PUBLISHED)},
    }


def _propagation(histories: Sequence[TrialHistory]) -> dict[str, object]:
    blocks, transactions = measured(histories)
    return {
        "trials": len(histories),
        "blocks": blocks.to_json(),
        "transactions": transactions.to_json(),
        "published": [each.to_json() for each in PUBLISHED],
    }
