"""A search with processes: one trial after another, on one network, and the controls before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

from axon.swarm.blueprint import Blueprint
from axon.swarm.invariants import counted
from axon.swarm.lab.manifest import BackendName
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.trials.backend import NotPossible, check_plan
from axon.swarm.lab.trials.labtrials import LabTrials
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import PLANTS
from axon.swarm.spof.search import Job, Search
from axon.swarm.spof.verdict import Control, control_of, control_without_nodes
from axon.swarm.trialreport import TrialReport

NODES: Final = 4
"""Of a network with a single point of failure on purpose."""

_PLANTED: Final = ("one-server", "only-miner")
"""Their culprits break the service of wallets, and growth; each takes half a minute to try."""

_PAYING: Final = "one-payee"
"""Its culprit breaks direct payments, where wallets of the network that is judged make some."""

CALM: Final = Candidate((), Mode.KILL)


def possible(
    blueprint: Blueprint, candidates: Sequence[Candidate], backend: BackendName
) -> tuple[list[Candidate], list[str]]:
    """What processes on this machine can suffer, and of what is left out how much, and why."""
    can, left_out = list[Candidate](), dict[str, int]()
    for candidate in candidates:
        try:
            check_plan(blueprint, candidate.harm(), backend)
        except NotPossible as refusal:
            why = f"{candidate.mode}: {str(refusal).rpartition(': ')[2]}"
            left_out[why] = left_out.get(why, 0) + 1
        else:
            can.append(candidate)
    return can, [f"{counted(count, 'harm')} by {why}" for why, count in left_out.items()]


async def run_search(
    trials: LabTrials,
    search: Search,
    told: Callable[[Job, TrialReport], None],
    is_time_up: Callable[[], bool],
) -> None:
    """Carry trials out until none is left, or time is up.

    Args:
        trials: on the network that is to be judged.
        search: says what to try.
        told: hears of each trial.
        is_time_up: no trial begins once this says so.
    """
    while not is_time_up():
        job = search.take()
        if job is None:
            return
        report = await trials.attempt(job.candidate)
        search.tell(job, report)
        told(job, report)


async def check_controls(
    trials: LabTrials, seed: int, folder: Path, registry: RunRegistry, backend: BackendName
) -> AsyncIterator[Control]:
    """A network that is not harmed must hold, and known single points must be found.

    Args:
        trials: on the network that is to be judged.
        seed: of the planted ones.
        folder: below which they are raised.
        registry: of the user's runs.
        backend: where they are raised; their nodes are axon's, whose clocks can hurry.
    """
    yield control_of("nothing is harmed", await trials.attempt(CALM), fails=False)
    names = tuple(node.name for node in trials.blueprint.nodes)
    if trials.blueprint.payees:
        yield control_without_nodes(await trials.attempt(Candidate(names, Mode.KILL)))
    for name in (*_PLANTED, *((_PAYING,) if trials.blueprint.payees else ())):
        plant = PLANTS[name]
        guilty = Candidate((plant.culprit,), Mode.KILL)
        blueprint = plant.make(NODES)
        async with LabTrials(blueprint, seed, folder / name, registry, backend) as planted:
            report = await planted.attempt(guilty)
        yield control_of(f"{guilty} in {name}", report, fails=True)
