"""Verdicts as files hold them, for the tests of those who read them."""

from __future__ import annotations

import json
from typing import Any

from axon.machine import SECOND
from axon.swarm import blueprintfile
from axon.swarm.blueprint import Blueprint
from axon.swarm.invariants import Finding
from axon.swarm.spof.candidates import Candidate
from axon.swarm.spof.plants import organic
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.search import Search
from axon.swarm.spof.verdict import Control, SpofVerdict
from axon.swarm.trialhistory import (
    JUDGE,
    NEMESIS,
    HistoryLine,
    LineType,
    TipSeen,
    TrialHistory,
    TrialPhase,
)
from axon.swarm.trialreport import Operation, Resources, TrialReport


def history(*, fails: bool = False, forks: bool = False) -> TrialHistory:
    """What happened in a trial of n1 to n4 and w1, of which n1 was killed."""
    found = TrialHistory(heals_at_us=40 * SECOND, ends_at_us=90 * SECOND)
    found.add_line(HistoryLine(0, NEMESIS, "kill", LineType.INFO, "n1"))
    for what in ("read", "pay"):
        found.add_line(HistoryLine(1_200, "w1", what, LineType.INVOKE))
    found.add_line(HistoryLine(14 * SECOND, "w1", "read", LineType.OK))
    found.add_line(HistoryLine(20 * SECOND, "w1", "pay", LineType.FAIL, "no node answers"))
    if fails:
        found.add_line(HistoryLine(40 * SECOND, "w1", "pay", LineType.INFO, "it was given up"))
        found.add_line(HistoryLine(40 * SECOND, JUDGE, "L3", LineType.FAIL, "w1 cannot pay"))
    else:
        found.add_line(HistoryLine(30 * SECOND, "w1", "pay", LineType.OK))
    for node in ("n1", "n2", "n3", "n4"):
        found.add_tip(TipSeen(0, node, 112, "0badf00d"))
    found.add_tip(TipSeen(0, "n1", -1, ""))
    for node in ("n2", "n3", "n4"):
        odd = forks and node == "n4"
        found.add_tip(TipSeen(15 * SECOND, node, 113, "0ddba115" if odd else "5ca1ab1e"))
        found.add_tip(TipSeen(50 * SECOND, node, 114, "cafebabe"))
    ring = [("n1", "n2"), ("n2", "n3"), ("n3", "n4"), ("n1", "n4"), ("n2", "w1")]
    found.set_links(TrialPhase.BEFORE, dict.fromkeys(ring))
    found.set_links(TrialPhase.HELD, dict.fromkeys([*ring[1:3], ("n2", "n4"), ring[4]]))
    found.set_links(TrialPhase.HEALED, dict.fromkeys(ring))
    for delay_us in (125_000, 125_000, 400_000):
        found.add_delay(found.block_delays_us, delay_us)
        found.add_delay(found.transaction_delays_us, 10 * delay_us)
    return found


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
        report.history = history(fails=not holds, forks=not holds)
        report.resources = Resources(1.5, 1.25, 80_000)
        report.sometimes = {"tie": int(not holds)}
        search.tell(job, report)
    controls = [
        Control("nothing is harmed", True, "all held", history=history()),
        Control("kill n1 in star", True, "L1 nodes are not on one block", must_fail=True),
    ]
    verdict = SpofVerdict(blueprint, scope, search, controls=controls)
    whole = verdict.to_json() | {
        "backend": "sim",
        "seed": 7,
        "version": "0.1.0",
        "machine": "Linux x86_64, 2 cores",
        "commit": "c0ffee00",
        "network": blueprintfile.to_json(blueprint),
    }
    copied: dict[str, Any] = json.loads(json.dumps(whole))
    return copied
