"""Trials whose outcome is known beforehand, in the same run as those that are to be judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from axon.swarm.sim.trialpool import TrialPool
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import PLANTS
from axon.swarm.spof.search import Job, Search
from axon.swarm.spof.verdict import Control, control_of
from axon.swarm.trialreport import TrialReport

NODES: Final = 6
"""Of a network with a single point of failure on purpose: enough to have one, and soon tried."""

_PLANTED: Final = ("star", "one-server", "only-miner", "one-filter-server")
"""Their culprits break the ledger, the service of wallets, growth, and newcomers' start."""


def check_controls(pool: TrialPool) -> Iterator[Control]:
    """A network that is not harmed must hold, and known single points must be found.

    Args:
        pool: with the network that is to be judged.
    """
    yield _control("nothing is harmed", pool, Candidate((), Mode.KILL), fails=False)
    for name in _PLANTED:
        plant = PLANTS[name]
        planted = TrialPool(plant.make(NODES), pool.seed, 1)
        guilty = Candidate((plant.culprit,), Mode.KILL)
        yield _control(f"{guilty} in {name}", planted, guilty, fails=True)


def _control(about: str, pool: TrialPool, candidate: Candidate, *, fails: bool) -> Control:
    """One control; a candidate that fails is believed at the first time here."""
    search, reports = Search([candidate]), list[TrialReport]()

    def told(job: Job, report: TrialReport) -> None:
        if not job.attempt:
            reports.append(report)

    pool.run(search, told, lambda: bool(reports))
    return control_of(about, reports[0], fails=fails)
