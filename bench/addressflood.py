"""A flood of addresses at which nobody is multiplies what a node hears of by five: 2026, at 1:10.

    python -m bench.addressflood [--seeds A..B] [--cold-seeds A..B]

A node knows the 2,315 addresses of the reachable nodes, of which it has met some. For three days
peers tell it, as fast as it lets them, of four times as many addresses where nobody is. Then it is
killed and started again; and a newcomer with an empty disk starts among peers that tell of as many,
once by DNS seeds and once by one address. Counted are the tried addresses that are kept, whom it
dials, and how long it takes to know the chain, and to have all its peers, beside a start without
the flood. Nobody who is nowhere can be a peer, so the chance of no honest one is 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from axon.cli.arguments import seed_range
from axon.drivers.sim.network import stream
from axon.machine import DAY, HOUR, MINUTE, SECOND, Instant
from axon.node.settings import NodeSettings
from axon.p2p.requests import endpoint_of
from axon.primitives.netaddress import NetAddress
from axon.primitives.network import REGTEST
from axon.swarm.sim.crowd import Crowd, Dialling, DiallingProgram
from axon.wire.messages.addresses import MAX_ADDRESSES
from bench.lonenode import NODE, LoneNode, address, asks_seeds, median_s
from bench.seatfilling import DIALS, REACHABLE
from bench.table import Row

TIMES: Final = 5
"""So many times as many distinct addresses are heard of in the end."""

TRIED: Final = 300
"""Addresses that the node has met."""

TELLERS: Final = 20
"""Peers that dial the node and pass the flood on."""

FLOOD: Final = 3 * DAY
TELLS_EVERY: Final = 140 * SECOND
"""Each tells one address; so each of the flood is told of some four times in three days."""

BLOCKS_EVERY: Final = HOUR
DOWN: Final = 15 * MINUTE
PATIENCE: Final = 10 * MINUTE

KEPT_PERCENT: Final = 90
SLOWER: Final = 2.0
PEERS_LATER: Final = 2.5
"""By DNS seeds. By one address of five of which four are nobody's the half second between two dials
alone makes it five times."""

SEEDS: Final = range(5)
COLD_SEEDS: Final = range(100)

_HONEST_FIRST: Final = 61
_TELLERS_FIRST: Final = 31
_NOBODY_FIRST: Final = 151


def honest() -> list[NetAddress]:
    """Where the reachable nodes are."""
    return [address(number, _HONEST_FIRST) for number in range(REACHABLE)]


def nowhere() -> list[NetAddress]:
    """Where nobody is."""
    return [address(number, _NOBODY_FIRST) for number in range((TIMES - 1) * REACHABLE)]


@dataclass(frozen=True, slots=True)
class Flooded:
    """What became of a node that was flooded.

    Args:
        tried_kept: of its tried addresses, in percent.
        known: addresses that it knows at the end, and how many of them are nobody's.
        calm_us: how long a start before the flood took until it had dialled all whom it wants.
        start_us: how long the one after it took; None if too long.
        honest: of those whom it dialled then.
    """

    tried_kept: float
    known: tuple[int, int]
    calm_us: Instant | None
    start_us: Instant | None
    honest: int


def flood(seed: int, lasts: Instant = FLOOD) -> Flooded:
    """Flood one node for days, and start it again."""
    node, others, junk = LoneNode(seed), honest(), nowhere()
    met, told = others[:TRIED], others[TRIED:]
    node.meet(met)
    node.tell(told)
    node.add_crowd("honest", others)
    calm = node.wait_for_peers(DIALS, PATIENCE)
    simulation = node.net.simulation
    crowd = Crowd(REGTEST, "/teller:1/", junk, chain=node.chain)
    dialling = Dialling(node.net.nodes[NODE].endpoint, MINUTE, TELLS_EVERY)
    for number in range(TELLERS):
        boot = partial(DiallingProgram, crowd, dialling, True, simulation.random("teller", number))
        simulation.add(boot, endpoint_of(address(number, _TELLERS_FIRST)))
    node.pass_time(lasts, BLOCKS_EVERY)
    kept = [node.addrman.record(each) for each in met]
    known = list(node.addrman.addresses())
    junk_known = len(frozenset(known) & frozenset(junk))
    node.start_again(DOWN)
    took = node.wait_for_peers(DIALS, PATIENCE)
    return Flooded(
        100 * sum(each is not None and each.tried for each in kept) / TRIED,
        (len(known), junk_known),
        calm,
        took,
        len(node.peers()),
    )


@dataclass(frozen=True, slots=True)
class Newcomer:
    """How long an empty node took.

    Args:
        chain_us: until it knew the whole chain; None if too long.
        peers_us: until it had dialled all whom it wants; None if too long.
    """

    chain_us: Instant | None
    peers_us: Instant | None


def cold_start(seed: int, *, flooded: bool, by_dns: bool) -> Newcomer:
    """Start an empty node among peers that tell of the flood, or of honest nodes alone."""
    rng = stream(seed, "address flood")
    others = honest()
    known = [*others, *nowhere()] if flooded else others
    node = LoneNode(seed, asks_seeds if by_dns else _as_usual, has_blocks=False)
    node.add_crowd("honest", others, rng.sample(known, MAX_ADDRESSES))
    if by_dns:
        node.name_seeds(rng, others)
    else:
        node.tell(rng.sample(others, 1))
    began = node.net.now
    met = node.net.simulation.run_until(
        lambda: node.net.machine(NODE).headers.best.height == len(node.chain), began + PATIENCE
    )
    chain_us = node.net.now - began if met else None
    more = node.wait_for_peers(DIALS, PATIENCE)
    return Newcomer(chain_us, None if more is None else node.net.now - began)


def _as_usual(usual: NodeSettings) -> NodeSettings:
    return usual


# What is judged.


@dataclass(frozen=True, slots=True)
class AddressFlood:
    """All that was seen, seed by seed.

    Args:
        flooded: nodes that were there before.
        starts: newcomers by whether they asked DNS seeds, and whether there was a flood.
    """

    flooded: Sequence[Flooded]
    starts: Mapping[tuple[bool, bool], Sequence[Newcomer]]

    def slower(self, by_dns: bool) -> float:
        """How many times as long the median newcomer takes until it knows the chain."""
        with_flood, without = self.starts[by_dns, True], self.starts[by_dns, False]
        return _median_s([e.chain_us for e in with_flood]) / _median_s(
            [e.chain_us for e in without]
        )

    def later(self, by_dns: bool) -> float:
        """How many times as long the median newcomer takes until all its peers are there."""
        with_flood, without = self.starts[by_dns, True], self.starts[by_dns, False]
        return _median_s([e.peers_us for e in with_flood]) / _median_s(
            [e.peers_us for e in without]
        )

    @property
    def holds(self) -> bool:
        """Whether all is as demanded."""
        return (
            all(each.tried_kept >= KEPT_PERCENT and each.honest == DIALS for each in self.flooded)
            and self.slower(True) <= SLOWER
            and self.slower(False) <= SLOWER
            and self.later(True) <= PEERS_LATER
        )

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        known = self.flooded[0].known
        yield (
            f"after {FLOOD // DAY} days, {len(self.flooded)} seeds: at least "
            f"{min(each.tried_kept for each in self.flooded):.0f} % of tried addresses kept; known "
            f"are {known[0]:,} addresses, {known[1]:,} of them nobody's"
        )
        yield (
            f"killed and started again, {min(each.honest for each in self.flooded)} of {DIALS} "
            "peers are honest at least; they are there after "
            f"{_median_s([each.start_us for each in self.flooded]):.1f} s, before the flood "
            f"{_median_s([each.calm_us for each in self.flooded]):.1f} s, as a median"
        )
        for by_dns, said in ((True, "by DNS seeds"), (False, "by one address")):
            with_flood, without = self.starts[by_dns, True], self.starts[by_dns, False]
            yield (
                f"cold start {said}, {len(with_flood)} seeds: the chain is known "
                f"{self.slower(by_dns):.2f} x as late "
                f"({_median_s([each.chain_us for each in with_flood]):.2f} s); all {DIALS} peers "
                f"are there after {_median_s([each.peers_us for each in with_flood]):.1f} s, "
                f"without the flood {_median_s([each.peers_us for each in without]):.1f} s"
            )


def _median_s(times: Sequence[Instant | None]) -> float:
    return median_s(times, PATIENCE)


def run(seeds: range, cold_seeds: range) -> AddressFlood:
    """Run all of it."""
    starts = {
        (by_dns, flooded): [cold_start(s, flooded=flooded, by_dns=by_dns) for s in cold_seeds]
        for by_dns in (True, False)
        for flooded in (True, False)
    }
    return AddressFlood(list(map(flood, seeds)), starts)


def measure(seeds: range = SEEDS, cold_seeds: range = COLD_SEEDS) -> Row:
    """The row."""
    found = run(seeds, cold_seeds)
    kept = min(each.tried_kept for each in found.flooded)
    return Row(
        "addresses: a flood multiplies those that are known by five (1:10)",
        f"{kept:.0f} % of tried kept; chain known {max(map(found.slower, (True, False))):.2f} x as "
        f"late, all peers by DNS {found.later(True):.2f} x",
        f">= {KEPT_PERCENT} %; <= {SLOWER:g} x; <= {PEERS_LATER:g} x",
        found.holds,
        list(found.lines()),
    )


def main(arguments: list[str]) -> int:
    """Run, print, and say by the exit code whether all is as demanded."""
    parser = argparse.ArgumentParser(prog="python -m bench.addressflood")
    parser.add_argument("--seeds", type=seed_range, default=SEEDS, metavar="A..B", help="floods")
    parser.add_argument(
        "--cold-seeds", type=seed_range, default=COLD_SEEDS, metavar="A..B", help="cold starts"
    )
    options = parser.parse_args(arguments)
    found = run(options.seeds, options.cold_seeds)
    print(*found.lines(), sep="\n")
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
