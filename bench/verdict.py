"""`make spof`: what the search for single points of failure must find, and how long it takes.

Each part in virtual time, two trials at once; the times are of this machine. With `--save` the
score of planted points, and the false alarms of sound networks, are written into a file that
`axon swarm report --planted` shows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Final

from axon.machine import MINUTE
from axon.p2p.connectionsconfig import MAX_FULL_RELAY
from axon.swarm.audit.linkgraph import components
from axon.swarm.blueprint import Blueprint
from axon.swarm.sim.meshing import SEED_NODE, from_one_address, lacking, links
from axon.swarm.sim.trialpool import TrialPool
from axon.swarm.spof.candidates import Candidate
from axon.swarm.spof.planted import PlantedScore
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.search import CandidateState, Search
from axon.swarm.spof.verdict import Level, SpofVerdict

JOBS: Final = 2
SEED: Final = 1

SOUND_LIMIT_S: Final = 900
SUBSETS_LIMIT_S: Final = 600

MESH_NODES: Final = 200
MESH_LIMIT_MINUTES: Final = 30
PER_SEED: Final = 4
"""Candidates drawn for each sound network."""


@dataclass
class Tally:
    """What the parts that were run found of planted points and of sound networks."""

    tried: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def score(self) -> PlantedScore:
        """For a file."""
        about = f"python -m bench.verdict: {'; '.join(self.tried) or 'nothing was tried'}"
        return PlantedScore(about, tuple(self.found), tuple(self.missed), tuple(self.alarms))


def search(blueprint: Blueprint, candidates: Sequence[Candidate], seed: int, jobs: int) -> Search:
    """Carry all out."""
    found = Search(candidates)
    pool = TrialPool(blueprint, seed, jobs)
    assert pool.is_ready, f"{blueprint.name} with seed {seed} does not come to work"
    pool.run(found, lambda _job, _report: None, lambda: False)
    return found


def sound(reach: Reach, limit_s: int) -> bool:
    """Ten nodes, three wallets, two miners: none is found, in time."""
    blueprint, scope = organic(10, 3, 2), Scope(reach)
    begin = perf_counter()
    candidates = scope.candidates(blueprint)
    verdict = SpofVerdict(blueprint, scope, search(blueprint, candidates, SEED, JOBS))
    took_s = perf_counter() - begin
    print(f"  {len(candidates):,} candidates in {took_s:.0f} s (at most {limit_s}): ", end="")
    print(verdict.sentence())
    for each in (*verdict.witnesses, *verdict.open):
        print(f"    {each.candidate}: {each.standing}")
    return verdict.level is Level.SWARM and took_s <= limit_s


def planted(nodes: int, tally: Tally) -> bool:
    """Each planted point is found and no other is."""
    good = 0
    tally.tried.append(f"{len(PLANTS)} networks of {nodes} nodes, each harm, seed {SEED}")
    for name, plant in PLANTS.items():
        begin = perf_counter()
        blueprint = plant.make(nodes)
        candidates = Scope(Reach.ONE).candidates(blueprint)
        records = search(blueprint, candidates, SEED, JOBS).records.values()
        failing = [each for each in records if each.standing is not CandidateState.HOLDS]
        named = dict.fromkeys(target for each in failing for target in each.candidate.targets)
        is_right = list(named) == [plant.culprit]
        (tally.found if plant.culprit in named else tally.missed).append(name)
        tally.alarms += [f"{other} in {name}" for other in named if other != plant.culprit]
        good += is_right
        modes = ", ".join(str(each.candidate.mode) for each in failing)
        took_s = perf_counter() - begin
        print(f"  {plant.number:>2} {name:<18} {plant.culprit} is to be named; ", end="")
        print(f"{' '.join(named) or 'nobody'} by {modes or 'nothing'} of {len(records)}", end="")
        print(f" ({took_s:.0f} s){'' if is_right else '  WRONG'}", flush=True)
    print(f"  {good} of {len(PLANTS)} named, and no other")
    return good == len(PLANTS)


def drawn(seed: int) -> list[str]:
    """The false alarms of one sound network: its size and what is tried are drawn."""
    rng = Random(f"a sound network|{seed}")
    blueprint = organic(rng.randint(4, 12), rng.randint(1, 4), rng.randint(2, 3))
    candidates = Scope(Reach.TWO).candidates(blueprint)
    chosen = [candidates[rng.randrange(len(candidates))] for _ in range(PER_SEED)]
    records = search(blueprint, chosen, seed, 1).records.values()
    return [
        f"seed {seed}, {len(blueprint.nodes)} nodes: {each.candidate} is {each.standing}"
        for each in records
        if each.standing is not CandidateState.HOLDS
    ]


def seeds(first: int, last: int, tally: Tally) -> bool:
    """Sound networks, one a seed: no alarm."""
    begin, alarms = perf_counter(), list[str]()
    with ProcessPoolExecutor(JOBS) as executor:
        for found in executor.map(drawn, range(first, last + 1), chunksize=4):
            for alarm in found:
                print(f"  {alarm}", flush=True)
            alarms += found
    count = last - first + 1
    tally.tried.append(f"{count:,} sound networks, {PER_SEED} harms each")
    tally.alarms += alarms
    print(f"  {count:,} networks, {count * PER_SEED:,} harms, {len(alarms)} false alarms", end="")
    print(f" ({perf_counter() - begin:.0f} s)")
    return not alarms


def mesh(nodes: int = MESH_NODES) -> bool:
    """Nodes that know one address find each other, and then do not need the one that has it."""
    began = process_time()
    network = from_one_address(SEED, nodes)
    minutes, few = 0, lacking(network, MAX_FULL_RELAY)
    while minutes < MESH_LIMIT_MINUTES and few:
        network.run(MINUTE)
        minutes, few = minutes + 1, lacking(network, MAX_FULL_RELAY)
    whole = len(components(links(network)))
    network.crash(SEED_NODE)
    without = len(components(links(network)))
    print(
        f"  {nodes} nodes that knew one address: {len(few)} have less than "
        f"{MAX_FULL_RELAY} outbound after {minutes} virtual minutes; parts: {whole}, {without} "
        f"when its node is killed; {network.simulation.trace.events:,} events, "
        f"{process_time() - began:.0f} s of a processor",
        flush=True,
    )
    return not few and whole == without == 1


def main(arguments: Sequence[str]) -> int:
    """Run the parts that are named; all if none is."""
    tally = Tally()
    parts: dict[str, Callable[[], bool]] = {
        "sound": lambda: sound(Reach.TWO, SOUND_LIMIT_S),
        "subsets": lambda: sound(Reach.SUBSETS, SUBSETS_LIMIT_S),
        "mesh": mesh,
        "planted": lambda: planted(6, tally),
        "seeds": lambda: seeds(options.seeds[0], options.seeds[1], tally),
    }
    options = _options(arguments, tuple(parts))
    good = True
    for name in options.parts or parts:
        print(f"{name}:", flush=True)
        good = parts[name]() and good
    if options.save is not None:
        options.save.write_text(json.dumps(tally.score().to_json(), indent=2) + "\n")
    return 0 if good else 1


def _options(arguments: Sequence[str], parts: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.verdict", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument(
        "--seeds", type=_seeds, default=(0, 99), metavar="FIRST..LAST", help="those of seeds"
    )
    parser.add_argument("--save", type=Path, metavar="FILE", help="the score, for a report")
    options = parser.parse_args(arguments)
    if unknown := [each for each in options.parts if each not in parts]:
        parser.error(f"no part is named {unknown[0]}: {', '.join(parts)}")
    return options


def _seeds(text: str) -> tuple[int, int]:
    first, _, last = text.partition("..")
    return int(first), int(last or first)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
