"""How often an attacker is all that a node dials, beside what the address table should make of it.

    python -m bench.eclipse [--seeds A..B] [--jobs N] [CASE ...]

A node of real code in virtual time, whose address table holds a share of her addresses; all that it
dials answer. Each case is one property of the table, with a chance that `docs/threats.md` derives
and `bench/eclipseodds` computes. It holds if that chance is inside the exact 95 % interval of what
was counted over all seeds. Exit code 1 if one does not hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final

from axon.cli.arguments import positive, seed_range
from axon.machine import HOUR, MINUTE, SECOND
from axon.node.settings import NodeSettings
from axon.p2p.autodial import EXTRA_BLOCK_RELAY_INTERVAL, FEELER_INTERVAL
from axon.p2p.connectionsconfig import MAX_BLOCK_RELAY, MAX_FULL_RELAY
from axon.p2p.peersfile import MAX_ANCHORS
from axon.primitives.netaddress import NetAddress
from axon.swarm.sim.simulation import PORT
from bench import eclipseodds as odds
from bench.lonenode import LoneNode
from bench.proportion import interval
from bench.table import Row

SEEDS: Final = range(1_000)

ALL: Final = MAX_FULL_RELAY + MAX_BLOCK_RELAY

PATIENCE: Final = 3 * MINUTE
"""In which a node that starts has dialled all whom it wants."""

DOWN: Final = 15 * MINUTE
"""Longer than addresses that were dialled lately are passed over."""

BLOCKS_EVERY: Final = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Case:
    """What a node knows when it starts.

    Args:
        name: of the property that it shows.
        dials: outbound connections.
        new: addresses that it was told of, hers and honest ones.
        predicted: the chance that all whom it dials are hers.
        tried: addresses that answered before, hers and honest ones.
        groups: netgroups of hers; 0 for as many as addresses.
        sources: netgroups that told of hers; 0 for each of itself, as honest ones do.
        gone: chance that an anchor, of which it has two honest ones, is gone; 1.0 for no anchors.
        hours: so long it runs and takes feelers out, before it is started again.
    """

    name: str
    dials: int
    new: tuple[int, int]
    predicted: float
    tried: tuple[int, int] = (0, 0)
    groups: int = 0
    sources: int = 0
    gone: float = 1.0
    hours: int = 0


def plain(dials: int, hers: int, honest: int) -> Case:
    """One table, all in netgroups of their own, each of which told of itself."""
    chance = odds.two_tables(dials, (hers, honest))
    return Case(f"one table, q {hers / (hers + honest):.2f}", dials, (hers, honest), chance)


def promoted(hours: int, dials: int) -> tuple[float, float]:
    """How many new addresses become tried: at once, and in so many hours as a mean.

    A feeler goes out every two minutes and draws of the new ones, a further peer for blocks alone
    every five, of both tables.
    """
    each_s = SECOND / FEELER_INTERVAL + 0.5 * SECOND / EXTRA_BLOCK_RELAY_INTERVAL
    return 0.5 * dials, each_s * hours * HOUR / SECOND


_MIXED: Final = ((280, 20), (120, 80))
_FEELERS: Final = ((270, 30), 15, 2)

CASES: Final[tuple[Case, ...]] = (
    plain(4, 200, 200),
    plain(8, 280, 120),
    plain(ALL, 320, 80),
    Case("tried and new", ALL, _MIXED[0], odds.two_tables(ALL, *_MIXED), _MIXED[1]),
    Case(
        "few netgroups", ALL, (450, 50), odds.few_groups(ALL, 450, 50, 15), groups=15, sources=450
    ),
    Case("each tells of itself", ALL, (450, 20), odds.one_bucket_each(ALL, 450, 20, 60), groups=60),
    Case("few sources", 4, (3_000, 600), odds.few_sources(4, 3_000, 600, 8), sources=8),
    Case("anchors", ALL, (380, 20), odds.with_anchors(ALL, 380, 20, 0.5), gone=0.5),
    Case(
        "feelers",
        ALL,
        _FEELERS[0],
        odds.after_feelers(ALL, _FEELERS[0], _FEELERS[1], *promoted(_FEELERS[2], ALL)),
        (0, _FEELERS[1]),
        hours=_FEELERS[2],
    ),
)


@cache
def _address(host: str) -> NetAddress:
    return NetAddress.from_text(host, PORT)


def _hers(case: Case, number: int) -> NetAddress:
    group = number % (case.groups or case.new[0] + case.tried[0])
    return _address(f"{41 + group // 250}.{1 + group % 250}.{number // 250}.{1 + number % 250}")


def _honest(number: int) -> NetAddress:
    return _address(f"{71 + number // 250}.{1 + number % 250}.1.1")


class _World:
    """One node, and two crowds: hers, and all others."""

    def __init__(self, case: Case, seed: int) -> None:
        self._case = case
        new, tried = case.new, case.tried
        hers = [_hers(case, number) for number in range(new[0] + tried[0])]
        honest = [_honest(number) for number in range(new[1] + tried[1])]
        anchors = [_honest(number) for number in range(len(honest), len(honest) + MAX_ANCHORS)]
        self._anchors = tuple(anchors) if case.gone < 1 else ()
        self._hosts = frozenset(each.to_text() for each in hers)
        self.node = LoneNode(seed, self._settings, has_blocks=case.hours > 0)
        if not case.hours:
            self.node.chain.clear()  # There is nothing to fetch.
        rng = self.node.net.simulation.random("anchors")
        self.node.add_crowd("hers", hers)
        left = [each for each in anchors if rng.random() >= case.gone]
        self.node.add_crowd("honest", [*honest, *left])
        self._tell(hers[: new[0]], honest[: new[1]])
        self.node.meet([*hers[new[0] :], *honest[new[1] :]])

    def _settings(self, usual: NodeSettings) -> NodeSettings:
        connections = replace(
            usual.connections, max_connections=self._case.dials, anchors=self._anchors
        )
        return replace(usual, connections=connections)

    def _tell(self, hers: Sequence[NetAddress], honest: Sequence[NetAddress]) -> None:
        """Each address is told of by itself, or hers by a few sources; in any order."""
        told = [(each, each) for each in honest]
        sources = [
            _address(f"{131 + n // 250}.{1 + n % 250}.1.1") for n in range(self._case.sources)
        ]
        told += [
            (each, sources[n * len(sources) // len(hers)] if sources else each)
            for n, each in enumerate(hers)
        ]
        self.node.net.simulation.random("telling").shuffle(told)
        for address, source in told:
            self.node.tell([address], source)

    def pass_hours(self) -> None:
        """Let it take out feelers for some hours, then kill it and start it again."""
        self.node.pass_time(self._case.hours * HOUR, BLOCKS_EVERY)
        self.node.start_again(DOWN)

    def is_hers_alone(self) -> bool:
        """Whether all whom it dials are hers, once it has dialled all whom it wants."""
        took = self.node.wait_for_peers(self._case.dials, PATIENCE)
        assert took is not None, f"{len(self.node.peers())} of {self._case.dials} peers"
        return all(each in self._hosts for each in self.node.peers())


def is_alone(seed: int, case: Case) -> bool:
    """Start one node; whether all whom it dials are hers."""
    world = _World(case, seed)
    if case.hours:
        world.pass_hours()
    return world.is_hers_alone()


@dataclass(frozen=True, slots=True)
class Counted:
    """What was seen of one case.

    Args:
        case: which.
        alone: in so many runs all whom the node dialled were hers.
        runs: one for each seed.
    """

    case: Case
    alone: int
    runs: int

    @property
    def holds(self) -> bool:
        """Whether the derived chance is inside the interval of what was counted."""
        low, high = interval(self.alone, self.runs)
        return low <= self.case.predicted <= high

    def sentence(self) -> str:
        """For a note."""
        low, high = interval(self.alone, self.runs)
        return (
            f"{self.case.name}, {self.case.dials} dialled: {self.alone} of {self.runs:,}, which is "
            f"{low:.4f} to {high:.4f}; derived: {self.case.predicted:.4f}"
        )

    def line(self) -> str:
        """A line of the table."""
        low, high = interval(self.alone, self.runs)
        return (
            f"{self.case.name:<22}{self.case.dials:>6}{self.case.predicted:>10.4f}"
            f"{self.alone:>8} of {self.runs}  {low:.4f} to {high:.4f}  "
            f"{'yes' if self.holds else 'NO'}"
        )


_HEAD: Final = f"{'case':<22}{'dials':>6}{'derived':>10}{'counted':>16}  95 % interval    holds"


def count(cases: Sequence[Case], seeds: range, jobs: int = 1) -> Iterator[Counted]:
    """Run each case with each seed."""
    if jobs == 1:
        for case in cases:
            yield Counted(case, sum(is_alone(seed, case) for seed in seeds), len(seeds))
        return
    with ProcessPoolExecutor(jobs) as pool:
        for case in cases:
            found = pool.map(partial(is_alone, case=case), seeds, chunksize=10)
            yield Counted(case, sum(found), len(seeds))


def measure(cases: Sequence[Case] = CASES, seeds: range = SEEDS) -> Row:
    """The row."""
    found = list(count(cases, seeds))
    inside = sum(each.holds for each in found)
    return Row(
        f"eclipse: all that a node dials are an attacker's, {len(seeds):,} seeds",
        f"{inside} of {len(found)} cases as derived",
        "inside the exact 95 % interval",
        inside == len(found),
        [each.sentence() for each in found],
    )


def main(arguments: list[str]) -> int:
    """Count, print, and say by the exit code whether all cases are as derived."""
    parser = argparse.ArgumentParser(prog="python -m bench.eclipse")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="a part of a name; default all")
    parser.add_argument("--seeds", type=seed_range, default=SEEDS, metavar="A..B")
    parser.add_argument("-j", "--jobs", type=positive, default=1, metavar="N", help="processes")
    options = parser.parse_args(arguments)
    cases = [
        case
        for case in CASES
        if not options.cases or any(each in case.name for each in options.cases)
    ]
    print(_HEAD, flush=True)
    holds = True
    for found in count(cases, options.seeds, options.jobs):
        holds = holds and found.holds
        print(found.line(), flush=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
