"""Trials whose outcome is known beforehand, in the same run as those that are to be judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from axon.swarm.sim.trialpool import TrialPool
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import PLANTS
from axon.swarm.spof.search import Job, Search
from axon.swarm.spof.verdict import Control, control_of, control_without_nodes
from axon.swarm.trialreport import TrialReport

NODES: Final = 6
"""Of a network with a single point of failure on purpose: enough to have one, and soon tried."""

_PLANTED: Final = ("star", "one-server", "only-miner", "one-filter-server")
"""Their culprits break the ledger, the service of wallets, growth, and newcomers' start."""

_PAYING: Final = "one-payee"
"""Its culprit breaks direct payments, where wallets of the network that is judged make some."""


def check_controls(pool: TrialPool) -> Iterator[Control]:
    """A network that is not harmed must hold, and known single points must be found.

    Args:
        pool: with the network that is to be judged.
    """
    yield control_of("nothing is harmed", _tried(pool, Candidate((), Mode.KILL)), fails=False)
    names = tuple(node.name for node in pool.blueprint.nodes)
    if pool.blueprint.payees:
        yield control_without_nodes(_tried(pool, Candidate(names, Mode.KILL)))
    for name in (*_PLANTED, *((_PAYING,) if pool.blueprint.payees else ())):
        plant = PLANTS[name]
        planted = TrialPool(plant.make(NODES), pool.seed, 1)
        guilty = Candidate((plant.culprit,), Mode.KILL)
        yield control_of(f"{guilty} in {name}", _tried(planted, guilty), fails=True)


def _tried(pool: TrialPool, candidate: Candidate) -> TrialReport:
    """One trial of a control; a candidate that fails is believed at the first time here."""
    search, reports = Search([candidate]), list[TrialReport]()

    def told(job: Job, report: TrialReport) -> None:
        if not job.attempt:
            reports.append(report)

    pool.run(search, told, lambda: bool(reports))
    return reports[0]
