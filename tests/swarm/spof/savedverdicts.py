"""Verdicts as files hold them, for the tests of those who read them."""

from __future__ import annotations

import json
from typing import Any

from axon.swarm import blueprintfile
from axon.swarm.blueprint import Blueprint
from axon.swarm.invariants import Finding
from axon.swarm.spof.candidates import Candidate
from axon.swarm.spof.plants import organic
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.search import Search
from axon.swarm.spof.verdict import Control, SpofVerdict
from axon.swarm.trialreport import Operation, TrialReport


def saved(
    *failing: Candidate, network: Blueprint | None = None, reach: Reach = Reach.TWO
) -> dict[str, Any]:
    """A verdict after a search in which some candidates fail."""
    blueprint = network or organic(4)
    scope = Scope(reach)
    search = Search(scope.candidates(blueprint))
    while (job := search.take()) is not None:
        holds = job.candidate not in failing
        findings = [
            Finding("L1", True, "after 30 s", 30.5, 2_400),
            Finding("L3", holds, "after 12 s" if holds else "w1 cannot pay", 12.0, 1_200),
        ]
        asked = [Operation("w1", "pay", 12_000_000 if holds else None)]
        report = TrialReport(
            job.candidate.harm(), job.candidate.healing(), findings, asked, "0badf00d"
        )
        search.tell(job, report)
    controls = [Control("nothing is harmed", True, "all held")]
    verdict = SpofVerdict(blueprint, scope, search, controls=controls)
    whole = verdict.to_json() | {
        "backend": "sim",
        "seed": 7,
        "version": "0.1.0",
        "machine": "Linux x86_64, 2 cores",
        "network": blueprintfile.to_json(blueprint),
    }
    copied: dict[str, Any] = json.loads(json.dumps(whole))
    return copied
