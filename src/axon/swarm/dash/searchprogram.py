"""A search for single points of failure as a program of its own, which says a line for each trial.

It reads a network (JSON) and says JSON, a value in a line: `{"control": ...}`, `{"trial": ...}`,
and at the end `{"verdict": ...}`. Each component is killed, and all nodes but each one. The page's
program has threads, and trials run in forks: so it does not do this itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Final

from axon.swarm import blueprintfile
from axon.swarm.blueprint import Blueprint
from axon.swarm.sim.trialcontrols import check_controls
from axon.swarm.sim.trialpool import Told, TrialPool
from axon.swarm.spof.candidates import Mode
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.search import Job, Search
from axon.swarm.spof.verdict import SpofVerdict
from axon.swarm.trialreport import TrialReport

SCOPE: Final = Scope(Reach.ALL_BUT_ONE, None, frozenset((Mode.KILL,)))


def main(arguments: Sequence[str]) -> int:
    """Search, with chance from a seed."""
    (seed,) = arguments
    search(blueprintfile.read(sys.stdin.read()), int(seed))
    return 0


def search(blueprint: Blueprint, seed: int) -> None:
    """Search, and say what comes of it."""
    verdict = SpofVerdict(blueprint, SCOPE, Search(SCOPE.candidates(blueprint)))
    pool = TrialPool(blueprint, seed, os.cpu_count() or 1)
    if pool.is_ready:
        for control in check_controls(pool):
            verdict.controls.append(control)
            _say(control={"about": control.about, "passed": control.passed})
        pool.run(verdict.search, _teller(verdict.search), lambda: False)
    else:
        verdict.trouble = "the network does not come to work before anything is harmed"
    _say(verdict={"level": str(verdict.level), "sentence": verdict.sentence()})


def _teller(search: Search) -> Told:
    """Says how a candidate stands after each of its trials."""

    def told(job: Job, _report: TrialReport) -> None:
        targets, mode = job.candidate.targets, str(job.candidate.mode)
        standing = str(search.records[job.candidate].standing)
        _say(trial={"targets": targets, "mode": mode, "standing": standing})

    return told


def _say(**told: object) -> None:
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
