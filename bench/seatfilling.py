"""One operator has 13.1 % of all reachable nodes and fills seats of the others: 2026, at 1:10.

    python -m bench.seatfilling [--seeds A..B] [--established A..B] [--jobs N]

Of 23,150 reachable nodes 3,040 were one operator's, and held 80,526 connections to the others. Here
they are 304 of 2,315, and 8,053, enough to take every seat of 42 nodes, which turn all others away.

- *Newcomers* with an empty disk ask DNS seeds, who cannot tell whose a node is, and dial ten. How
  many of these are hers is drawn as from an urn (`docs/threats.md`); and the time until all ten are
  there is compared with that of the same seed without the attack. Where hers tell of hers alone, in
  place of any, it is more of them.
- *An established node* has 189 seats, in thirty of which honest peers sit. All her hosts dial it
  for an hour, and tell it of hers alone. It keeps what it knows and its honest peers; then it is
  killed and started again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import comb
from typing import Final

from axon.cli.arguments import positive, seed_range
from axon.drivers.sim.network import stream
from axon.machine import HOUR, MINUTE, Disconnect, Effect, Event, Instant, Opened
from axon.p2p.connectionsconfig import (
    DEFAULT_MAX_CONNECTIONS,
    MAX_BLOCK_RELAY,
    MAX_FEELERS,
    MAX_FULL_RELAY,
)
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.requests import endpoint_of
from axon.primitives.netaddress import NetAddress
from axon.primitives.network import REGTEST
from axon.swarm.sim.crowd import Crowd, Dialling, DiallingProgram
from axon.wire.messages.addresses import MAX_ADDRESSES
from bench.eclipseodds import poisoned_newcomer, two_tables
from bench.lonenode import (
    DNS_SEEDS,
    NODE,
    TOLD_BY_SEED,
    LoneNode,
    address,
    asks_seeds,
    median_s,
)
from bench.proportion import interval
from bench.table import Row

REACHABLE: Final = 2_315
HERS: Final = 304
HONEST: Final = REACHABLE - HERS
CONNECTIONS: Final = 8_053
SEATS: Final = DEFAULT_MAX_CONNECTIONS - MAX_FULL_RELAY - MAX_BLOCK_RELAY - MAX_FEELERS
FILLED: Final = CONNECTIONS // SEATS
"""Nodes all of whose seats are hers."""

DIALS: Final = MAX_FULL_RELAY + MAX_BLOCK_RELAY

SEEDS: Final = range(300)
ESTABLISHED_SEEDS: Final = range(10)

POISONED: Final = poisoned_newcomer(DIALS, HERS / REACHABLE, len(DNS_SEEDS), TOLD_BY_SEED)
"""The chance that all whom a newcomer dials are hers, where hers tell of hers alone."""

SLOWER: Final = 2.0
"""At most so many times as long a cold start may take."""

KEPT_PERCENT: Final = 90
"""Of the addresses that answered before, so many must still be tried ones."""

SITTING: Final = 30
"""Honest peers that sit in seats before she comes."""

TRIED: Final = 200
"""Honest addresses that the established node has met."""

BLOCKS_EVERY: Final = 10 * MINUTE
PATIENCE: Final = 10 * MINUTE
AGAIN: Final = MINUTE
"""Her hosts knock once a minute."""

_SITTING_FIRST: Final = 121
_HONEST_FIRST: Final = 61
_HERS_FIRST: Final = 31


def honest() -> list[NetAddress]:
    """Where honest nodes are."""
    return [address(number, _HONEST_FIRST) for number in range(HONEST)]


def hers() -> list[NetAddress]:
    """Where hers are."""
    return [address(number, _HERS_FIRST) for number in range(HERS)]


class FullProgram:
    """A node that has no seat left: it accepts and hangs up at once, as a `Machine`."""

    def handle(self, event: Event, now: Instant) -> list[Effect]:  # noqa: ARG002
        """Take in one event."""
        return [Disconnect(event.peer, "full")] if isinstance(event, Opened) else []

    def tick(self, now: Instant) -> list[Effect]:  # noqa: ARG002
        """Nothing is ever due."""
        return []

    def deadline(self) -> Instant | None:
        """Never."""
        return None


# Newcomers.


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What a newcomer met.

    Args:
        hers: of those whom it dialled.
        took_us: until it had all; None if that took too long.
    """

    hers: int
    took_us: Instant | None


def cold_start(seed: int, *, attacked: bool = True, poisons: bool = False) -> ColdStart:
    """Start a node with an empty disk.

    Args:
        attacked: there are nodes of hers.
        poisons: they tell of each other alone.
    """
    rng = stream(seed, "seat filling")
    others = honest()
    own = hers() if attacked else []
    node = LoneNode(seed, asks_seeds)
    full = frozenset(rng.sample(range(HONEST), FILLED if attacked else 0))
    open_ones = [each for number, each in enumerate(others) if number not in full]
    node.add_crowd("honest", open_ones, rng.sample([*others, *own], MAX_ADDRESSES))
    if attacked:
        told = own if poisons else rng.sample([*others, *own], MAX_ADDRESSES)
        node.add_crowd("hers", own, told)
        number = node.net.simulation.add(_full, endpoint_of(others[min(full)]))
        for each in sorted(full)[1:]:
            node.net.simulation.listen(number, endpoint_of(others[each]))
    node.name_seeds(rng, [*others, *own])
    took = node.wait_for_peers(DIALS, PATIENCE)
    hosts = frozenset(each.to_text() for each in own)
    return ColdStart(sum(each in hosts for each in node.peers()), took)


def _full(_now: Instant) -> FullProgram:
    return FullProgram()


def urn(drawn_hers: int, *, dials: int = DIALS) -> float:
    """The chance that so many of those who are dialled are hers, where all are as likely."""
    ways = comb(HERS, drawn_hers) * comb(HONEST - FILLED, dials - drawn_hers)
    return ways / comb(REACHABLE - FILLED, dials)


# The established node.


@dataclass(frozen=True, slots=True)
class Besieged:
    """What became of an established node.

    Args:
        tried_kept: of its tried addresses, in percent.
        sitting: honest peers that still sit, of `SITTING`.
        seats_hers: seats that are hers.
        dialled_hers: of those whom it dialled after the restart.
        predicted: the chance that all these are hers, by what it knew then.
    """

    tried_kept: float
    sitting: int
    seats_hers: int
    dialled_hers: int
    predicted: float


def besiege(seed: int, attack: Instant = HOUR) -> Besieged:
    """Have all her hosts dial a node that has been there for long."""
    node = LoneNode(seed)
    others, own = honest(), hers()
    met, told = others[:TRIED], others[TRIED:]
    node.meet(met)
    node.tell(told)
    node.add_crowd("honest", others, others)
    sitting = [address(number, _SITTING_FIRST) for number in range(SITTING)]
    _add_diallers(node, "sitting", sitting, told)
    node.pass_time(BLOCKS_EVERY, BLOCKS_EVERY)
    _add_diallers(node, "hers", own, own)
    node.pass_time(attack, BLOCKS_EVERY)
    inbound = node.peers(frozenset((ConnectionType.INBOUND,)))
    hosts = frozenset(each.to_text() for each in own)
    friends = frozenset(each.to_text() for each in sitting)
    kept = [node.addrman.record(each) for each in met]
    tried_kept = 100 * sum(each is not None and each.tried for each in kept) / len(met)
    predicted = _predict(node, hosts)
    node.start_again(BLOCKS_EVERY + MINUTE)
    node.wait_for_peers(DIALS, PATIENCE)
    return Besieged(
        tried_kept,
        sum(each in friends for each in inbound),
        sum(each in hosts for each in inbound),
        sum(each in hosts for each in node.peers()),
        predicted,
    )


def _add_diallers(
    node: LoneNode, name: str, hosts: Sequence[NetAddress], tells: Sequence[NetAddress]
) -> None:
    simulation = node.net.simulation
    crowd = Crowd(REGTEST, f"/{name}:1/", tells, chain=node.chain)
    dialling = Dialling(node.net.nodes[NODE].endpoint, AGAIN)
    for place, each in enumerate(hosts):
        rng = simulation.random(name, place)
        simulation.add(partial(DiallingProgram, crowd, dialling, True, rng), endpoint_of(each))


def _predict(node: LoneNode, hosts: frozenset[str]) -> float:
    records = [node.addrman.record(each) for each in node.addrman.addresses()]
    tables = []
    for tried in (False, True):
        table = [each.address.to_text() for each in records if each and each.tried is tried]
        mine = sum(each in hosts for each in table)
        tables.append((mine, len(table) - mine))
    return two_tables(DIALS, tables[0], tables[1])


# What is judged.


@dataclass(frozen=True, slots=True)
class SeatFilling:
    """All that was seen.

    Args:
        attacked, calm, poisoned: newcomers, seed by seed, with the attack, without it, and where
            hers tell of hers alone.
        besieged: established nodes.
    """

    attacked: Sequence[ColdStart]
    calm: Sequence[ColdStart]
    poisoned: Sequence[ColdStart]
    besieged: Sequence[Besieged]

    @property
    def as_urn(self) -> bool:
        """Whether those who are hers are as many as from an urn: each number of them."""
        return all(low <= urn(n) <= high for n, (low, high) in self._intervals())

    def _intervals(self) -> Iterator[tuple[int, tuple[float, float]]]:
        runs = len(self.attacked)
        for n in range(DIALS + 1):
            seen = sum(each.hers == n for each in self.attacked)
            yield n, interval(seen, runs, 1 - 0.05 / (DIALS + 1))

    @property
    def as_poisoned(self) -> bool:
        """Whether all are hers as often as is derived, where hers tell of hers alone."""
        alone = sum(each.hers == DIALS for each in self.poisoned)
        low, high = interval(alone, len(self.poisoned))
        return low <= POISONED <= high

    @property
    def slower(self) -> float:
        """How many times as long the median newcomer takes."""
        return _took_s(self.attacked) / _took_s(self.calm)

    @property
    def holds(self) -> bool:
        """Whether all is as demanded."""
        return (
            self.as_urn
            and self.as_poisoned
            and self.slower <= SLOWER
            and all(each.tried_kept >= KEPT_PERCENT for each in self.besieged)
            and all(each.dialled_hers < DIALS for each in self.besieged)
        )

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        runs = len(self.attacked)
        worst = max(each.hers for each in self.attacked)
        mean = sum(each.hers for each in self.attacked) / runs
        alone = sum(each.hers == DIALS for each in self.attacked)
        yield (
            f"newcomers, {runs:,} seeds: of {DIALS} dialled {mean:.2f} are hers as a mean, derived "
            f"{DIALS * HERS / (REACHABLE - FILLED):.2f}; {worst} at most; each number of them "
            f"{'as' if self.as_urn else 'NOT as'} from an urn; all hers {alone} times, derived "
            f"chance {urn(DIALS):.1e}"
        )
        yield (
            f"cold start to {DIALS} peers: {_took_s(self.attacked):.1f} s, without the attack "
            f"{_took_s(self.calm):.1f} s, as a median: {self.slower:.2f} x"
        )
        alone = sum(each.hers == DIALS for each in self.poisoned)
        yield (
            f"where hers tell of hers alone: {sum(e.hers for e in self.poisoned) / runs:.2f} as a "
            f"mean, {max(e.hers for e in self.poisoned)} at most; all hers {alone} times, derived "
            f"chance {POISONED:.1e}"
        )
        if self.besieged:
            yield (
                f"established nodes, {len(self.besieged)} seeds: "
                f"{min(e.tried_kept for e in self.besieged):.0f} % of tried addresses kept at "
                f"least; {min(e.sitting for e in self.besieged)} of {SITTING} honest peers keep "
                f"their seats at least, hers are {max(e.seats_hers for e in self.besieged)} of "
                f"{SEATS} at most; after a kill {max(e.dialled_hers for e in self.besieged)} of "
                f"{DIALS} dialled are hers at most; all with a chance of "
                f"{max(e.predicted for e in self.besieged):.1e}"
            )


def _took_s(starts: Sequence[ColdStart]) -> float:
    return median_s([each.took_us for each in starts], PATIENCE)


def run(seeds: range, established: range, jobs: int = 1) -> SeatFilling:
    """Run all of it."""
    calm, poisoned = partial(cold_start, attacked=False), partial(cold_start, poisons=True)
    if jobs == 1:
        return SeatFilling(
            [cold_start(s) for s in seeds],
            [calm(s) for s in seeds],
            [poisoned(s) for s in seeds],
            list(map(besiege, established)),
        )
    with ProcessPoolExecutor(jobs) as pool:
        return SeatFilling(
            list(pool.map(cold_start, seeds)),
            list(pool.map(calm, seeds)),
            list(pool.map(poisoned, seeds)),
            list(pool.map(besiege, established)),
        )


def measure(seeds: range = SEEDS, established: range = ESTABLISHED_SEEDS) -> Row:
    """The row."""
    found = run(seeds, established)
    kept = min((each.tried_kept for each in found.besieged), default=100.0)
    return Row(
        "seats: one operator has 13.1 % of reachable nodes and 8,053 connections (1:10)",
        f"cold start {found.slower:.2f} x; {kept:.0f} % of tried kept",
        f"<= {SLOWER:g} x; >= {KEPT_PERCENT} %",
        found.holds,
        list(found.lines()),
    )


def main(arguments: list[str]) -> int:
    """Run, print, and say by the exit code whether all is as demanded."""
    parser = argparse.ArgumentParser(prog="python -m bench.seatfilling")
    parser.add_argument("--seeds", type=seed_range, default=SEEDS, metavar="A..B")
    parser.add_argument("--established", type=seed_range, default=ESTABLISHED_SEEDS, metavar="A..B")
    parser.add_argument("-j", "--jobs", type=positive, default=1, metavar="N", help="processes")
    options = parser.parse_args(arguments)
    found = run(options.seeds, options.established, options.jobs)
    print(*found.lines(), sep="\n")
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
